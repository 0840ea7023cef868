import HTTP
import Logging
import Server
import Sockets
import Testing

private let wait = "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

@Suite struct LifecycleTests {
  @Test("a full queue answers 503 with Retry-After and keeps the connection")
  func fullQueue() throws {
    try withServer({
      $0.eventLoops = 1
      $0.workers = 1
      $0.queueLength = 1
    }) { server, handler in
      var working = try TestClient(server.address)
      try working.send(wait)
      handler.awaitWaiting(1)
      // On the one loop, the second request is queued in the same step that answers the first.
      var queued = try TestClient(server.address)
      try queued.send("GET /echo?0 HTTP/1.1\r\nHost: a\r\n\r\n" + wait)
      #expect(try queued.answer().text == "GET 0 ")
      var other = try TestClient(server.address)
      try other.send("POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
      let answer = try other.answer()
      #expect(answer.status == 503 && answer.fields["retry-after"] == "1" && !answer.isLast)
      try other.send("GET /echo?1 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try other.answer().text == "GET 1 ")
      handler.open()
      #expect(try working.answer().text == "5")
      #expect(try queued.answer().text == "5")
    }
  }

  @Test("a loop answers others while a worker is busy")
  func busyWorker() throws {
    try withServer({
      $0.eventLoops = 1
      $0.workers = 1
    }) { server, handler in
      var slow = try TestClient(server.address)
      // What follows the request in flight waits for its turn.
      try slow.send(wait + "GET /echo?2 HTTP/1.1\r\nHost: a\r\n\r\n")
      handler.awaitWaiting(1)
      try slow.send("GET /echo?3 HTTP/1.1\r\nHost: a\r\n\r\n")
      var other = try TestClient(server.address)
      for number in 0..<50 {
        try other.send("GET /echo?\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try other.answer().text == "GET \(number) ")
      }
      handler.open()
      #expect(try slow.answer().text == "5")
      #expect(try slow.answer().text == "GET 2 ")
      #expect(try slow.answer().text == "GET 3 ")
    }
  }

  @Test("a client that resets or leaves during a worker's work takes nothing from under it")
  func resetDuringWork() throws {
    try withServer { server, handler in
      for number in 0..<2 {
        let client = try TestClient(server.address)
        if number == 0 { try client.resetWhenClosed() }
        let body = [UInt8](repeating: 7, count: 200_000)
        try client.send(Array("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n".utf8) + body)
        handler.awaitWaiting(number + 1)
      }
      var other = try TestClient(server.address)
      for _ in 0..<20 { #expect(try other.exchange("/echo?1", [65]).text == "POST 1 A") }
      handler.open()
      handler.awaitFinished(2)
      #expect(handler.gate.withLock { $0.finished } == 2)
      #expect(try other.exchange("/work?1", [65]).text == "POST 1 A")
    }
  }

  @Test("draining closes idle connections, lets requests in flight finish, and says so")
  func drain() throws {
    try withServer { server, handler in
      var idle = try TestClient(server.address)
      #expect(try idle.exchange("/echo").status == 200)
      var busy = try TestClient(server.address)
      try busy.send(wait)
      handler.awaitWaiting(1)
      var halfway = try TestClient(server.address)
      #expect(try halfway.exchange("/echo").status == 200)
      try halfway.send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal")
      #expect(try halfway.answer().status == 404)
      server.drain()
      #expect(try idle.isEnded())
      #expect(throws: (any Error).self) {
        // The listeners may close a moment after the idle connection.
        while true {
          var late = try TestClient(server.address)
          _ = try late.exchange("/echo")
        }
      }
      try halfway.send("fbody!")
      handler.open()
      let answer = try busy.answer()
      #expect(answer.text == "5" && answer.isLast)
      #expect(try busy.isEnded())
      #expect(try halfway.isEnded())
      #expect(server.wait())
    }
  }

  @Test("what does not drain in time is cut, and wait says so")
  func drainTooLong() throws {
    try withServer({ $0.drainSeconds = 1 }) { server, handler in
      var busy = try TestClient(server.address)
      try busy.send(wait)
      handler.awaitWaiting(1)
      server.drain()
      #expect(!server.wait())
      #expect(try busy.isEnded())
    }
  }

  @Test("a server without connections drains at once, and can be stopped before it starts")
  func emptyDrain() throws {
    try withServer { server, _ in
      server.drain()
      #expect(server.wait())
    }
    try withServer { server, _ in
      server.stopNow()
      _ = server.wait()
    }
  }

  @Test("a strange host and a strange address are errors with words")
  func cannotListen() throws {
    #expect(throws: SystemError.unknownHost("no-such-host")) {
      try SocketAddress(host: "no-such-host", port: 1)
    }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var options = ServerOptions(cores: 1)
    options.port = 0
    // An address of the documentation's net (RFC 5737), which is nobody's.
    options.host = "192.0.2.1"
    do throws(SystemError) {
      _ = try Server(options: options, handler: TestHandler(), logger: logger)
      Issue.record("listens at a stranger's address")
    } catch {
      #expect(error.description.contains("bind: ") && error.description.contains("errno 99"))
    }
  }

  @Test("a second server on a port where one listens is refused, and let in once the first has ended")
  func takenPort() throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var options = ServerOptions(cores: 1)
    try withServer { server, handler in
      options.port = server.address.port
      for host in ["127.0.0.1", "0.0.0.0"] {
        options.host = host
        #expect(throws: SystemError.call("bind", errno: 98)) {
          _ = try Server(options: options, handler: handler, logger: logger)
        }
      }
      // A connection that the server closes leaves its port in TIME_WAIT.
      var client = try TestClient(server.address)
      #expect(try client.exchange("/echo").status == 200)
      server.drain()
      #expect(server.wait())
    }
    let next = try Server(options: options, handler: TestHandler(), logger: logger)
    #expect(next.address.port == options.port)
  }

  @Test("IPv6 works where the machine has it")
  func version6() throws {
    do {
      try withServer({ $0.host = "::1" }) { server, _ in
        var client = try TestClient(server.address)
        #expect(try client.exchange("/echo?6").text == "POST 6 ")
        #expect(server.address.description == "[::1]:\(server.address.port)")
      }
    } catch SystemError.call(let call, errno: let number) where call != "connect" {
      // EADDRNOTAVAIL or EAFNOSUPPORT: there is no IPv6 here.
      #expect(number == 99 || number == 97)
    }
  }
}
