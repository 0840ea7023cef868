package import Buffers
package import HTTP

/// The web pages that may read answers, by their origins, and the fields that tell a browser so (Fetch standard, CORS
/// protocol). Credentials of the browser's own, such as cookies, are never allowed: a token is sent by the page itself.
package struct AllowedOrigins: Sendable {
  private let isAnyone: Bool
  private let origins: [[UInt8]]

  /// Pages of `origins`; no page if there are none, every page where it is `*` alone.
  ///
  /// - Throws: `Failure` naming what is no origin.
  package init(_ origins: [String]) throws(Failure) {
    isAnyone = origins == ["*"]
    for origin in origins where !isAnyone && !Self.isOrigin(origin) {
      throw Failure(
        origin == "*"
          ? "the origin * allows every page, and stands alone"
          : "'\(origin)' is no origin: it must be scheme://host or scheme://host:port in lower case, with nothing behind it"
      )
    }
    self.origins = isAnyone ? [] : origins.map { Array($0.utf8) }
  }

  /// Whether no page is allowed.
  package var isEmpty: Bool { origins.isEmpty && !isAnyone }

  /// Whether every page is.
  package var areAll: Bool { isAnyone }

  /// Whether the page behind `head` may read the answer.
  package func allow(_ head: RequestHead) -> Bool {
    if isAnyone { return true }
    var lines = 0
    var isAllowed = false
    head.forEachValue(of: "origin") { origin in
      lines += 1
      // Compared byte for byte: both are serialised in one way only (HTML standard, origin).
      isAllowed = origins.contains { origin.elementsEqual($0) }
    }
    return lines == 1 && isAllowed
  }

  /// Whether `head` is a browser's question before a request (Fetch standard, CORS-preflight request) for an allowed page.
  package func allowPreflight(_ head: RequestHead) -> Bool {
    guard head.method == .options, !isEmpty else { return false }
    var (hasOrigin, hasMethod) = (false, false)
    head.forEachValue(of: "origin") { _ in hasOrigin = true }
    head.forEachValue(of: "access-control-request-method") { _ in hasMethod = true }
    return hasOrigin && hasMethod && allow(head)
  }

  /// Appends the fields of an answer to `head`.
  package func appendFields(to head: RequestHead?, in output: inout ByteBuffer) {
    if isEmpty { return }
    if isAnyone {
      output.append("\r\nAccess-Control-Allow-Origin: *")
    } else {
      // A cache must not give one page's answer to another, nor one without these fields to a page.
      output.append("\r\nVary: Origin")
      guard let head, allow(head) else { return }
      output.append("\r\nAccess-Control-Allow-Origin: ")
      head.forEachValue(of: "origin") { output.append(contentsOf: $0.assumingMemoryBound(to: UInt8.self)) }
    }
    output.append(
      "\r\nAccess-Control-Expose-Headers: Retry-After, Server-Timing, WWW-Authenticate, X-Equivalent, X-Max-Deviation, X-Request-Id"
    )
  }

  /// The further fields of an answer to a preflight. What is allowed is the same for each path; a path's own methods are
  /// its own business. Chromium keeps such an answer for two hours at most.
  package static var preflightFields: [Response.Field] {
    [
      Response.Field("Access-Control-Allow-Methods", "GET, HEAD, POST"),
      Response.Field(
        "Access-Control-Allow-Headers",
        "Accept, Authorization, Content-Encoding, Content-Type, Traceparent, Tracestate, X-Request-Id"),
      Response.Field("Access-Control-Max-Age", "7200"),
    ]
  }

  /// Whether `text` is what a browser sends in an Origin field: a scheme, a host, perhaps a port.
  private static func isOrigin(_ text: String) -> Bool {
    guard let separator = text.firstRange(of: "://") else { return false }
    let (scheme, host) = (text[..<separator.lowerBound], text[separator.upperBound...])
    let isLower = text.utf8.allSatisfy { !($0 >= 0x41 && $0 <= 0x5A) && $0 > 0x20 && $0 < 0x7F }
    let forbidden = "/?#@,*\"'\\<>".utf8
    return !scheme.isEmpty && !host.isEmpty && isLower && !host.utf8.contains { forbidden.contains($0) }
      && scheme.utf8.allSatisfy {
        ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D || $0 == 0x2B
      }
  }
}
