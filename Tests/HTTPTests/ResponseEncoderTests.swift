import Buffers
import HTTP
import Testing

private func body(_ text: String) -> ByteBuffer {
  var buffer = ByteBuffer()
  buffer.append(text: text)
  return buffer
}

private func encode(
  _ response: consuming Response, _ framing: ResponseEncoder.Framing, at second: Int = 784_111_777
) -> (head: String, bodyCount: Int) {
  var encoder = ResponseEncoder()
  encoder.advance(to: second)
  var output = ByteBuffer()
  let count = encoder.appendHead(of: response, framing: framing, to: &output)
  return (String(decoding: output.elements, as: UTF8.self), count)
}

@Suite struct ResponseEncoderTests {
  // RFC 9110 section 5.6.7 gives this very moment as its example.
  let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

  @Test("an answer has status line, Date, type, length and fields, in this order")
  func plain() {
    let response = Response(
      .ok, contentType: "text/plain", fields: [Response.Field("Allow", "GET")], body: body("hello"))
    let (head, count) = encode(response, .init(keepAlive: true))
    #expect(
      head == "HTTP/1.1 200 OK\r\n\(date)Content-Type: text/plain\r\nContent-Length: 5\r\nAllow: GET\r\n\r\n")
    #expect(count == 5)
  }

  @Test("HEAD gets the same head and no body")
  func head() {
    let get = encode(Response(.ok, contentType: "a/b", body: body("hello")), .init(keepAlive: true))
    let head = encode(
      Response(.ok, contentType: "a/b", body: body("hello")), .init(isHead: true, keepAlive: true))
    #expect(get.head == head.head)
    #expect(head.bodyCount == 0)
  }

  @Test("204 has neither length nor body, an empty 200 has the length 0")
  func empty() {
    #expect(
      encode(Response(.noContent), .init(keepAlive: true)).head == "HTTP/1.1 204 No Content\r\n\(date)\r\n")
    #expect(encode(Response(.noContent, body: body("x")), .init(keepAlive: true)).bodyCount == 0)
    #expect(encode(Response(.ok), .init(keepAlive: true)).head.contains("\r\nContent-Length: 0\r\n"))
  }

  @Test("Connection is said only where it says something")
  func connection() {
    func connection(_ minorVersion: Int, _ keepAlive: Bool) -> String? {
      encode(Response(.ok), .init(minorVersion: minorVersion, keepAlive: keepAlive)).head
        .split(separator: "\r\n").first { $0.hasPrefix("Connection") }.map(String.init)
    }
    #expect(connection(1, true) == nil)
    #expect(connection(1, false) == "Connection: close")
    #expect(connection(0, true) == "Connection: keep-alive")
    #expect(connection(0, false) == "Connection: close")
  }

  @Test("further fields stand behind the response's own and before Connection")
  func further() {
    var output = ByteBuffer()
    let response = Response(.noContent, fields: [Response.Field("Allow", "GET")])
    _ = ResponseEncoder().appendHead(of: response, framing: .init(keepAlive: false), to: &output) {
      $0.append("\r\nA: b\r\nC: d")
    }
    let head = String(decoding: output.elements, as: UTF8.self)
    #expect(head.hasSuffix("\r\nAllow: GET\r\nA: b\r\nC: d\r\nConnection: close\r\n\r\n"))
  }

  @Test("a value cannot split the answer")
  func splitting() {
    let response = Response(.ok, fields: [Response.Field("X", "a\r\nSet-Cookie: b\0")])
    let head = encode(response, .init(keepAlive: true)).head
    #expect(head.contains("\r\nX: a  Set-Cookie: b \r\n"))
  }

  @Test(
    "dates are right at the edges of months, years and centuries",
    // From `date -u -d @N`.
    arguments: [
      (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
      (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
      (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
      (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_790_000_000, "Mon, 21 Sep 2026 14:13:20 GMT"),
    ])
  func dates(_ second: Int, _ text: String) {
    #expect(encode(Response(.ok), .init(keepAlive: true), at: second).head.contains("\r\nDate: \(text)\r\n"))
  }
}
