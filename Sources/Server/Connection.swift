import Buffers
import HTTP
import Sockets

/// One client, as its event loop knows it.
final class Connection {
  /// What a connection is doing; it does one thing at a time, one request after the other.
  enum State {
    /// Between requests: not one byte of the next has come.
    case idle
    /// Part of a head has come, and stands in `input`. Indirect, because a parser is large and rarely kept.
    indirect case readingHead(RequestParser)
    /// A body is coming in.
    case readingBody(BodyReader)
    /// The request has been refused and so many bytes of its body are still to be thrown away.
    case skippingBody(Int)
    /// A worker has the request. Nothing is read meanwhile.
    case working
    /// The client is slow to read. Nothing is read meanwhile.
    case writing(Outgoing)
    /// The last answer is out; so many more bytes of the client's are read and thrown away.
    case lingering(Int)
    /// Gone; whoever still has this object leaves it alone.
    case closed
  }

  /// What comes after the bytes on their way out.
  indirect enum Next {
    /// Reading on.
    case reading(State)
    /// A worker.
    case submit(Exchange)
    /// The end.
    case close
    /// The end, once the client has had time to read.
    case linger
  }

  /// Bytes that the socket did not take at once.
  final class Outgoing {
    let head: ByteBuffer
    let body: ByteBuffer
    let next: Next
    var sent: Int

    init(head: consuming ByteBuffer, body: consuming ByteBuffer, sent: Int, next: Next) {
      self.head = head
      self.body = body
      self.sent = sent
      self.next = next
    }

    var isComplete: Bool { sent == head.count + body.count }
  }

  /// Slot and generation: an event for an earlier connection in the same slot does not match.
  let token: UInt64
  /// Closed when this object dies, which is when the event in hand has been dealt with.
  let socket: Connected
  var state = State.idle
  /// Bytes that have come and could not be used yet; usually none, because the loop reads into a buffer that
  /// all its connections share.
  var input = ByteBuffer()
  /// What the poller watches for now.
  var interest = Poller.Interest.reading
  /// When the state in hand began, in milliseconds.
  var since: Int
  /// When bytes last moved in it.
  var lastMove: Int
  /// How many have.
  var moved = 0

  init(_ socket: consuming Connected, token: UInt64, now: Int) {
    self.socket = socket
    self.token = token
    since = now
    lastMove = now
  }

  /// Whether the next bytes of the client are wanted.
  var isReading: Bool {
    switch state {
    case .idle, .readingHead, .readingBody, .skippingBody: true
    case .working, .writing, .lingering, .closed: false
    }
  }

  var isIdle: Bool {
    if case .idle = state { true } else { false }
  }

  var isClosed: Bool {
    if case .closed = state { true } else { false }
  }

  /// Starts the clocks of a new state.
  func restartClocks(_ now: Int) {
    since = now
    lastMove = now
    moved = 0
  }

  /// Notes that `bytes` have moved.
  func note(_ bytes: Int, _ now: Int) {
    if bytes > 0 { lastMove = now }
    moved += bytes
  }
}

/// A body on its way in.
final class BodyReader {
  private enum Coding {
    case identity(remaining: Int)
    case chunked(ChunkDecoder)
  }

  /// The request and what has come of its body.
  let exchange: Exchange
  private var coding: Coding

  /// A reader of a body of `length` bytes.
  init(_ exchange: Exchange, length: Int) {
    self.exchange = exchange
    coding = .identity(remaining: length)
  }

  /// A reader of a chunked body.
  init(_ exchange: Exchange, decoder: ChunkDecoder) {
    self.exchange = exchange
    coding = .chunked(decoder)
  }

  var isComplete: Bool {
    switch coding {
    case .identity(let remaining): remaining == 0
    case .chunked(let decoder): decoder.isComplete
    }
  }

  /// Takes what belongs to the body from the front of `bytes`.
  ///
  /// - Returns: how much that was.
  func take(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) -> Int {
    switch coding {
    case .identity(let remaining):
      let count = min(remaining, bytes.count)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
      exchange.body.append(contentsOf: piece.assumingMemoryBound(to: UInt8.self))
      coding = .identity(remaining: remaining - count)
      return count
    case .chunked(var decoder):
      let count = try decoder.decode(bytes, into: &exchange.body)
      coding = .chunked(decoder)
      return count
    }
  }

  /// Reads straight from `socket` to the body's place, where its coding allows that; nil where it does not.
  /// The room asked for grows with what has come, not with what was announced.
  func receive(from socket: borrowing Connected) throws(SystemError) -> Transfer? {
    guard case .identity(let remaining) = coding else { return nil }
    let room = min(remaining, 256 << 10, max(16 << 10, exchange.body.count))
    var transfer = Transfer.wouldBlock
    let count = try exchange.body.append(upTo: room) { room throws(SystemError) in
      transfer = try socket.receive(into: UnsafeMutableRawBufferPointer(room))
      if case .bytes(let count) = transfer { return count }
      return 0
    }
    coding = .identity(remaining: remaining - count)
    return transfer
  }
}
