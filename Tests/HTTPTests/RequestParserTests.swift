import HTTP
import Testing

/// What a parser made of some bytes, in a form that can be compared.
enum Outcome: Equatable, CustomStringConvertible {
  case incomplete
  case head(Method, String, query: String?, BodyFraming, keepAlive: Bool, length: Int)
  case error(HTTPError)

  var description: String {
    switch self {
    case .incomplete: "incomplete"
    case .head(let method, let path, let query, let framing, let keepAlive, let length):
      "\(method) \(path) ? \(query ?? "nil") \(framing) keepAlive \(keepAlive) length \(length)"
    case .error(let error): "\(error)"
    }
  }

  var status: Int? {
    if case .error(let error) = self { error.status.rawValue } else { nil }
  }
}

/// Shows `bytes` to one parser, up to each of the `cuts` and then whole.
func parse(_ bytes: [UInt8], cuts: [Int] = [], limits: HeadLimits = HeadLimits()) -> Outcome {
  var parser = RequestParser(limits: limits)
  for end in cuts + [bytes.count] {
    // A fresh copy each time, so that a parser that kept a pointer would be found out.
    let shown = Array(bytes[..<end])
    do throws(HTTPError) {
      let progress = try shown.withUnsafeBytes { shown in
        Result { () throws(HTTPError) in try parser.parse(shown) }
      }.get()
      if case .head(let head, let length) = progress {
        return .head(
          head.method, head.path, query: head.query, head.framing, keepAlive: head.keepAlive, length: length)
      }
    } catch {
      return .error(error)
    }
  }
  return .incomplete
}

func parse(_ text: String, limits: HeadLimits = HeadLimits()) -> Outcome {
  parse(Array(text.utf8), limits: limits)
}

func head(_ text: String) throws -> RequestHead {
  var parser = RequestParser()
  let progress = try Array(text.utf8).withUnsafeBytes { bytes in
    Result { () throws(HTTPError) in try parser.parse(bytes) }
  }.get()
  guard case .head(let head, _) = progress else { throw HTTPError.malformed(.requestLine, at: 0) }
  return head
}

private let host = "Host: a\r\n"

@Suite struct RequestParserTests {
  @Test("a head of any length costs one look at each byte: what has been shown is not searched again")
  func noByteIsSearchedTwice() {
    // Lines that never end: each byte shown before is a line feed by now, which a second look would stumble over.
    for start in ["GET /", "GET / HTTP/1.1\r\nHost: a\r\nX-Long: "] {
      var parser = RequestParser(limits: HeadLimits(bytes: 1 << 16, target: 1 << 16))
      var bytes = Array(start.utf8)
      for _ in 0..<2000 {
        let outcome = bytes.withUnsafeBytes { shown in
          Result { () throws(HTTPError) in try parser.parse(shown) }
        }
        guard case .success(.incomplete) = outcome else {
          Issue.record("\(start.debugDescription), \(bytes.count) bytes: \(outcome)")
          return
        }
        for index in bytes.indices.dropFirst() { bytes[index] = 10 }
        bytes += Array("ab".utf8)
      }
    }
  }

  static let accepted: [(String, Method, String, String?, BodyFraming, Bool)] = [
    ("GET / HTTP/1.1\r\n\(host)\r\n", .get, "/", nil, .none, true),
    ("GET /a?b=c HTTP/1.1\r\n\(host)\r\n", .get, "/a", "b=c", .none, true),
    ("GET /a? HTTP/1.1\r\n\(host)\r\n", .get, "/a", "", .none, true),
    ("GET /?a?b HTTP/1.1\r\n\(host)\r\n", .get, "/", "a?b", .none, true),
    ("HEAD //x//y HTTP/1.1\r\n\(host)\r\n", .head, "//x//y", nil, .none, true),
    // RFC 9112 section 2.2: an empty line before the request line.
    ("\r\nGET / HTTP/1.1\r\n\(host)\r\n", .get, "/", nil, .none, true),
    // RFC 9112 section 3.2.2: absolute-form.
    ("GET http://a.example:80/p?q HTTP/1.1\r\n\(host)\r\n", .get, "/p", "q", .none, true),
    ("GET HTTPS://[::1]:8 HTTP/1.1\r\n\(host)\r\n", .get, "/", nil, .none, true),
    ("GET http://a?q HTTP/1.1\r\n\(host)\r\n", .get, "/", "q", .none, true),
    // RFC 9112 section 3.2.4: asterisk-form.
    ("OPTIONS * HTTP/1.1\r\n\(host)\r\n", .options, "*", nil, .none, true),
    ("OPTIONS http://a HTTP/1.1\r\n\(host)\r\n", .options, "*", nil, .none, true),
    // RFC 9112 section 3.2: Host, empty too.
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nhOsT: \t[2001:db8::1]:8080 \t\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: a%2Db.c_d\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: [::]\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8]\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: [1::8]:80\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: [1:2::]\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.1\r\nHost: [::ffff:192.0.2.255]\r\n\r\n", .get, "/", nil, .none, true),
    // RFC 9112 section 3.2.3: authority-form.
    ("CONNECT a.example:80 HTTP/1.1\r\n\(host)\r\n", .connect, "a.example:80", nil, .none, true),
    ("CONNECT [::1]:80 HTTP/1.1\r\n\(host)\r\n", .connect, "[::1]:80", nil, .none, true),
    // RFC 9110 section 2.5: a higher minor version.
    ("GET / HTTP/1.7\r\n\(host)\r\n", .get, "/", nil, .none, true),
    // RFC 9112 section 6.2.
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 5\r\n\r\nhello", .post, "/", nil, .contentLength(5), true),
    ("POST / HTTP/1.1\r\n\(host)content-LENGTH:0007\r\n\r\n", .post, "/", nil, .contentLength(7), true),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 0\r\n\r\n", .post, "/", nil, .none, true),
    // RFC 9112 section 6.1.
    ("PUT / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n", .put, "/", nil, .chunked, true),
    ("PUT / HTTP/1.1\r\n\(host)Transfer-Encoding:\tCHUNKED \r\n\r\n", .put, "/", nil, .chunked, true),
    // RFC 9112 section 9.3.
    ("GET / HTTP/1.1\r\n\(host)Connection: close\r\n\r\n", .get, "/", nil, .none, false),
    ("GET / HTTP/1.1\r\n\(host)Connection: x, CLOSE ,keep-alive\r\n\r\n", .get, "/", nil, .none, false),
    ("GET / HTTP/1.1\r\n\(host)Connection: closed\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.0\r\n\r\n", .get, "/", nil, .none, false),
    ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", .get, "/", nil, .none, true),
    ("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", .get, "/", nil, .none, false),
    // RFC 9110 section 5.5: obs-text is opaque, a value may be empty.
    ("GET / HTTP/1.1\r\n\(host)X: \u{e9}\r\nY:\r\nZ:a\tb\r\n\r\n", .get, "/", nil, .none, true),
  ]

  static let refused: [(String, Int)] = [
    // RFC 9112 section 3: the request line.
    ("GET  / HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET /  HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET / HTTP/1.1 \r\n\(host)\r\n", 400),
    (" GET / HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET\t/\tHTTP/1.1\r\n\(host)\r\n", 400),
    ("GET /\r\n\(host)\r\n", 400),
    ("GET\r\n\r\n", 400),
    ("\r\n\r\nGET / HTTP/1.1\r\n\(host)\r\n", 400),
    ("G@T / HTTP/1.1\r\n\(host)\r\n", 400),
    ("get / HTTP/1.1\r\n\(host)\r\n", 501),
    ("BREW / HTTP/1.1\r\n\(host)\r\n", 501),
    ("GETGETGETGET / HTTP/1.1\r\n\(host)\r\n", 501),
    ("CONNECT a HTTP/1.1\r\n\(host)\r\n", 400),
    ("CONNECT a: HTTP/1.1\r\n\(host)\r\n", 400),
    ("CONNECT :80 HTTP/1.1\r\n\(host)\r\n", 400),
    ("CONNECT a:80?b HTTP/1.1\r\n\(host)\r\n", 400),
    ("CONNECT / HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET a:80 HTTP/1.1\r\n\(host)\r\n", 400),
    // RFC 9112 section 2.3: the version.
    ("GET / HTTP/2.0\r\n\(host)\r\n", 505),
    ("PRI * HTTP/2.0\r\n\r\n", 505),
    ("GET / HTTP/0.9\r\n\(host)\r\n", 505),
    ("GET / http/1.1\r\n\(host)\r\n", 400),
    ("GET / HTTP/1.10\r\n\(host)\r\n", 400),
    ("GET / HTTP/1\r\n\(host)\r\n", 400),
    ("GET / HTTP/1,1\r\n\(host)\r\n", 400),
    ("GET / XTTP/1.1\r\n\(host)\r\n", 400),
    // RFC 9112 section 3.2: the target.
    ("GET /a b HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET /a\u{1}b HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET /a\u{7f} HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET /\u{e9} HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET /#x HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET * HTTP/1.1\r\n\(host)\r\n", 400),
    ("OPTIONS *x HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET a/b HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET ftp://a/ HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET http:/// HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET http://:80/ HTTP/1.1\r\n\(host)\r\n", 400),
    ("GET http://user@a/ HTTP/1.1\r\n\(host)\r\n", 400),
    // RFC 9112 section 3.2: Host.
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)\(host)\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [:]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [:::]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [1:]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [1::2::3]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8:9]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8::]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [12345::]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [g::]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [::1.2.3]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [::1.2.3.256]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [::1.2.3.04]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400),
    // RFC 9112 section 2.2: line ends.
    ("GET / HTTP/1.1\n\(host)\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X: a\rb\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\r\n\(host)\r\n", 400),
    ("\nGET / HTTP/1.1\r\n\(host)\r\n", 400),
    // RFC 9112 section 5.1 and 5.2: field lines.
    ("GET / HTTP/1.1\r\n\(host)X : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X: a\r\n b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)\tX: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n \(host)\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host): a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X(: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X\u{e9}: a\r\n\r\n", 400),
    // RFC 9110 section 5.5: control bytes in values.
    ("GET / HTTP/1.1\r\n\(host)X: a\0b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X: a\u{b}b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(host)X: \u{7f}\r\n\r\n", 400),
    // RFC 9112 section 6.3 and RFC 9110 section 8.6: Content-Length.
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 1, 1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: +1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: -1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 0x1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 1a\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 1 1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length:\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 99999999999999999999\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 18446744073709551617\r\n\r\n", 400),
    // RFC 9112 section 6.1, 6.3 and 7: Transfer-Encoding.
    ("POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked, chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked;a=b\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: \"chunked\"\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding:\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked,\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: ,chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked x\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: xchunked\r\n\r\n", 501),
    ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: identity\r\n\r\n", 501),
    // RFC 9110 section 10.1.1.
    ("POST / HTTP/1.1\r\n\(host)Expect: tea\r\n\r\n", 417),
    ("POST / HTTP/1.1\r\n\(host)Expect: 100-continue, tea\r\n\r\n", 417),
    // Not HTTP at all: a TLS client hello.
    ("\u{16}\u{3}\u{1}", 400),
  ]

  @Test("a well-formed head means what it says, however it is cut", arguments: accepted)
  func accepts(
    _ text: String, _ method: Method, _ path: String, _ query: String?, _ framing: BodyFraming,
    _ keepAlive: Bool
  ) throws {
    let bytes = Array(text.utf8)
    let body = text.hasSuffix("hello") ? 5 : 0
    let expected = Outcome.head(
      method, path, query: query, framing, keepAlive: keepAlive, length: bytes.count - body)
    #expect(parse(bytes) == expected)
    #expect(parse(bytes, cuts: Array(0..<bytes.count)) == expected)
    for cut in 0...bytes.count { #expect(parse(bytes, cuts: [cut]) == expected) }
    for end in 0..<bytes.count - body { #expect(parse(Array(bytes[..<end])) == .incomplete) }
  }

  @Test("a malformed head is refused with the same status however it is cut", arguments: refused)
  func refuses(_ text: String, _ status: Int) {
    let bytes = Array(text.utf8)
    #expect(parse(bytes).status == status)
    #expect(parse(bytes, cuts: Array(0..<bytes.count)).status == status)
    for cut in 0...bytes.count { #expect(parse(bytes, cuts: [cut]).status == status) }
  }

  @Test("every byte but the 77 of a token is refused in a field name")
  func fieldNameBytes() {
    let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    for byte in UInt8.min...UInt8.max where byte != UInt8(ascii: ":") {
      let bytes = Array("GET / HTTP/1.1\r\n\(host)x".utf8) + [byte] + Array("y: z\r\n\r\n".utf8)
      #expect((parse(bytes).status == nil) == token.contains(byte), "byte \(byte)")
    }
  }

  @Test("a field value holds everything but control bytes, and the tab")
  func fieldValueBytes() {
    for byte in UInt8.min...UInt8.max {
      let bytes =
        Array("GET / HTTP/1.1\r\n\(host)x: 0123456789012345".utf8) + [byte] + Array("z\r\n\r\n".utf8)
      let isAllowed = byte == 9 || (byte >= 32 && byte != 127)
      #expect((parse(bytes).status == nil) == isAllowed, "byte \(byte)")
    }
  }

  @Test("limits are exact, and the same however the head is cut")
  func limits() {
    func padded(to count: Int) -> [UInt8] {
      let start = "GET / HTTP/1.1\r\n\(host)X: "
      return Array((start + String(repeating: "x", count: count - start.utf8.count - 4) + "\r\n\r\n").utf8)
    }
    for cuts in [[], Array(0..<1000)] {
      let limits = HeadLimits(bytes: 1000)
      #expect(parse(padded(to: 1000), cuts: cuts, limits: limits).status == nil)
      #expect(parse(padded(to: 1001), cuts: cuts, limits: limits) == .error(.headTooLarge(limit: 1000)))
    }
    let fields = String(repeating: "X: y\r\n", count: 99)
    #expect(parse("GET / HTTP/1.1\r\n\(host)\(fields)\r\n").status == nil)
    #expect(parse("GET / HTTP/1.1\r\n\(host)\(fields)X: y\r\n\r\n") == .error(.tooManyFields(limit: 100)))
    let longest = "/" + String(repeating: "x", count: 7999)
    #expect(parse("OPTIONS \(longest) HTTP/1.1\r\n\(host)\r\n").status == nil)
    #expect(parse("GET \(longest)x HTTP/1.1\r\n\(host)\r\n") == .error(.targetTooLong(limit: 8000)))
    #expect(parse("OPTIONS \(longest)x HTTP/1.1\r\n\(host)\r\n") == .error(.targetTooLong(limit: 8000)))
  }

  @Test("an endless line is refused when it passes the limit, without a line end")
  func endlessLines() {
    #expect(parse(String(repeating: "x", count: 8018)) == .incomplete)
    #expect(parse(String(repeating: "x", count: 8019)) == .error(.targetTooLong(limit: 8000)))
    let start = "GET / HTTP/1.1\r\nX: "
    let endless = start + String(repeating: "x", count: 16384 - start.utf8.count - 1)
    #expect(parse(endless) == .incomplete)
    #expect(parse(endless + "x") == .error(.headTooLarge(limit: 16384)))
  }

  @Test("fields are found by name without case; several of one name are joined")
  func fieldLookup() throws {
    let head = try head(
      "GET / HTTP/1.1\r\n\(host)ACCEPT: a/b\r\nX-Empty:  \r\naccept: c/d; q=0.5 \r\nAcceptance: no\r\n\r\n")
    #expect(head.value(of: "accept") == "a/b, c/d; q=0.5")
    #expect(head.value(of: "x-empty") == "")
    #expect(head.value(of: "content-type") == nil)
    #expect(head.value(of: "host") == "a")
  }

  @Test("100-continue counts only with a body and in HTTP/1.1")
  func expectation() throws {
    let body = "Content-Length: 1\r\n"
    #expect(try head("POST / HTTP/1.1\r\n\(host)\(body)Expect: 100-Continue\r\n\r\n").expectsContinue)
    #expect(
      try head("POST / HTTP/1.1\r\n\(host)\(body)Expect: 100-continue, 100-continue\r\n\r\n").expectsContinue)
    #expect(try !head("POST / HTTP/1.1\r\n\(host)Expect: 100-continue\r\n\r\n").expectsContinue)
    #expect(try !head("POST / HTTP/1.0\r\n\(body)Expect: 100-continue\r\n\r\n").expectsContinue)
  }

  @Test("a head can be made from its parts, and is checked like any other")
  func madeHeads() throws {
    let head = try RequestHead(.post, "/convolve?x=1", fields: ["Content-Type": "application/json"])
    #expect(head.path == "/convolve" && head.query == "x=1" && head.method == .post)
    #expect(head.value(of: "content-type") == "application/json")
    #expect(throws: HTTPError.self) { try RequestHead(.get, "/a b") }
    #expect(throws: HTTPError.self) { try RequestHead(.get, "/", fields: ["X": "a\r\n\r\nb"]) }
  }

  @Test("random damage never ends the process, and never depends on the cut")
  func damage() {
    var generator = SystemRandomNumberGenerator()
    let original = Array(
      "POST /a?b HTTP/1.1\r\n\(host)Content-Length: 12\r\nConnection: close\r\n\r\n".utf8)
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let alphabet: [UInt8] = Array("\r\n :,;\0x/1".utf8) + [UInt8.random(in: 0...255, using: &generator)]
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
          alphabet.randomElement(using: &generator) ?? 0
      }
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      let (whole, pieces) = (parse(bytes), parse(bytes, cuts: [cut]))
      #expect(whole == pieces || whole.status == pieces.status, "\(bytes) cut at \(cut)")
    }
  }
}
