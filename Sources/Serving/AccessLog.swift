import Buffers
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
  func note(_ record: RequestRecord, scratch line: inout ByteBuffer) {
    let status = record.status?.rawValue
    if selection == .errors, let status, status < 400 { return }
    append(record, to: &line, unixMilliseconds: Clock.unixMilliseconds)
    output.write(line)
  }

  func append(
    _ record: RequestRecord, to line: inout ByteBuffer, unixMilliseconds: Int
  ) {
    let text = LogLine(output.format, "info", "request", unixMilliseconds: unixMilliseconds, in: &line)
    text.field("peer", in: &line) { line in record.peer.withText { line.append(contentsOf: $0) } }
    text.field("method", in: &line) { $0.append(text: record.head?.method.rawValue ?? "-") }
    text.field("path", in: &line) { Self.append(path: record.head?.path, to: &$0) }
    text.field("status", isNumber: true, in: &line) { line in
      if let status = record.status { line.append(decimal: status.rawValue) } else { line.append("null") }
    }
    text.field("bytes", isNumber: true, in: &line) { $0.append(decimal: record.byteCount) }
    text.field("seconds", isNumber: true, in: &line) {
      $0.append(decimal: max(0, record.nanoseconds / 1000), places: 6)
    }
    text.field("request_id", in: &line) { record.identity.appendName(record.head, to: &$0) }
    if record.identity.trace != nil {
      text.field("trace_id", in: &line) { record.identity.appendTrace(to: &$0) }
      text.field("span_id", in: &line) { $0.append(hexadecimal: record.identity.span) }
      text.field("parent_id", in: &line) { $0.append(hexadecimal: record.identity.trace?.parent ?? 0) }
    }
    text.end(in: &line)
  }

  /// A path has no control bytes and no spaces, as the parser lets none in; quotation marks and backslashes are escaped.
  private static func append(path: String?, to line: inout ByteBuffer) {
    guard let path else {
      line.append("-")
      return
    }
    if path.utf8.count <= longestPath {
      LogLine.append(escaped: path, to: &line)
    } else {
      LogLine.append(escaped: String(decoding: path.utf8.prefix(longestPath), as: UTF8.self), to: &line)
      line.append("...")
    }
  }
}
