import Buffers
import HTTP
import Sockets
import TLS

/// From requests to answers, and from answers to bytes.
extension EventLoop {
  /// Answers are gathered up to this size, and bodies up to it are copied behind their heads; a larger body
  /// goes out from where it is.
  private static let gatherLimit = 16 << 10
  /// What is coded on a loop: level 1 takes about 10 µs a kilobyte.
  private static let codingLimit = 16 << 10

  /// Answers a request whose body stands in the loop's or the connection's buffer: in place if that can be done
  /// here, from a copy if a worker has to do it.
  func answer(_ head: RequestHead, _ body: UnsafeRawBufferPointer, _ connection: Connection) {
    let request = Request(head: head, body: body)
    if let response = shared.handler.response(to: request, on: .loop) {
      send(response, to: head, connection)
      return
    }
    let exchange = exchange(head, connection)
    exchange.body.append(contentsOf: body.assumingMemoryBound(to: UInt8.self))
    if exchange.charge() {
      flush(connection, then: .submit(exchange))
    } else {
      exchange.drop()
      refuseForMemory(connection, to: head)
    }
  }

  /// Answers a request that owns its body.
  func answer(_ exchange: Exchange, _ connection: Connection) {
    let request = Request(head: exchange.head, body: exchange.body.bytes)
    if let response = shared.handler.response(to: request, on: .loop) {
      // First, so that the memory is there again when the client hears of it.
      exchange.drop()
      send(response, to: exchange.head, connection)
    } else {
      flush(connection, then: .submit(exchange))
    }
  }

  /// Sends what a worker made, unless the client has gone.
  func finished(_ exchange: Exchange) {
    noteWork()
    guard let connection = connection(exchange.token), case .working(let asked) = connection.state,
      asked === exchange
    else { return }
    connection.state = .idle
    connection.restartClocks(now)
    if let response = exchange.takeResponse() {
      send(response, to: exchange.head, connection, isCoded: true)
    }
    settle(connection)
    resume(connection)
  }

  func framing(for head: RequestHead, keepAlive: Bool) -> ResponseEncoder.Framing {
    ResponseEncoder.Framing(
      isHead: head.method == .head, minorVersion: head.minorVersion, keepAlive: keepAlive)
  }

  /// Sends a refusal of the server's own, after which the connection ends: how the client's bytes go on is not
  /// known any more.
  func refuse(_ connection: Connection, _ refusal: Refusal, to head: RequestHead? = nil) {
    let framing = head.map { self.framing(for: $0, keepAlive: false) } ?? .init(keepAlive: false)
    send(shared.handler.response(for: refusal), to: head, framing, connection, next: .linger)
  }

  /// Refuses what does not fit beside what the others hold. A connection that is waiting for an earlier answer can't
  /// be told.
  func refuseForMemory(_ connection: Connection, to head: RequestHead? = nil) {
    guard connection.isReading else {
      close(connection)
      return
    }
    refuse(connection, memoryRefusal, to: head)
  }

  private var memoryRefusal: Refusal {
    Refusal(
      status: .serviceUnavailable, detail: "The requests in flight use all the memory there is for them.",
      limit: shared.options.maximumBytesInFlight)
  }

  /// RFC 9110 section 10.2.3: whoever is refused for lack of room hears when to come again.
  func withRetryAfter(_ response: consuming Response) -> Response {
    var response = response
    if response.status == .serviceUnavailable, !response.fields.contains(where: \.isRetryAfter) {
      response.fields.append(Response.Field("Retry-After", "1"))
    }
    return response
  }

  /// Sends the answer to a request that has been read whole, and goes on with `next` if the connection stays. What a worker
  /// made `isCoded` already.
  func send(
    _ response: consuming Response, to head: RequestHead, _ connection: Connection, isCoded: Bool = false,
    next: Connection.State = .idle
  ) {
    var response = response
    // A large body would keep the loop.
    if !isCoded && response.body.count <= Self.codingLimit { coder.code(&response, for: head) }
    let keepAlive = head.keepAlive && !isDraining && !connection.isSurplus
    // RFC 9112 section 9.6: a client that asked for the end sends nothing more; one that did not may be about to.
    let after: Connection.Next = keepAlive ? .reading(next) : head.keepAlive ? .linger : .close
    send(response, to: head, framing(for: head, keepAlive: keepAlive), connection, next: after)
  }

  /// Gathers the answer, and notes it; it leaves now if it is large, or the last.
  func send(
    _ response: consuming Response, to head: RequestHead?, _ framing: ResponseEncoder.Framing,
    _ connection: Connection, next: Connection.Next
  ) {
    var response = withRetryAfter(response)
    if response.body.count > Self.gatherLimit, !shared.memory.hasRoom(for: response.body.count) {
      response = withRetryAfter(shared.handler.response(for: memoryRefusal))
    }
    let identity = RequestIdentity(of: head, &numbers)
    let start = output.count
    let bodyCount = encoder.appendHead(of: response, framing: framing, to: &output) { output in
      shared.handler.appendFields(for: response, to: head, in: &output)
      identity.appendFields(head, to: &output)
    }
    note(connection, head, identity, response.status, byteCount: output.count - start + bodyCount)
    if bodyCount > Self.gatherLimit {
      var body = ByteBuffer()
      swap(&body, &response.body)
      flush(connection, body: body, then: next)
      return
    }
    if bodyCount > 0 { output.append(contentsOf: response.body.elements) }
    if case .reading(let state) = next, output.count <= Self.gatherLimit {
      connection.state = state
    } else {
      flush(connection, then: next)
    }
  }

  /// Lets the gathered answers of a connection that goes on reading leave.
  func settle(_ connection: Connection) {
    if output.count > 0 { flush(connection, then: .reading(connection.state)) }
  }

  /// Writes what is gathered, once, and goes on with `next`, at once or when the client has taken all.
  private func flush(_ connection: Connection, then next: Connection.Next) {
    if isGone(connection) { return }
    if output.count > 0 {
      guard let sent = write(connection, output.bytes, UnsafeRawBufferPointer(start: nil, count: 0)) else {
        return
      }
      if sent < output.count {
        wait(connection, sent: sent, body: ByteBuffer(), then: next)
        return
      }
      output.clear(keepingAtMost: 64 << 10)
    }
    proceed(connection, next)
  }

  private func flush(
    _ connection: Connection, body: consuming ByteBuffer, then next: Connection.Next
  ) {
    if isGone(connection) { return }
    guard let sent = write(connection, output.bytes, body.bytes) else { return }
    if sent < output.count + body.count {
      wait(connection, sent: sent, body: body, then: next)
      return
    }
    output.clear(keepingAtMost: 64 << 10)
    proceed(connection, next)
  }

  /// Whether there is nobody to send to any more; what was gathered is forgotten then.
  private func isGone(_ connection: Connection) -> Bool {
    if connection.isClosed { output.truncate(to: 0) }
    return connection.isClosed
  }

  /// Keeps what the socket did not take until it takes more.
  private func wait(
    _ connection: Connection, sent: Int, body: consuming ByteBuffer, then next: Connection.Next
  ) {
    var head = ByteBuffer(capacity: output.count)
    head.append(contentsOf: output.elements)
    output.clear(keepingAtMost: 64 << 10)
    let outgoing = Connection.Outgoing(
      head: head, body: body, sent: sent, next: next, memory: shared.memory)
    guard outgoing.charge() else {
      close(connection)
      return
    }
    connection.state = .writing(outgoing)
    connection.restartClocks(now)
    watch(connection, .writing)
  }

  /// - Returns: how many bytes the socket took; nil where it is broken, and closed by now.
  private func write(
    _ connection: Connection, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> Int? {
    do {
      let transfer =
        first.isEmpty
        ? try connection.stream.write(second, first) : try connection.stream.write(first, second)
      guard case .bytes(let count) = transfer else { return 0 }
      traffic.send(count)
      return count
    } catch {
      close(connection)
      output.truncate(to: 0)
      return nil
    }
  }

  /// The socket takes bytes again.
  func writable(_ connection: Connection, _ outgoing: Connection.Outgoing) {
    let (head, body) = (outgoing.head.bytes, outgoing.body.bytes)
    let headSent = min(outgoing.sent, head.count)
    let first = UnsafeRawBufferPointer(rebasing: head[headSent...])
    let second = UnsafeRawBufferPointer(rebasing: body[(outgoing.sent - headSent)...])
    guard let sent = write(connection, first, second) else { return }
    outgoing.sent += sent
    connection.note(sent, now)
    if outgoing.isComplete {
      proceed(connection, outgoing.next)
      resume(connection)
    }
  }

  private func proceed(_ connection: Connection, _ next: Connection.Next) {
    switch next {
    case .reading(let state):
      if case .writing = connection.state { connection.restartClocks(now) }
      connection.state = state
    case .submit(let exchange):
      if shared.pool.submit(exchange) {
        connection.state = .working(exchange)
      } else {
        connection.state = .idle
        let refusal = Refusal(
          status: .serviceUnavailable, detail: "Too many requests wait already.",
          limit: shared.options.queueLength)
        send(shared.handler.response(for: refusal), to: exchange.head, connection)
      }
    case .close where !connection.stream.socket.hasUnread():
      // Closing in stages would cost such a request a third more of the processor.
      close(connection)
    case .close, .linger:
      // RFC 9112 section 9.6: half of the connection is closed first, and what still comes is read away, since a
      // reset could destroy the answer before the client has read it.
      guard (try? connection.stream.endWriting()) != nil else {
        close(connection)
        return
      }
      connection.state = .lingering(shared.options.lingerBytes)
      connection.restartClocks(now)
      watch(connection, .reading)
    }
  }
}

extension Response.Field {
  fileprivate var isRetryAfter: Bool { name.description.lowercased() == "retry-after" }
}
