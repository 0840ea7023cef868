public import ArgumentParser
import Glibc

/// One setting of the server: a flag `--name`, an environment variable `CONVCHECK_NAME` and a default, in
/// this order of precedence.
public struct Setting<Value: Sendable>: Sendable {
  /// The flag without its dashes.
  public let name: String
  /// The value where neither flag nor variable is given.
  public let fallback: Value
  /// What its value counts or is, one word.
  public let unit: String
  /// What it does, one sentence.
  public let purpose: String
  /// Reads a text, or returns nil where it is no such value.
  public let read: @Sendable (String) -> Value?
  /// What `read` wants, for the error message.
  public let expected: String

  /// A setting from its parts.
  public init(
    name: String, fallback: Value, unit: String, purpose: String,
    read: @escaping @Sendable (String) -> Value?, expected: String
  ) {
    self.name = name
    self.fallback = fallback
    self.unit = unit
    self.purpose = purpose
    self.read = read
    self.expected = expected
  }

  /// The environment variable: `--max-body` is `CONVCHECK_MAX_BODY`.
  public var variable: String {
    "CONVCHECK_" + name.uppercased().replacing("-", with: "_")
  }

  /// The entry in `--help`.
  public var help: ArgumentHelp { help(default: "\(fallback)") }

  /// The entry in `--help`, with another word for the default.
  public func help(default fallback: String) -> ArgumentHelp {
    ArgumentHelp("\(purpose) [\(variable); default \(fallback)]", valueName: unit)
  }

  /// The value from the flag, else from the environment, else the default.
  ///
  /// - Throws: `ValidationError` naming the flag or the variable, its text, and what it must be.
  public func resolve(flag: String?) throws -> Value {
    if let flag { return try parse(flag, from: "--\(name)") }
    guard let pointer = getenv(variable) else { return fallback }
    let text = String(cString: pointer)
    do {
      return try parse(text, from: variable)
    } catch let error as ValidationError where text.hasPrefix("tcp://") {
      // Kubernetes injects such variables for a Service that has this program's name.
      throw ValidationError(
        "\(error.message) Kubernetes sets it for a Service called convcheck: "
          + "set enableServiceLinks: false in the pod.")
    }
  }

  private func parse(_ text: String, from source: String) throws -> Value {
    guard let value = read(text) else {
      throw ValidationError("\(source) is '\(text)', but must be \(expected).")
    }
    return value
  }
}

extension Setting where Value == Int {
  /// A whole number within `range`.
  public init(_ name: String, _ fallback: Int, _ unit: String, in range: ClosedRange<Int>, _ purpose: String)
  {
    self.init(
      name: name, fallback: fallback, unit: unit, purpose: purpose,
      read: { text in
        // Int("+5") succeeds, and nobody means it.
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let value = Int(text) else { return nil }
        return range.contains(value) ? value : nil
      },
      expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
  }
}

extension Setting where Value == String {
  /// A text that is not empty.
  public init(_ name: String, _ fallback: String, _ unit: String, _ purpose: String) {
    self.init(
      name: name, fallback: fallback, unit: unit, purpose: purpose, read: { $0.isEmpty ? nil : $0 },
      expected: "a text that is not empty")
  }

  /// The value from the flag, else from the environment; nil where neither says anything.
  func resolveOptional(flag: String?) throws -> String? {
    flag == nil && getenv(variable) == nil ? nil : try resolve(flag: flag)
  }
}

extension Setting where Value == Bool {
  /// `true` or `false`, `false` by default.
  public init(_ name: String, _ purpose: String) {
    self.init(
      name: name, fallback: false, unit: "", purpose: purpose, read: { Bool($0) }, expected: "true or false")
  }

  /// The value where the flag stands alone, without a text: true if it is given, else that of the environment.
  public func resolve(flag isGiven: Bool) throws -> Bool {
    try resolve(flag: isGiven ? "true" : nil)
  }
}
