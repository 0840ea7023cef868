import Buffers
import HTTP
import Serving
import Testing

/// Answers everything but `/none`, and says that `/health` is urgent.
private struct Open: RequestHandler {
  func refusal(for head: RequestHead) -> Response? { head.path == "/none" ? Response(.notFound) : nil }
  func isUrgent(_ head: RequestHead) -> Bool { head.path == "/health" }
  func response(to request: borrowing HTTP.Request, on place: Place) -> Response? { Response(.ok) }
  func response(for refusal: Refusal) -> Response { Response(refusal.status) }
}

private func gate(_ origins: [String] = []) throws -> Gate {
  Gate(Open(), tokens: nil, origins: try AllowedOrigins(origins))
}

/// The fields of the answer to `head`, each as it stands there.
private func fields(
  _ gate: Gate, _ head: RequestHead?, _ response: consuming Response = Response(.ok)
) -> [String] {
  var output = ByteBuffer()
  gate.appendFields(for: response, to: head, in: &output)
  let text = String(decoding: output.elements, as: UTF8.self)
  #expect(text.hasPrefix("\r\n"))
  return text.split(separator: "\r\n").map(String.init)
}

/// How the gate answers from the head alone; nil where it lets the request in.
private func refusal(_ gate: Gate, _ head: RequestHead) -> (status: Status, fields: [String: String])? {
  guard let response = gate.refusal(for: head) else { return nil }
  return (
    response.status, Dictionary(uniqueKeysWithValues: response.fields.map { ("\($0.name)", $0.value) })
  )
}

@Suite struct GateTests {
  private let page = "https://page.example"

  private func preflight(from origin: String, _ path: String = "/x") throws -> RequestHead {
    try RequestHead(
      .options, path, fields: ["Origin": origin, "Access-Control-Request-Method": "POST"])
  }

  @Test("every answer carries the fields that bind a browser, and a picture may style itself")
  func security() throws {
    let plain = fields(try gate(), nil)
    for field in [
      "X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Referrer-Policy: no-referrer",
      "Cross-Origin-Resource-Policy: same-origin",
      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    ] { #expect(plain.contains(field)) }
    let picture = fields(try gate(), nil, Response(.ok, contentType: "image/svg+xml"))
    #expect(
      picture.contains {
        $0.hasPrefix("Content-Security-Policy:") && $0.contains("style-src 'unsafe-inline'")
      })
    #expect(picture.count == plain.count)
  }

  @Test("without origins no answer speaks of any, and a preflight is an OPTIONS like others")
  func closed() throws {
    let head = try preflight(from: page)
    #expect(!fields(try gate(), head).contains { $0.hasPrefix("Access-Control") || $0.hasPrefix("Vary") })
    #expect(refusal(try gate(), head) == nil)
  }

  @Test("an allowed origin is named, byte for byte, a strange one is not, and caches are told")
  func origins() throws {
    let gate = try gate(["https://other.example:8443", page])
    let allowed = fields(gate, try RequestHead(.get, "/x", fields: ["Origin": page]))
    #expect(allowed.contains("Access-Control-Allow-Origin: \(page)") && allowed.contains("Vary: Origin"))
    #expect(
      allowed.contains { $0.hasPrefix("Access-Control-Expose-Headers: ") && $0.contains("X-Request-Id") })
    for origin in [
      "https://page.example:443", "http://page.example", "https://page.example.evil", "https://page.exampl",
      "null", "*",
      "https://PAGE.example", "https://page.example/", "", "https://page.example https://other.example:8443",
    ] {
      let strange = fields(gate, try RequestHead(.get, "/x", fields: ["Origin": origin]))
      #expect(
        strange.contains("Vary: Origin") && !strange.contains { $0.hasPrefix("Access-Control") }, "\(origin)")
    }
    for head in [
      nil, try RequestHead(.get, "/x"),
      try RequestHead(.get, "/x", fields: ["Origin": page, "origin": page]),
    ] {
      #expect(!fields(gate, head).contains { $0.hasPrefix("Access-Control") })
    }
  }

  @Test("a star allows every page, and does not vary")
  func star() throws {
    let any = fields(try gate(["*"]), try RequestHead(.get, "/x"))
    #expect(any.contains("Access-Control-Allow-Origin: *") && !any.contains { $0.hasPrefix("Vary") })
    #expect(any.contains("Cross-Origin-Resource-Policy: cross-origin"))
  }

  @Test("a preflight of an allowed page is answered with what it may do, if the path is one")
  func preflights() throws {
    let gate = try gate([page])
    let answer = try #require(refusal(gate, try preflight(from: page)))
    #expect(answer.status == .noContent && answer.fields.count == 3)
    let headers = answer.fields["Access-Control-Allow-Headers"]
    #expect(headers?.contains("Authorization") == true && headers?.contains("Content-Type") == true)
    #expect(refusal(gate, try preflight(from: page, "/none"))?.status == .notFound)
    #expect(refusal(gate, try preflight(from: "https://strange.example")) == nil)
    #expect(refusal(gate, try RequestHead(.options, "/x", fields: ["Origin": page])) == nil)
  }

  @Test(
    "what is no origin is refused",
    arguments: [
      "page.example", "https://", "://page", "https://page.example/", "https://Page.example", "https://a b",
      "",
      "https://user@page.example", "https://*.page.example", "https://page.example?x", "null",
    ])
  func noOrigin(_ text: String) {
    #expect(throws: Failure.self) { try AllowedOrigins([text]) }
    #expect(throws: Failure.self) { try AllowedOrigins(["*", page]) }
  }
}
