import Buffers
import HTTP
import Sockets

/// From bytes to requests.
extension EventLoop {
  /// Reads once, and serves every request that is whole by then.
  func readable(_ connection: Connection) {
    do {
      let transfer: Transfer
      if case .readingBody(let reader) = connection.state, connection.input.count == 0,
        let received = try reader.receive(from: connection.socket)
      {
        transfer = received
        if case .bytes(let count) = received, count > 0 { took(count, reader, connection) }
      } else if connection.input.count == 0 {
        transfer = try connection.socket.receive(into: scratch)
        if case .bytes(let count) = transfer, count > 0 {
          let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
          connection.note(count, now)
          let used = serve(bytes, connection)
          if used < count && !connection.isClosed {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            connection.input.append(contentsOf: rest.assumingMemoryBound(to: UInt8.self))
            chargeInput(connection)
          }
        }
      } else {
        // By way of the shared buffer, so that a client that sends byte by byte holds no more than it has sent.
        let room = UnsafeMutableRawBufferPointer(rebasing: scratch[..<4096])
        transfer = try connection.socket.receive(into: room)
        if case .bytes(let count) = transfer, count > 0 {
          let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
          connection.input.append(contentsOf: bytes.assumingMemoryBound(to: UInt8.self))
          connection.note(count, now)
          serveInput(connection)
        }
      }
      if case .bytes(let count) = transfer {
        if count == 0 { ended(connection) } else { traffic.receive(count) }
      }
    } catch {
      close(connection)
      output.truncate(to: 0)
    }
    settle(connection)
  }

  /// Goes on reading after a pause: first what has come already, then the socket.
  func resume(_ connection: Connection) {
    guard connection.isReading else { return }
    if connection.input.count > 0 { serveInput(connection) }
    settle(connection)
    if connection.isReading { watch(connection, .reading) }
  }

  private func serveInput(_ connection: Connection) {
    let used = serve(connection.input.bytes, connection)
    connection.input.removeFirst(used)
    // An idle connection keeps no big buffer.
    if connection.input.count == 0 { connection.input.clear(keepingAtMost: 256) }
    chargeInput(connection)
  }

  /// Charges what has come and could not be used yet to the common memory.
  private func chargeInput(_ connection: Connection) {
    if connection.chargeInput() { return }
    refuseForMemory(connection)
    connection.input.clear(keepingAtMost: 0)
    _ = connection.chargeInput()
  }

  /// Throws away what comes behind the last answer, up to `limit` bytes.
  func discard(_ connection: Connection, _ limit: Int) {
    guard let transfer = try? connection.socket.receive(into: scratch), transfer != .bytes(0) else {
      close(connection)
      return
    }
    if case .bytes(let count) = transfer {
      traffic.receive(count)
      if count >= limit { close(connection) } else { connection.state = .lingering(limit - count) }
    }
  }

  /// The client sends no more. One that half-closes after a whole request has its answer already.
  private func ended(_ connection: Connection) {
    let refusal = Refusal(status: .badRequest, detail: "The connection ended within a request.")
    switch connection.state {
    // RFC 9112 section 8: an incomplete request is answered with an error. An empty line is none: some clients send
    // one behind a body (section 2.2).
    case .readingHead(let parser) where !parser.isEmpty: refuse(connection, refusal)
    case .readingBody(let reader): refuse(connection, refusal, to: reader.exchange.head)
    default: close(connection)
    }
  }

  /// Serves the requests in `bytes` in their order (RFC 9112 section 9.3.2), until one is not whole or has to be waited for.
  ///
  /// - Returns: how many bytes are done with.
  private func serve(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) -> Int {
    var used = 0
    var turns = 0
    while used < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
      switch connection.state {
      case .idle:
        if turns == shared.options.pipelineDepth {
          waitForTurn(connection)
          return used
        }
        turns += 1
        connection.restartRequest(now)
        guard let count = serveHead(rest, RequestParser(limits: shared.options.headLimits), connection) else {
          return used
        }
        used += count
      case .readingHead(let parser):
        guard let count = serveHead(rest, parser, connection) else { return used }
        used += count
      case .skippingBody(let remaining):
        let count = min(remaining, rest.count)
        connection.state = count == remaining ? .idle : .skippingBody(remaining - count)
        used += count
      case .readingBody(let reader): used += serveBody(rest, reader, connection)
      case .working, .writing: return used
      case .lingering, .closed: return bytes.count
      }
    }
    if connection.isIdle { connection.restartClocks(now) }
    return used
  }

  /// Lets the other connections have their turn before this one goes on.
  private func waitForTurn(_ connection: Connection) {
    if connection.isWaitingForTurn { return }
    connection.isWaitingForTurn = true
    waitingForTurn.append(connection.token)
  }

  /// - Returns: nil where the head is not whole, and is to be shown again with more behind it.
  private func serveHead(
    _ bytes: UnsafeRawBufferPointer, _ parser: consuming RequestParser, _ connection: Connection
  ) -> Int? {
    connection.state = .idle
    do {
      switch try parser.parse(bytes) {
      case .incomplete:
        connection.state = .readingHead(parser)
        return nil
      case .head(let head, let length):
        return length + begin(head, UnsafeRawBufferPointer(rebasing: bytes[length...]), connection)
      }
    } catch {
      let framing = ResponseEncoder.Framing(isHead: parser.isHead, keepAlive: false)
      send(shared.handler.response(for: Refusal(error)), to: nil, framing, connection, next: .linger)
      return bytes.count
    }
  }

  private func serveBody(
    _ bytes: UnsafeRawBufferPointer, _ reader: BodyReader, _ connection: Connection
  ) -> Int {
    do {
      let count = try reader.take(bytes)
      took(0, reader, connection)
      return count
    } catch {
      refuse(connection, Refusal(error), to: reader.exchange.head)
      return bytes.count
    }
  }

  /// Notes `count` new bytes of a body, and answers if they were the last.
  private func took(_ count: Int, _ reader: BodyReader, _ connection: Connection) {
    connection.note(count, now)
    guard reader.exchange.charge() else {
      reader.exchange.drop()
      refuseForMemory(connection, to: reader.exchange.head)
      return
    }
    if reader.isComplete {
      connection.state = .idle
      answer(reader.exchange, connection)
    }
  }

  /// Deals with a whole head and as much of its body as stands in `bytes`.
  ///
  /// - Returns: how much of `bytes` belonged to the request.
  private func begin(
    _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, _ connection: Connection
  ) -> Int {
    if connection.isSurplus, !shared.handler.isUrgent(head) {
      refuse(connection, connectionRefusal, to: head)
      return bytes.count
    }
    if let response = shared.handler.refusal(for: head) {
      return turnAway(head, response, bytes, connection)
    }
    switch head.framing {
    case .none:
      answer(head, UnsafeRawBufferPointer(start: nil, count: 0), connection)
      return 0
    case .contentLength(let length):
      let limit = shared.options.maximumBodyBytes
      if length > limit {
        let refusal = Refusal(
          status: .contentTooLarge, detail: HTTPError.bodyTooLarge(limit: limit).detail, limit: limit,
          actual: length)
        refuse(connection, refusal, to: head)
        return bytes.count
      }
      if length <= bytes.count {
        answer(head, UnsafeRawBufferPointer(rebasing: bytes[..<length]), connection)
        return length
      }
      return receive(BodyReader(exchange(head, connection), length: length), bytes, connection)
    case .chunked:
      let decoder = ChunkDecoder(
        bodyLimit: shared.options.maximumBodyBytes, lineLimit: shared.options.maximumHeadBytes)
      return receive(BodyReader(exchange(head, connection), decoder: decoder), bytes, connection)
    }
  }

  /// Starts to receive a body that is not all here.
  private func receive(
    _ reader: BodyReader, _ bytes: UnsafeRawBufferPointer, _ connection: Connection
  ) -> Int {
    connection.state = .readingBody(reader)
    connection.restartClocks(now)
    if bytes.isEmpty {
      // RFC 9110 section 10.1.1: the interim answer may be left out only if body bytes have come already. It
      // leaves at once, behind the answers to the requests before.
      if reader.exchange.head.expectsContinue {
        ResponseEncoder.appendContinue(to: &output)
        settle(connection)
      }
      return 0
    }
    return serveBody(bytes, reader, connection)
  }

  func exchange(_ head: RequestHead, _ connection: Connection) -> Exchange {
    Exchange(head, token: connection.token, mailbox: mailbox, memory: shared.memory)
  }

  /// Sends the handler's refusal, before the body has been read, and deals with that body: a small one that is
  /// on its way is thrown away and the connection stays; a client that waits for 100 may or may not send its
  /// body now, so only closing is safe (RFC 9110 section 10.1.1).
  private func turnAway(
    _ head: RequestHead, _ response: consuming Response, _ bytes: UnsafeRawBufferPointer,
    _ connection: Connection
  ) -> Int {
    switch head.framing {
    case .none:
      send(response, to: head, connection)
      return 0
    case .contentLength(let length) where length <= bytes.count:
      send(response, to: head, connection)
      return length
    case .contentLength(let length) where length <= 64 << 10 && !head.expectsContinue && head.keepAlive:
      send(response, to: head, connection, next: .skippingBody(length - bytes.count))
      return bytes.count
    case .contentLength, .chunked:
      send(response, to: head, framing(for: head, keepAlive: false), connection, next: .linger)
      return bytes.count
    }
  }
}

extension Refusal {
  init(_ error: HTTPError) {
    self.init(status: error.status, detail: error.detail, limit: error.limit)
  }
}
