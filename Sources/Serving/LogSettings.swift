public import ArgumentParser
import Logging

/// What the server says of itself, set by flag or by environment.
public struct LogSettings: ParsableArguments {
  private static func names<Value: CaseIterable & RawRepresentable>(_ type: Value.Type) -> String
  where Value.RawValue == String {
    Value.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private static func choice<Value: CaseIterable & RawRepresentable & Sendable>(
    _ name: String, _ fallback: Value, _ unit: String, _ purpose: String
  ) -> Setting<Value> where Value.RawValue == String {
    Setting(
      name: name, fallback: fallback, unit: unit, purpose: "\(purpose): \(names(Value.self)).",
      read: { Value(rawValue: $0) }, expected: "one of \(names(Value.self))")
  }

  private static let logLevelSetting = choice(
    "log-level", Logger.Level.notice, "level", "How much the server says of itself on standard error")
  private static let logFormatSetting = choice(
    "log-format", LogFormat.text, "format", "How log lines are written")
  private static let accessLogSetting = choice(
    "access-log", AccessLog.Selection.all, "which", "Which requests are logged, one line each")

  @Option(help: Self.logLevelSetting.help) var logLevel: String?
  @Option(help: Self.logFormatSetting.help) var logFormat: String?
  @Option(help: Self.accessLogSetting.help) var accessLog: String?

  /// Settings that nobody has set yet.
  public init() {}

  /// Where log lines go.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func output() throws -> LogOutput {
    LogOutput(try Self.logFormatSetting.resolve(flag: logFormat))
  }

  /// The log of requests; nil where none is wanted.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func accessLog(to output: LogOutput) throws -> AccessLog? {
    AccessLog(try Self.accessLogSetting.resolve(flag: accessLog), to: output)
  }

  /// A logger to `output` that says as much as was asked for.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func logger(to output: LogOutput) throws -> Logger {
    let level = try Self.logLevelSetting.resolve(flag: logLevel)
    return Logger(label: "server") { _ in LineLogHandler(output, level: level) }
  }

  /// Reads everything once for its errors.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  public func check() throws {
    let output = try output()
    _ = try logger(to: output)
    _ = try accessLog(to: output)
  }
}
