/// The first line of a request (RFC 9112 section 3), taken apart.
struct RequestLine: Sendable {
  let method: Method
  let path: String
  let query: Range<Int32>?
  /// 0, or 1 for everything above: RFC 9110 section 2.5 has a server treat a higher minor version as the
  /// highest it knows.
  let minorVersion: Int

  /// The line that stands in `range` of `bytes`, without its CRLF.
  ///
  /// - Throws: what is wrong with it, the grammar first, then the version, the method, the target.
  init(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ limits: HeadLimits
  ) throws(HTTPError) {
    let line = UnsafeRawBufferPointer(rebasing: bytes[range])
    // RFC 9112 section 3: exactly one space between the parts; lenient splitting opens holes.
    guard let methodEnd = line.firstIndex(of: Bytes.space), methodEnd > 0,
      let targetEnd = line.lastIndex(of: Bytes.space), targetEnd > methodEnd + 1
    else { throw .malformed(.requestLine, at: range.lowerBound) }
    let name = UnsafeRawBufferPointer(rebasing: line[..<methodEnd])
    guard Bytes.isToken(name) else { throw .malformed(.method, at: range.lowerBound) }

    // RFC 9112 section 2.3: `HTTP/digit.digit`, case-sensitive.
    let version = UnsafeRawBufferPointer(rebasing: line[(targetEnd + 1)...])
    guard version.count == 8, version.starts(with: Self.versionStart), Bytes.isDigit(version[5]),
      version[6] == UInt8(ascii: "."), Bytes.isDigit(version[7])
    else { throw .malformed(.version, at: range.lowerBound) }
    if version[5] != UInt8(ascii: "1") { throw .unsupportedVersion }
    minorVersion = version[7] == UInt8(ascii: "0") ? 0 : 1

    // RFC 9110 section 9.1: an unknown method is answered with 501. A known one that the target does not have is
    // 405, which the handler decides, CONNECT too.
    guard let method = Method(name) else { throw .unknownMethod }
    self.method = method

    let target = UnsafeRawBufferPointer(rebasing: line[(methodEnd + 1)..<targetEnd])
    if target.count > limits.target { throw .targetTooLong(limit: limits.target) }
    guard let parts = RequestTarget(target, for: method) else {
      throw .malformed(.target, at: range.lowerBound)
    }
    if parts.path.isEmpty {
      // RFC 9110 section 4.2.3: an absolute URI without a path means `/`, for OPTIONS alone the server
      // (RFC 9112 section 3.2.4).
      path = method == .options && parts.query == nil ? "*" : "/"
    } else {
      path = String(decoding: UnsafeRawBufferPointer(rebasing: target[parts.path]), as: UTF8.self)
    }
    let start = range.lowerBound + methodEnd + 1
    query = parts.query.map { Int32(start + $0.lowerBound)..<Int32(start + $0.upperBound) }
  }

  private static var versionStart: StaticString.UTF8Bytes { ("HTTP/" as StaticString).utf8Bytes }
}

extension StaticString {
  typealias UTF8Bytes = UnsafeBufferPointer<UInt8>

  /// The bytes of the text, which live as long as the program.
  var utf8Bytes: UTF8Bytes { UTF8Bytes(start: utf8Start, count: utf8CodeUnitCount) }
}
