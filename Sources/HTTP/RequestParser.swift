import Glibc

/// The limits of a request head.
public struct HeadLimits: Sendable {
  /// The longest head, from the request line to the empty line, in bytes; at most 1 GiB.
  public var bytes: Int
  /// The most field lines.
  public var fields: Int
  /// The longest request target, in bytes.
  public var target: Int

  /// Limits; the defaults are 16 KiB, 100 fields and a target of 8000 bytes, the least that RFC 9112
  /// section 3 recommends.
  public init(bytes: Int = 16 * 1024, fields: Int = 100, target: Int = 8000) {
    precondition(bytes > 0 && bytes <= 1 << 30 && fields >= 0 && target > 0, "limits make no sense")
    self.bytes = bytes
    self.fields = fields
    self.target = target
  }
}

/// Reads one request head out of bytes that come in pieces.
///
/// The caller keeps all bytes of the head together and shows them from the first one on at each call; the
/// parser remembers how far it looked and never looks at a byte's line end twice, so that any head costs time
/// linear in its length, however it is cut. Strict: what RFC 9112 lets a server repair, this one refuses,
/// because a proxy in front may have repaired it differently (section 11.2, request smuggling).
public struct RequestParser: Sendable {
  /// What the bytes so far amount to.
  public enum Progress: Sendable {
    /// The head is not whole yet.
    case incomplete
    /// The head, and how many of the bytes it took; the body starts behind them.
    case head(RequestHead, length: Int)
  }

  private let limits: HeadLimits
  /// How many bytes have been searched for a line end.
  private var scanned = 0
  /// Where the line in hand starts.
  private var lineStart = 0
  private var skippedEmptyLine = false
  private var line: RequestLine?
  private var fields: [RequestHead.FieldRange] = []
  private var framing = FramingFields()

  /// A parser for one head.
  public init(limits: HeadLimits = HeadLimits()) {
    self.limits = limits
  }

  /// Whether nothing has come but the empty line that may stand before a request (RFC 9112 section 2.2).
  public var isEmpty: Bool { line == nil && scanned == lineStart }

  /// Whether the request line, if it has come, asks for a head only: then so must an error be answered (RFC 9110
  /// section 9.3.2).
  public var isHead: Bool { line?.method == .head }

  /// Goes on with `bytes`, all bytes of the message so far from its first one on.
  ///
  /// - Throws: what is wrong with the head, as soon as the line that is wrong is whole.
  public mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) -> Progress {
    while let lineFeed = Self.lineFeed(in: bytes, from: scanned) {
      try checkLength(upTo: lineFeed + 1)
      try checkFirstByte(bytes)
      scanned = lineFeed + 1
      // RFC 9112 section 2.2: a bare LF could be taken for a line end; here it is refused.
      guard lineFeed > lineStart, bytes[lineFeed - 1] == Bytes.carriageReturn else {
        throw .malformed(.bareLineFeed, at: lineStart)
      }
      let range = lineStart..<lineFeed - 1
      lineStart = lineFeed + 1
      if line == nil {
        // RFC 9112 section 2.2: at least one empty line before the request line should be ignored.
        if range.isEmpty && !skippedEmptyLine {
          skippedEmptyLine = true
          continue
        }
        line = try RequestLine(bytes, range, limits)
        fields.reserveCapacity(min(12, limits.fields))
      } else if range.isEmpty {
        return .head(try head(from: bytes), length: lineFeed + 1)
      } else {
        try takeField(bytes, range)
      }
    }
    scanned = bytes.count
    try checkPartialLine(bytes)
    return .incomplete
  }

  @inline(__always)
  private static func lineFeed(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard let base = bytes.baseAddress, start < bytes.count,
      let found = memchr(base + start, Int32(Bytes.lineFeed), bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }

  /// Refuses a line that ends at `end` behind the limit. A request line with its method of at most 7 bytes,
  /// its version of 8, two spaces and CRLF exceeds the longest target by 19.
  private func checkLength(upTo end: Int) throws(HTTPError) {
    if line == nil && (end - lineStart > limits.target + 19 || end > limits.bytes) {
      throw .targetTooLong(limit: limits.target)
    }
    if end > limits.bytes { throw .headTooLarge(limit: limits.bytes) }
  }

  /// Refuses what no further byte can make right, so that nobody waits for a line end that never comes: a line
  /// that will be too long with the LF it lacks, and a first byte that starts no request.
  private func checkPartialLine(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
    try checkLength(upTo: bytes.count + 1)
    if lineStart < bytes.count { try checkFirstByte(bytes) }
  }

  /// Refuses a request line that does not start like a method. The CR or LF of an empty line is another matter.
  private func checkFirstByte(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
    if line != nil || Bytes.isToken(bytes[lineStart]) { return }
    if bytes[lineStart] != Bytes.carriageReturn, bytes[lineStart] != Bytes.lineFeed {
      throw .malformed(.method, at: lineStart)
    }
  }

  /// Takes one field line (RFC 9112 section 5).
  private mutating func takeField(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTPError) {
    if fields.count == limits.fields { throw .tooManyFields(limit: limits.fields) }
    let line = UnsafeRawBufferPointer(rebasing: bytes[range])
    // RFC 9112 section 5.2: a server must refuse or replace obs-fold.
    if line[0] == Bytes.space || line[0] == Bytes.tab { throw .malformed(.foldedLine, at: range.lowerBound) }
    var colon = 0
    while colon < line.count, Bytes.isToken(line[colon]) { colon += 1 }
    if colon == line.count { throw .malformed(.missingColon, at: range.lowerBound) }
    // RFC 9112 section 5.1: no white space between name and colon, and a name is a token.
    if colon == 0 || line[colon] != Bytes.colon { throw .malformed(.fieldName, at: range.lowerBound) }
    var first = colon + 1
    var end = line.count
    while first < end, line[first] == Bytes.space || line[first] == Bytes.tab { first += 1 }
    while end > first, line[end - 1] == Bytes.space || line[end - 1] == Bytes.tab { end -= 1 }
    let value = UnsafeRawBufferPointer(rebasing: line[first..<end])
    // RFC 9110 section 5.5: CR, LF and NUL are dangerous, the other controls invalid.
    if !Bytes.isFieldContent(value) { throw .malformed(.fieldValue, at: range.lowerBound) }
    do {
      try framing.take(UnsafeRawBufferPointer(rebasing: line[..<colon]), value)
    } catch {
      throw error.moved(to: range.lowerBound)
    }
    let start = Int32(range.lowerBound)
    fields.append(
      RequestHead.FieldRange(
        name: start..<start + Int32(colon), value: start + Int32(first)..<start + Int32(end)))
  }

  private mutating func head(from bytes: UnsafeRawBufferPointer) throws(HTTPError) -> RequestHead {
    guard let line else { throw .malformed(.requestLine, at: 0) }
    let body = try framing.body(minorVersion: line.minorVersion)
    // RFC 9112 section 6.2 closes the door on any body that is not announced: without a length there is none.
    return RequestHead(
      method: line.method, path: line.path, minorVersion: line.minorVersion, framing: body,
      keepAlive: framing.keepAlive(minorVersion: line.minorVersion),
      // RFC 9110 section 10.1.1: the expectation of an HTTP/1.0 client is ignored, and one without a body has
      // nothing to wait for.
      expectsContinue: framing.expectsContinue && line.minorVersion > 0 && body != .none,
      bytes: Array(bytes[..<lineStart]), queryRange: line.query, fields: fields)
  }
}

extension HTTPError {
  /// The same error at another offset.
  fileprivate func moved(to offset: Int) -> HTTPError {
    if case .malformed(let flaw, _) = self { return .malformed(flaw, at: offset) }
    return self
  }
}
