import Buffers
import HTTP
import Sockets
import TLS

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
    case working(Exchange)
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
    private var share: RequestMemory.Share

    init(
      head: consuming ByteBuffer, body: consuming ByteBuffer, sent: Int, next: Next, memory: RequestMemory
    ) {
      self.head = head
      self.body = body
      self.sent = sent
      self.next = next
      share = RequestMemory.Share(of: memory)
    }

    var isComplete: Bool { sent == head.count + body.count }

    /// Charges the bytes to the common memory; false where that has run out.
    func charge() -> Bool { share.resize(to: head.capacity + body.capacity) }
  }

  /// Slot and generation: an event for an earlier connection in the same slot does not match.
  let token: UInt64
  /// Closed when this object dies, which is when the event in hand has been dealt with.
  @exclusivity(unchecked) var stream: ClientStream
  /// Who the client is.
  let peer: PeerAddress
  @exclusivity(unchecked) var state = State.idle
  /// Bytes that have come and could not be used yet; usually none, because the loop reads into a buffer that
  /// all its connections share.
  @exclusivity(unchecked) var input = ByteBuffer()
  private var inputShare: RequestMemory.Share
  /// Whether it is one more than the server has room for: it may ask once, and only what is urgent.
  let isSurplus: Bool
  /// Whether it stands in the loop's list of those who have had their turn and have more to ask.
  var isWaitingForTurn = false
  /// What the poller watches for now.
  var interest = Poller.Interest.reading
  /// When the request in hand began, in milliseconds.
  var began: Int
  /// The same in nanoseconds, of the clock that tells them apart.
  var beganExactly: Int
  /// Whether the request in hand has been answered, and noted.
  var isAnswered = false
  /// When the state in hand began.
  var since: Int
  /// When bytes last moved in it.
  var lastMove: Int
  /// How many have.
  var moved = 0

  init(
    _ stream: consuming ClientStream, token: UInt64, isSurplus: Bool, memory: RequestMemory, now: Int
  ) {
    peer = stream.socket.peer
    self.stream = stream
    self.token = token
    self.isSurplus = isSurplus
    inputShare = RequestMemory.Share(of: memory)
    began = now
    beganExactly = Clock.nanoseconds
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

  /// Charges the unused input to the common memory; false where that has run out.
  func chargeInput() -> Bool { inputShare.resize(to: input.capacity) }

  /// Starts the clocks of a new request.
  func restartRequest(_ now: Int) {
    began = now
    beganExactly = Clock.nanoseconds
    isAnswered = false
    restartClocks(now)
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
