import HTTP
import Server
import Sockets

/// One line for each request: who asked for what, and how it went. Nothing that a request carries is in it: no query, no
/// body, no field but the two that name it.
///
/// The lines go around swift-log: its metadata would cost a dictionary and a string for each value of each request.
final class AccessLog: RequestLog {
  /// Which requests are logged.
  enum Selection: String, CaseIterable, Sendable {
    /// All of them.
    case all
    /// Those that got no answer, or one with a status of 400 or more.
    case errors
    /// None.
    case off
  }

  /// The bytes of a path that are logged.
  static let longestPath = 128

  private let output: LogOutput
  private let selection: Selection

  /// A log of `selection` to `output`; nil where nothing is selected.
  init?(_ selection: Selection, to output: LogOutput) {
    if selection == .off { return nil }
    self.output = output
    self.selection = selection
  }

  /// Writes the line of `record`.
  func note(_ record: RequestRecord) {
    if selection == .errors, let status = record.status?.rawValue, status < 400 { return }
    LogLine.write(output.format, "info", "request", unixMilliseconds: Clock.unixMilliseconds) {
      Self.fill(&$0, record)
    } use: {
      output.write($0)
    }
  }

  private static func fill(_ line: inout LogLine, _ record: RequestRecord) {
    line.begin("peer", isNumber: false)
    record.peer.withText { line.put(UnsafeRawBufferPointer($0)) }
    line.endText()
    line.begin("method", isNumber: false)
    line.put(record.head?.method.name ?? "-")
    line.endText()
    line.begin("path", isNumber: false)
    put(path: record.head?.path ?? "-", to: &line)
    line.endText()
    line.begin("status", isNumber: true)
    if let status = record.status { line.put(decimal: status.rawValue) } else { line.put("null") }
    line.begin("bytes", isNumber: true)
    line.put(decimal: record.byteCount)
    line.begin("seconds", isNumber: true)
    line.put(nanoseconds: record.nanoseconds)
    line.begin("request_id", isNumber: false)
    record.identity.withName(record.head) { line.put($0) }
    line.endText()
    guard let trace = record.identity.trace else { return }
    line.begin("trace_id", isNumber: false)
    line.put(hexadecimal: trace.traceHigh)
    line.put(hexadecimal: trace.traceLow)
    line.endText()
    line.begin("span_id", isNumber: false)
    line.put(hexadecimal: record.identity.span)
    line.endText()
    line.begin("parent_id", isNumber: false)
    line.put(hexadecimal: trace.parent)
    line.endText()
  }

  /// A path has no control bytes and no spaces, as the parser lets none in; quotation marks and backslashes are escaped.
  private static func put(path: String, to line: inout LogLine) {
    var path = path
    path.withUTF8 { bytes in
      line.put(escaped: UnsafeBufferPointer(rebasing: bytes.prefix(longestPath)))
      if bytes.count > longestPath { line.put("...") }
    }
  }
}
