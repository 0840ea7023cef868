/// What the fields that steer a connection say: Host, Content-Length, Transfer-Encoding, Connection, Expect.
/// Errors name offset 0; the parser knows the line.
struct FramingFields: Sendable {
  private(set) var expectsContinue = false
  private var hasHost = false
  private var contentLength: Int?
  private var hasCoding = false
  private var codings = 0
  private var lastIsChunked = false
  private var chunkedCodings = 0
  private var asksClose = false
  private var asksKeepAlive = false

  /// Takes notice of one field.
  @inline(__always)
  mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(HTTPError) {
    switch name.count {
    case 4: if Bytes.equal(name, ignoringCase: "host") { try takeHost(value) }
    case 6: if Bytes.equal(name, ignoringCase: "expect") { try takeExpectation(value) }
    case 10: if Bytes.equal(name, ignoringCase: "connection") { takeConnection(value) }
    case 14: if Bytes.equal(name, ignoringCase: "content-length") { try takeContentLength(value) }
    case 17: if Bytes.equal(name, ignoringCase: "transfer-encoding") { try takeCoding(value) }
    default: break
    }
  }

  /// The framing of the body, once all fields are in (RFC 9112 section 6.3).
  func body(minorVersion: Int) throws(HTTPError) -> BodyFraming {
    // RFC 9112 section 3.2: a 1.1 request without Host is answered with 400.
    if minorVersion > 0 && !hasHost { throw .malformed(.missingHost, at: 0) }
    guard hasCoding else {
      guard let contentLength, contentLength > 0 else { return .none }
      return .contentLength(contentLength)
    }
    // RFC 9112 section 6.1: both is a sign of request smuggling.
    if contentLength != nil { throw .malformed(.lengthAndCoding, at: 0) }
    // RFC 9112 section 6.1: a transfer coding in HTTP/1.0 is faulty framing.
    if minorVersion == 0 { throw .malformed(.codingInOldVersion, at: 0) }
    // RFC 9112 section 6.3: no final chunked, no way to find the end; section 7: never chunked twice. One that
    // ends well but starts with a coding unknown here, or is of unknown codings alone, is 501 (section 6.1).
    if codings == 0 || chunkedCodings > 1 || (chunkedCodings == 1 && !lastIsChunked) {
      throw .malformed(.transferCoding, at: 0)
    }
    if codings > 1 || chunkedCodings == 0 { throw .unknownTransferCoding }
    return .chunked
  }

  /// Whether the connection stays after the answer (RFC 9112 section 9.3): `close` wins over all.
  func keepAlive(minorVersion: Int) -> Bool {
    !asksClose && (minorVersion > 0 || asksKeepAlive)
  }

  private mutating func takeHost(_ value: UnsafeRawBufferPointer) throws(HTTPError) {
    // RFC 9112 section 3.2: more than one Host, or an invalid one, is answered with 400.
    if hasHost { throw .malformed(.repeatedHost, at: 0) }
    if !Authority.isValid(value) { throw .malformed(.host, at: 0) }
    hasHost = true
  }

  private mutating func takeContentLength(_ value: UnsafeRawBufferPointer) throws(HTTPError) {
    // RFC 9110 section 8.6 lets a server take identical repeats and lists of them; refusing is allowed and safe.
    if contentLength != nil { throw .malformed(.repeatedContentLength, at: 0) }
    var length = 0
    // Content-Length = 1*DIGIT. Eighteen digits never overflow.
    guard !value.isEmpty, value.count <= 18 else { throw .malformed(.contentLength, at: 0) }
    for byte in value {
      guard Bytes.isDigit(byte) else { throw .malformed(.contentLength, at: 0) }
      length = length * 10 + Int(byte &- 0x30)
    }
    contentLength = length
  }

  private mutating func takeCoding(_ value: UnsafeRawBufferPointer) throws(HTTPError) {
    hasCoding = true
    var isMalformed = false
    var elements = 0
    Bytes.forEachElement(of: value) { coding in
      // RFC 9112 section 7: `chunked` has no parameters, and a coding starts with a token.
      let name = UnsafeRawBufferPointer(rebasing: coding.prefix { Bytes.isToken($0) })
      let isChunked = Bytes.equal(name, ignoringCase: "chunked")
      if name.isEmpty || (isChunked && name.count != coding.count) { isMalformed = true }
      elements += 1
      chunkedCodings += isChunked ? 1 : 0
      lastIsChunked = isChunked
    }
    // RFC 9110 section 5.6.1.1: senders make no empty elements. What is harmless in other lists could here be
    // read as no coding at all by a proxy in front (RFC 9112 section 11.2).
    if isMalformed || elements != 1 + value.count(where: { $0 == Bytes.comma }) {
      throw .malformed(.transferCoding, at: 0)
    }
    codings += elements
  }

  private mutating func takeConnection(_ value: UnsafeRawBufferPointer) {
    // RFC 9110 section 7.6.1: a list of case-insensitive tokens.
    Bytes.forEachElement(of: value) { option in
      if Bytes.equal(option, ignoringCase: "close") { asksClose = true }
      if Bytes.equal(option, ignoringCase: "keep-alive") { asksKeepAlive = true }
    }
  }

  private mutating func takeExpectation(_ value: UnsafeRawBufferPointer) throws(HTTPError) {
    // RFC 9110 section 10.1.1: a list of expectations; any but this one may be answered with 417.
    try Bytes.forEachElement(of: value) { expectation throws(HTTPError) in
      guard Bytes.equal(expectation, ignoringCase: "100-continue") else { throw .unmetExpectation }
      expectsContinue = true
    }
  }
}
