/// The target of a request line, taken apart (RFC 9112 section 3.2). Positions count from the target's start.
struct RequestTarget {
  var path: Range<Int>
  var query: Range<Int>?

  /// The parts of `target`, a request's target for `method`; nil where it is no target that an origin server
  /// may be asked for.
  init?(_ target: UnsafeRawBufferPointer, for method: Method) {
    var question: Int?
    for index in 0..<target.count {
      let byte = target[index]
      // RFC 3986 section 2: a URI has no controls, no spaces and no bytes outside ASCII. RFC 9112 section 3.2:
      // a fragment is never sent. `{`, `|` and their like, which browsers send in queries, are let through.
      if byte <= Bytes.space || byte >= 0x7F || byte == UInt8(ascii: "#") { return nil }
      if byte == UInt8(ascii: "?"), question == nil { question = index }
    }
    let end = question ?? target.count
    query = question.map { $0 + 1..<target.count }
    guard let first = target.first else { return nil }
    // Authority-form, RFC 9112 section 3.2.3: for CONNECT, and nothing else for it. A query is part of no authority.
    if method == .connect {
      guard question == nil, Authority.isComplete(target) else { return nil }
      path = 0..<end
      return
    }
    // Origin-form, RFC 9112 section 3.2.1.
    if first == UInt8(ascii: "/") {
      path = 0..<end
      return
    }
    // Asterisk-form, RFC 9112 section 3.2.4: for a server-wide OPTIONS only.
    if first == UInt8(ascii: "*") {
      guard target.count == 1, method == .options else { return nil }
      path = 0..<1
      return
    }
    // Absolute-form, RFC 9112 section 3.2.2: a server must accept it, and take the authority for the host.
    guard let schemeEnd = Self.schemeLength(target) else { return nil }
    var pathStart = schemeEnd
    while pathStart < end, target[pathStart] != UInt8(ascii: "/") { pathStart += 1 }
    let authority = UnsafeRawBufferPointer(rebasing: target[schemeEnd..<pathStart])
    // RFC 9110 section 4.2.1: an http URI with an empty host is invalid.
    guard let host = authority.first, host != Bytes.colon, Authority.isValid(authority) else { return nil }
    path = pathStart..<end
  }

  private static func schemeLength(_ target: UnsafeRawBufferPointer) -> Int? {
    for length in [7, 8] where target.count > length {
      let scheme = UnsafeRawBufferPointer(rebasing: target[..<length])
      if Bytes.equal(scheme, ignoringCase: length == 7 ? "http://" : "https://") { return length }
    }
    return nil
  }
}
