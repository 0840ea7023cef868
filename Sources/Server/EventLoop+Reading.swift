import Buffers
import Compression
import HTTP
import Sockets
import TLS

/// From bytes to requests.
extension EventLoop {
  /// Reads once, and serves every request that is whole by then.
  func readable(_ connection: Connection) {
    do {
      let transfer: Transfer
      if case .readingBody(let reader) = connection.state, connection.input.count == 0,
        let received = try reader.receive(from: &connection.stream)
      {
        transfer = received
        if case .bytes(let count) = received, count > 0 { took(count, reader, connection) }
      } else if connection.input.count == 0 {
        transfer = try connection.stream.receive(into: scratch)
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
        transfer = try connection.stream.receive(into: room)
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
      if error == .plainHTTP { sayPlainly(to: connection) }
      close(connection)
      output.truncate(to: 0)
    }
    settle(connection)
    readOn(connection)
  }

  /// Watches for what the next read waits for; what TLS has read ahead is served in the next turn, since the poller does not
  /// know of it.
  private func readOn(_ connection: Connection) {
    guard connection.isReading else { return }
    watch(connection, connection.stream.readingInterest)
    if connection.stream.hasMore { waitForTurn(connection) }
  }

  /// Tells a client that speaks HTTP at a port for TLS what is wrong, in the clear.
  private func sayPlainly(to connection: Connection) {
    let refusal = Refusal(status: .badRequest, detail: "This port speaks HTTPS.")
    let response = shared.handler.response(for: refusal)
    var bytes = ByteBuffer()
    _ = encoder.appendHead(of: response, framing: .init(keepAlive: false), to: &bytes)
    bytes.append(contentsOf: response.body.elements)
    _ = try? connection.stream.socket.write(bytes.bytes, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// Goes on reading after a pause: first what has come already, then the socket.
  func resume(_ connection: Connection) {
    guard connection.isReading else { return }
    if connection.input.count > 0 { serveInput(connection) }
    settle(connection)
    readOn(connection)
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
    guard let transfer = try? connection.stream.socket.receive(into: scratch), transfer != .bytes(0) else {
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
      // A little of what is compressed can become a thousand times as much, which is accounted for piece by piece.
      let piece =
        reader.isCompressed ? UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, 4096)]) : bytes
      let count = try reader.take(piece)
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
    var inflater: Inflater?
    let coding = head.contentCoding
    switch coding {
    case .known(.identity): break
    case .known(let coding):
      let limits = Inflater.Limits(
        bytes: shared.options.maximumBodyBytes, ratio: shared.options.maximumRatio)
      guard let made = try? Inflater(coding == .gzip ? .gzip : .zlib, limits: limits) else {
        refuseForMemory(connection, to: head)
        return bytes.count
      }
      inflater = consume made
    case .unknown:
      // RFC 9110 section 15.5.16 and 12.5.3: the codings that are known are named.
      var response = shared.handler.response(
        for: Refusal(
          status: .unsupportedMediaType, detail: "The body is coded in a way that is not known here."))
      response.fields.append(Response.Field("Accept-Encoding", "gzip, deflate"))
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
      // Nothing at all is nothing in every coding.
      if length <= bytes.count && (length == 0 || coding == .known(.identity)) {
        answer(head, UnsafeRawBufferPointer(rebasing: bytes[..<length]), connection)
        return length
      }
      return receive(
        BodyReader(exchange(head, connection), length: length, inflater: inflater), bytes, connection)
    case .chunked:
      let decoder = ChunkDecoder(
        bodyLimit: shared.options.maximumBodyBytes, lineLimit: shared.options.maximumHeadBytes)
      return receive(
        BodyReader(exchange(head, connection), decoder: decoder, inflater: inflater), bytes, connection)
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
