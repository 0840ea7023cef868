package import Buffers
import Glibc
package import HTTP

/// Stands before a handler: who has no token does not come in, pages of strange origins do not read answers, and every
/// answer carries the fields that keep a browser from making more of it than it is.
package final class Gate: RequestHandler {
  private let inner: any RequestHandler
  private let tokens: TokenFile?
  private let origins: AllowedOrigins
  /// The fields of every answer, and of pictures, which may style themselves.
  private let fields: [UInt8]
  private let pictureFields: [UInt8]

  /// A gate before `inner`, which lets everybody in without `tokens`. With `secureForSeconds`, which only a server that
  /// speaks nothing but TLS may have, browsers are told to come in no other way for so long.
  package init(
    _ inner: any RequestHandler, tokens: TokenFile?, origins: AllowedOrigins, secureForSeconds: Int? = nil
  ) {
    self.inner = inner
    self.tokens = tokens
    self.origins = origins
    fields = Self.fields(policy: "default-src 'none'; frame-ancestors 'none'", origins, secureForSeconds)
    pictureFields = Self.fields(
      policy: "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'", origins,
      secureForSeconds)
  }

  /// What every answer says of itself: that it is what its type says (Fetch standard, nosniff), that it loads and runs
  /// nothing and stands in no frame (CSP level 3), that no other site's page may show it (Fetch standard, CORP; unless all
  /// may read it anyway), that a link out of it does not say where it was, and that nobody keeps it: answers depend on a
  /// body, a token or the moment (RFC 9111 section 5.2.2.5). And, where that is asked for, that this host is reached by TLS
  /// only (RFC 6797 section 7.1).
  private static func fields(
    policy: String, _ origins: AllowedOrigins, _ secureForSeconds: Int?
  ) -> [UInt8] {
    var policies = [
      "X-Content-Type-Options: nosniff", "Content-Security-Policy: \(policy)",
      "Cross-Origin-Resource-Policy: \(origins.areAll ? "cross-origin" : "same-origin")",
      "Referrer-Policy: no-referrer", "Cache-Control: no-store",
    ]
    if let secureForSeconds { policies.append("Strict-Transport-Security: max-age=\(secureForSeconds)") }
    return policies.flatMap { Array("\r\n\($0)".utf8) }
  }

  package func isUrgent(_ head: RequestHead) -> Bool { inner.isUrgent(head) }

  package func refusal(for head: RequestHead) -> Response? {
    // A browser asks before it sends anything, a token too, so the question itself can have none (Fetch standard).
    if origins.allowPreflight(head) {
      return inner.refusal(for: head) ?? Response(.noContent, fields: AllowedOrigins.preflightFields)
    }
    // What must be answered even without room, health, must be answered without a token: an orchestrator has none.
    if let tokens, !inner.isUrgent(head), let challenge = challenge(head, tokens) {
      var response = inner.response(
        for: Refusal(status: .unauthorized, detail: "A bearer token is needed, in the field Authorization."))
      response.fields.append(Response.Field("WWW-Authenticate", challenge))
      return response
    }
    return inner.refusal(for: head)
  }

  /// What an answer of 401 asks for (RFC 9110 section 11.6.1, RFC 6750 section 3); nil where the request has it. Only who
  /// showed a token hears that it is none (section 3.1).
  private func challenge(_ head: RequestHead, _ tokens: TokenFile) -> String? {
    var (lines, isAdmitted, showsToken) = (0, false, false)
    head.forEachValue(of: "authorization") { credentials in
      lines += 1
      isAdmitted = tokens.admit(credentials)
      showsToken = showsToken || BearerTokens.token(in: credentials) != nil
    }
    // RFC 9110 section 11.6.2 knows one set of credentials; which of several counts would be anybody's guess.
    if lines == 1 && isAdmitted { return nil }
    let realm = "Bearer realm=\"convcheck\""
    return showsToken ? realm + ", error=\"invalid_token\"" : realm
  }

  package func response(to request: borrowing HTTP.Request, on place: Place) -> Response? {
    inner.response(to: request, on: place)
  }

  package func response(for refusal: Refusal) -> Response { inner.response(for: refusal) }

  package func appendFields(
    for response: borrowing Response, to head: RequestHead?, in output: inout ByteBuffer
  ) {
    (Self.isPicture(response.contentType) ? pictureFields : fields).withUnsafeBufferPointer {
      output.append(contentsOf: $0)
    }
    origins.appendFields(to: head, in: &output)
    inner.appendFields(for: response, to: head, in: &output)
  }

  private static func isPicture(_ type: StaticString?) -> Bool {
    let picture: StaticString = "image/svg+xml"
    guard let type, type.utf8CodeUnitCount == picture.utf8CodeUnitCount else { return false }
    return memcmp(type.utf8Start, picture.utf8Start, type.utf8CodeUnitCount) == 0
  }

  package var routes: [String] { inner.routes }

  package func route(of head: RequestHead) -> Int { inner.route(of: head) }
}
