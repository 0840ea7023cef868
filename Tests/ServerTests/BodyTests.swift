import Buffers
import HTTP
import Server
import Sockets
import Testing

private func pattern(_ count: Int) -> [UInt8] { (0..<count).map(TestHandler.patternByte) }

private func sum(_ bytes: [UInt8]) -> String {
  "\(bytes.count) \(bytes.withUnsafeBytes(TestHandler.sum))"
}

@Suite struct BodyTests {
  @Test("a large body goes up whole, with a length and in chunks")
  func up() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      let body = pattern(9_000_001)
      #expect(try client.exchange("/sum", body).text == sum(body))
      try client.send("POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      var start = 0
      var size = 1
      while start < body.count {
        let end = min(body.count, start + size)
        try client.send(Array("\(String(end - start, radix: 16))\r\n".utf8) + body[start..<end] + [13, 10])
        start = end
        size = size * 3 % 500_009 + 1
      }
      try client.send("0\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try client.answer().text == sum(body))
      #expect(try client.answer().text == "GET  ")
    }
  }

  @Test("a large body comes down whole to a slow reader, and the pipelined rest behind it")
  func down() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address, receiveRoom: 4096)
      let count = 5_000_003
      let large = "GET /large?\(count) HTTP/1.1\r\nHost: a\r\n\r\n"
      try client.send(large + "GET /echo?1 HTTP/1.1\r\nHost: a\r\n\r\n" + large)
      let expected = pattern(count)
      #expect(try client.answer().body == expected)
      #expect(try client.answer().text == "GET 1 ")
      #expect(try client.answer().body == expected)
    }
  }

  @Test("many pipelined answers wait for a client that reads late, and none is lost")
  func lateReader() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address, receiveRoom: 4096)
      let one = "GET /large?9000 HTTP/1.1\r\nHost: a\r\n\r\n"
      try client.send(String(repeating: one, count: 1500))
      let expected = pattern(9000)
      for _ in 0..<1500 { #expect(try client.answer().body == expected) }
    }
  }

  @Test("100 Continue comes when the body is waited for, behind earlier answers, and not when it is here")
  func continues() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      let head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
      try client.send("GET /echo?0 HTTP/1.1\r\nHost: a\r\n\r\n" + head)
      #expect(try client.answer().text == "GET 0 ")
      #expect(try client.answer().status == 100)
      try client.send("abc")
      #expect(try client.answer().text == "POST  abc")
      try client.send(head + "abc")
      #expect(try client.answer().text == "POST  abc")
    }
  }

  @Test("a refusal comes before the body and instead of 100 Continue")
  func earlyRefusal() throws {
    try withServer({ $0.maximumBodyBytes = 1000 }) { server, _ in
      let expecting = "Host: a\r\nExpect: 100-continue\r\n"
      for (head, status) in [
        ("POST /none HTTP/1.1\r\n\(expecting)Content-Length: 500", 404),
        ("POST /echo HTTP/1.1\r\n\(expecting)Content-Length: 1001", 413),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999", 413),
        ("POST /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked", 404),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 5", 417),
      ] {
        var client = try TestClient(server.address)
        try client.send(head + "\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == status && answer.isLast)
        #expect(try client.isEnded())
      }
    }
  }

  @Test("a small refused body is thrown away and the connection stays")
  func skippedBody() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      #expect(try client.exchange("/none", pattern(300)).status == 404)
      try client.send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n")
      let early = try client.answer()
      #expect(early.status == 404 && !early.isLast)
      try client.send(pattern(60_000))
      #expect(try client.exchange("/echo?1", []).text == "POST 1 ")
    }
  }

  @Test("a client that sends far too much can still read why it was refused")
  func lingering() throws {
    try withServer({ $0.maximumBodyBytes = 1 << 20 }) { server, _ in
      var client = try TestClient(server.address)
      try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n")
      try client.send([UInt8](repeating: 0, count: 20_000_000))
      #expect(try client.answer().status == 413)
      var chunked = try TestClient(server.address)
      try chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n")
      try chunked.send([UInt8](repeating: 0, count: 5_000_000))
      #expect(try chunked.answer().status == 413)
    }
  }

  @Test("bodies in flight share a bounded memory, which comes back")
  func memoryBound() throws {
    try withServer({ $0.maximumBytesInFlight = 100_000 }) { server, handler in
      var first = try TestClient(server.address)
      try first.send(
        Array("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n".utf8) + pattern(60_000))
      handler.awaitWaiting(1)
      var second = try TestClient(server.address)
      let refused = try second.exchange("/sum", pattern(60_000))
      #expect(refused.status == 503 && refused.isLast)
      handler.open()
      #expect(try first.answer().text == "60000")
      #expect(try first.exchange("/sum", pattern(60_000)).text == sum(pattern(60_000)))
    }
  }

  @Test("answers on their way share the bounded memory with bodies")
  func memoryOfAnswers() throws {
    try withServer({
      $0.maximumBytesInFlight = 8_000_000
      $0.eventLoops = 1
    }) { server, _ in
      let large = "GET /large?6000000 HTTP/1.1\r\nHost: a\r\n\r\n"
      var slow = try TestClient(server.address, receiveRoom: 4096)
      try slow.send(large)
      // Its first bytes are here: the rest is held.
      _ = try slow.fill(1)
      var second = try TestClient(server.address)
      try second.send(large)
      let refused = try second.answer()
      #expect(refused.status == 503 && refused.fields["retry-after"] != nil && !refused.isLast)
      #expect(try slow.answer().body == pattern(6_000_000))
      try second.send(large)
      #expect(try second.answer().body == pattern(6_000_000))
    }
  }

  @Test("clients that are killed in the middle of a body, a head or an answer leave no trace")
  func killed() throws {
    try withServer({ $0.maximumConnections = 8 }) { server, _ in
      for number in 0..<60 {
        let client = try TestClient(server.address)
        if number % 2 == 0 { try client.resetWhenClosed() }
        switch number % 3 {
        case 0: try? client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        case 1: try? client.send("GET /large?9000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        default: try? client.send("POST /sum HTTP/1.1\r\nHo")
        }
      }
      // Every slot is free again, sooner or later.
      var status = 503
      while status == 503 {
        var client = try TestClient(server.address)
        try? client.send("GET /echo?1 HTTP/1.1\r\nHost: a\r\n\r\n")
        status = (try? client.answer().status) ?? 503
      }
      #expect(status == 200)
    }
  }
}
