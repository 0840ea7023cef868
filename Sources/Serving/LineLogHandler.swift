import Logging
import Sockets

/// Writes what the program says of itself as log lines.
struct LineLogHandler: LogHandler {
  private let output: LogOutput
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(_ output: LogOutput, level: Logger.Level) {
    self.output = output
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    LogLine.write(
      output.format, event.level.rawValue, event.message.description, unixMilliseconds: Clock.unixMilliseconds
    ) { line in
      for (key, value) in all { line.field(key, "\(value)") }
    } use: {
      output.write($0)
    }
  }
}
