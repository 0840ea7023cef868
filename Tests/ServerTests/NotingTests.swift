import HTTP
import Server
import Sockets
import Testing

/// Keeps what the server notes.
private final class Notes: RequestLog {
  private let records = Monitor<[RequestRecord]>([])

  func note(_ record: RequestRecord) {
    records.withLock { $0.append(record) }
    records.broadcast()
  }

  /// The notes, once there are `count` of them.
  func await(_ count: Int) -> [RequestRecord] {
    records.wait { $0.count >= count ? $0 : nil }
  }
}

@Suite struct NotingTests {
  @Test("each request is noted once, in the order of the answers, with what became of it")
  func once() throws {
    let notes = Notes()
    try withServer({ $0.eventLoops = 1 }, log: notes) { server, _ in
      var client = try TestClient(server.address)
      try client.send(
        "GET /echo?1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
          + "GET /none HTTP/1.1\r\nHost: a\r\n\r\nGET /large?70000 HTTP/1.1\r\nHost: a\r\n\r\nGET / a HTTP/1.1\r\n\r\n"
      )
      for status in [200, 200, 404, 200, 400] { #expect(try client.answer().status == status) }
      // Bytes are counted once they are written, which the client may see a moment earlier; the end comes behind that.
      #expect(try client.isEnded())
      let records = notes.await(5)
      #expect(records.count == 5)
      #expect(records.map { $0.head?.path } == ["/echo", "/work", "/none", "/large", nil])
      #expect(records.map { $0.status?.rawValue } == [200, 200, 404, 200, 400])
      #expect(records[3].byteCount > 70_000 && records[0].byteCount < 1000)
      for record in records {
        #expect(record.nanoseconds >= 0)
        #expect(record.peer.withText { String(decoding: $0, as: UTF8.self) }.hasPrefix("127.0.0.1:"))
      }
      let statistics = server.statistics
      #expect(statistics.routes.count == 1 && statistics.routes[0].name == "other")
      #expect(statistics.routes[0].outcomes == [0, 3, 0, 2, 0, 0])
      #expect(statistics.routes[0].durations.reduce(0, +) == 5)
      #expect(statistics.acceptedConnections == 1 && statistics.openConnections == 1)
      #expect(statistics.sentBytes == records.reduce(0) { $0 + $1.byteCount })
    }
  }

  @Test("a client that leaves before its answer is noted, once, and without a status")
  func gone() throws {
    let notes = Notes()
    try withServer(log: notes) { server, handler in
      do {
        let working = try TestClient(server.address)
        try working.resetWhenClosed()
        try working.send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        handler.awaitWaiting(1)
        #expect(server.statistics.workers.busy == 1)
      }
      do {
        let sending = try TestClient(server.address)
        try sending.resetWhenClosed()
        try sending.send("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx")
      }
      let records = notes.await(2)
      #expect(Set(records.map { $0.head?.path }) == ["/wait", "/sum"])
      #expect(records.allSatisfy { $0.status == nil && $0.byteCount == 0 })
      handler.open()
      handler.awaitFinished(1)
      var other = try TestClient(server.address)
      #expect(try other.exchange("/work?1", [65]).status == 200)
      #expect(notes.await(3).count == 3)
      #expect(server.statistics.routes[0].outcomes.last == 2)
    }
  }

  @Test("who finds no room is counted")
  func refused() throws {
    try withServer({ $0.maximumConnections = 1 }) { server, _ in
      var first = try TestClient(server.address)
      #expect(try first.exchange("/echo").status == 200)
      var second = try TestClient(server.address)
      #expect(try second.answer().status == 503)
      #expect(server.statistics.acceptedConnections == 1 && server.statistics.refusedConnections == 1)
    }
  }

  @Test("an IPv6 peer is written as in a URL")
  func version6() throws {
    let notes = Notes()
    do {
      try withServer({ $0.host = "::1" }, log: notes) { server, _ in
        var client = try TestClient(server.address)
        #expect(try client.exchange("/echo").status == 200)
        let peer = notes.await(1)[0].peer.withText { String(decoding: $0, as: UTF8.self) }
        #expect(peer.hasPrefix("[::1]:") && Int(peer.dropFirst(6)) != nil)
      }
    } catch SystemError.call(let call, errno: let number) where call != "connect" {
      // EADDRNOTAVAIL or EAFNOSUPPORT: there is no IPv6 here.
      #expect(number == 99 || number == 97)
    }
  }
}
