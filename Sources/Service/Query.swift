import Convolution

/// The parameters of a query, in order: `image=64x64&filter=3x3`.
struct Query {
  private let parameters: [(name: Substring, value: Substring)]

  /// Splits a raw query; nil is an empty one.
  init(_ text: String?) {
    parameters = (text ?? "").split(separator: "&").map { parameter in
      guard let separator = parameter.firstIndex(of: "=") else { return (parameter, "") }
      return (parameter[..<separator], parameter[parameter.index(after: separator)...])
    }
  }

  /// The value of `name`, or nil where it is absent.
  subscript(name: String) -> Substring? {
    parameters.first { $0.name == name }?.value
  }

  /// Refuses what is not in `known` and what comes twice.
  func check(known: [String]) throws(ServiceError) {
    for (index, parameter) in parameters.enumerated() {
      let name = String(parameter.name)
      guard known.contains(name) else {
        throw .parameter(name, "is unknown; known are \(known.joined(separator: ", ")).")
      }
      guard !parameters[..<index].contains(where: { $0.name == parameter.name }) else {
        throw .parameter(name, "stands there twice.")
      }
    }
  }

  /// Two extents joined by `x`, as in `256x256`; nil where the parameter is absent.
  func extents(_ name: String) throws(ServiceError) -> Extent? {
    guard let text = self[name] else { return nil }
    guard let extent = Extent(text) else {
      throw .parameter(name, "must be height x width in whole numbers, such as 256x256.")
    }
    return extent
  }

  /// A whole number within `range`; nil where the parameter is absent.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(ServiceError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let value = wholeNumber(text), range.contains(value) else {
      throw .parameter(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound).")
    }
    return value
  }

  /// The name of an element type; nil where the parameter is absent.
  func dataType(_ name: String) throws(ServiceError) -> DataType? {
    guard let text = self[name] else { return nil }
    guard let dataType = DataType(rawValue: String(text)) else {
      throw .parameter(name, "must be one of \(DataType.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return dataType
  }

  /// Digits only: `Int` alone would take a sign as well.
  private func wholeNumber(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(text) : nil
  }
}
