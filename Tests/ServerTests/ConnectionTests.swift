import HTTP
import Server
import Sockets
import Testing

private func request(_ number: Int) -> String { "GET /echo?\(number) HTTP/1.1\r\nHost: a\r\n\r\n" }

@Suite struct ConnectionTests {
  @Test("a connection serves many requests, one after the other")
  func keepAlive() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      for number in 0..<100 {
        try client.send(request(number))
        let answer = try client.answer()
        #expect(answer.status == 200 && answer.text == "GET \(number) " && !answer.isLast)
      }
    }
  }

  @Test(
    "200 pipelined requests in one write get 200 answers in order, loop's and workers' mixed, however many a turn",
    arguments: [1, 2, 3, 32, 1000])
  func pipelining(_ depth: Int) throws {
    try withServer({ $0.pipelineDepth = depth }) { server, _ in
      var client = try TestClient(server.address)
      var bytes = ""
      for number in 0..<200 {
        let path = number % 3 == 1 ? "work" : "echo"
        bytes += "POST /\(path)?\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
      }
      try client.send(bytes)
      for number in 0..<200 { #expect(try client.answer().text == "POST \(number) body") }
      try client.send(request(7))
      #expect(try client.answer().text == "GET 7 ")
    }
  }

  @Test("requests may come byte by byte")
  func byteByByte() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      let chunked =
        "POST /work HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      let plain = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      for byte in (chunked + plain + request(1)).utf8 { try client.send([byte]) }
      #expect(try client.answer().text == "POST  abcde")
      #expect(try client.answer().text == "POST  hello")
      #expect(try client.answer().text == "GET 1 ")
    }
  }

  @Test("a request cut in two at any byte is served like a whole one")
  func everyCut() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      let bytes = Array("\(request(3))POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".utf8)
      for cut in 0...bytes.count {
        try client.send(Array(bytes[..<cut]))
        try client.send(Array(bytes[cut...]))
        #expect(try client.answer().text == "GET 3 ")
        #expect(try client.answer().text == "POST  hi")
      }
    }
  }

  @Test("the requests before a bad one get their answers, then the bad one, then comes the end")
  func badAfterGood() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      try client.send(request(1) + request(2) + "GET /a b HTTP/1.1\r\n\r\n" + request(3))
      #expect(try client.answer().text == "GET 1 ")
      #expect(try client.answer().text == "GET 2 ")
      let bad = try client.answer()
      #expect(bad.status == 400 && bad.isLast)
      #expect(try client.isEnded())
    }
  }

  @Test("HEAD has the fields of GET and no body; HTTP/1.0 ends after one answer unless asked not to")
  func headAndOldVersion() throws {
    try withServer { server, _ in
      var client = try TestClient(server.address)
      try client.send("HEAD /large?5000 HTTP/1.1\r\nHost: a\r\n\r\n\(request(1))")
      let head = try client.answer(isHead: true)
      #expect(head.status == 200 && head.fields["content-length"] == "5000" && head.fields["date"] != nil)
      #expect(try client.answer().text == "GET 1 ")
      try client.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(try client.answer().fields["connection"] == "keep-alive")
      try client.send("GET /echo HTTP/1.0\r\n\r\n")
      #expect(try client.answer().isLast)
      #expect(try client.isEnded())
    }
  }

  @Test("a client that half-closes gets its answers, from the loop and from a worker")
  func halfClose() throws {
    try withServer { server, handler in
      var client = try TestClient(server.address)
      try client.send(request(1) + "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
      try client.shutdownWriting()
      #expect(try client.answer().text == "GET 1 ")
      handler.awaitWaiting(1)
      handler.open()
      #expect(try client.answer().text == "3")
      #expect(try client.isEnded())
    }
  }

  @Test("a request cut off by a half-close is answered with 400")
  func truncated() throws {
    try withServer { server, _ in
      for part in ["GET /echo HT", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"] {
        var client = try TestClient(server.address)
        try client.send(part)
        try client.shutdownWriting()
        #expect(try client.answer().status == 400)
        #expect(try client.isEnded())
      }
    }
  }

  @Test("64 parallel connections each get their own answers")
  func parallel() throws {
    try withServer { server, _ in
      let address = server.address
      let failures = try inParallel(64) { client in
        var connection = try TestClient(address)
        for number in 0..<60 {
          let mark = "\(client)-\(number)"
          let path = number % 4 == 3 ? "/work" : "/echo"
          let padding = [UInt8](repeating: UInt8(ascii: "x"), count: number * 37)
          let answer = try connection.exchange("\(path)?\(mark)", padding)
          let expected = Array("POST \(mark) ".utf8) + padding
          // A full queue is an honest answer too, but nobody else's.
          guard answer.body == expected || answer.status == 503 else { throw ClientError.malformed(mark) }
        }
      }
      #expect(failures == [])
    }
  }

  @Test("over the connection limit the answer is 503, and room is made when one leaves")
  func connectionLimit() throws {
    try withServer({ $0.maximumConnections = 2 }) { server, _ in
      var first = try TestClient(server.address)
      try first.send(request(1))
      #expect(try first.answer().status == 200)
      do {
        var second = try TestClient(server.address)
        try second.send(request(2))
        #expect(try second.answer().status == 200)
        var third = try TestClient(server.address)
        let answer = try third.answer()
        #expect(answer.status == 503 && answer.isLast && answer.fields["retry-after"] != nil)
        #expect(try third.isEnded())
      }
      // The others are gone; the server notices in its own time.
      var status = 503
      while status == 503 {
        var fourth = try TestClient(server.address)
        try? fourth.send(request(4))
        status = try fourth.answer().status
      }
      #expect(status == 200)
      try first.send(request(5))
      #expect(try first.answer().text == "GET 5 ")
    }
  }

  @Test("a connection that pipelines more than its turn is served on, half-closed too, and others meanwhile")
  func turns() throws {
    try withServer({
      $0.pipelineDepth = 1
      $0.eventLoops = 1
    }) { server, _ in
      var many = try TestClient(server.address)
      var other = try TestClient(server.address)
      try many.send((0..<500).map(request).joined())
      try many.shutdownWriting()
      for number in 0..<20 {
        try other.send(request(number))
        #expect(try other.answer().text == "GET \(number) ")
      }
      for number in 0..<500 { #expect(try many.answer().text == "GET \(number) ") }
      #expect(try many.isEnded())
    }
  }

  @Test("over the connection limit what is urgent is answered, once")
  func urgent() throws {
    try withServer({ $0.maximumConnections = 1 }) { server, _ in
      var first = try TestClient(server.address)
      try first.send(request(1))
      #expect(try first.answer().status == 200)
      var second = try TestClient(server.address)
      try second.send("GET /echo?urgent HTTP/1.1\r\nHost: a\r\n\r\n" + request(2))
      let answer = try second.answer()
      #expect(answer.text == "GET urgent " && answer.isLast)
      #expect(try second.isEnded())
      var third = try TestClient(server.address)
      try third.send(request(3))
      #expect(try third.answer().status == 503)
    }
  }

  @Test("a client that asks for the end, and sends more all the same, can still read its answer")
  func moreBehindTheEnd() throws {
    try withServer { server, _ in
      for _ in 0..<20 {
        var client = try TestClient(server.address)
        try client.send("GET /echo?1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        // More than one read of the server takes, so that some is left when it answers.
        try? client.send([UInt8](repeating: 65, count: 300_000))
        #expect(try client.answer().text == "GET 1 ")
      }
    }
  }

  @Test("a request has a time for all of it: 503 where a worker is late, 408 where the client is")
  func wholeRequest() throws {
    try withServer({
      $0.requestSeconds = 1
      $0.workers = 1
      $0.eventLoops = 1
    }) { server, handler in
      let wait = "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
      var working = try TestClient(server.address)
      try working.send(wait)
      handler.awaitWaiting(1)
      var queued = try TestClient(server.address)
      try queued.send(wait)
      var sending = try TestClient(server.address)
      try sending.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
      for status in [try working.answer(), try queued.answer()] {
        #expect(status.status == 503 && status.fields["retry-after"] != nil && status.isLast)
      }
      #expect(try sending.answer().status == 408)
      handler.open()
      var next = try TestClient(server.address)
      #expect(try next.exchange("/work?1", [65]).text == "POST 1 A")
      // The one that waited in vain was never begun.
      #expect(handler.gate.withLock { $0.waiting } == 1)
    }
  }

  @Test("a request whose client has left the queue is not begun")
  func leftTheQueue() throws {
    try withServer({
      $0.workers = 1
      $0.eventLoops = 1
    }) { server, handler in
      let wait = "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
      var working = try TestClient(server.address)
      try working.send(wait)
      handler.awaitWaiting(1)
      do {
        var queued = try TestClient(server.address)
        try queued.resetWhenClosed()
        // The echo shows that the loop has read the request behind it.
        try queued.send(request(0) + wait)
        #expect(try queued.answer().text == "GET 0 ")
      }
      // The reset came before this.
      var other = try TestClient(server.address)
      for number in 0..<20 {
        try other.send(request(number))
        #expect(try other.answer().text == "GET \(number) ")
      }
      handler.open()
      #expect(try working.answer().text == "1")
      #expect(try other.exchange("/work?1", [65]).text == "POST 1 A")
      #expect(handler.gate.withLock { $0.waiting } == 1)
    }
  }

  @Test("a connection that says nothing is closed without a word, one that stops in a head gets 408")
  func timeouts() throws {
    try withServer({
      $0.idleSeconds = 1
      $0.headSeconds = 1
      $0.stallSeconds = 1
    }) { server, _ in
      var silent = try TestClient(server.address)
      var halting = try TestClient(server.address)
      var starving = try TestClient(server.address)
      try halting.send("GET / HT")
      try starving.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
      #expect(try silent.isEnded())
      #expect(try halting.answer().status == 408)
      #expect(try starving.answer().status == 408)
    }
  }
}
