import Buffers
import HTTP
import Logging
import Sockets
import Synchronization
import TLS

/// What all loops of a server share.
final class SharedState: Sendable {
  enum Phase: Int {
    case running, draining, stopping
  }

  let options: ServerOptions
  let handler: any RequestHandler
  let pool: WorkerPool
  let memory: RequestMemory
  let connections = Atomic<Int>(0)
  /// Where requests are noted; nil where nobody wants to know.
  let log: (any RequestLog)?
  private let phaseNumber = Atomic<Int>(Phase.running.rawValue)

  init(options: ServerOptions, handler: any RequestHandler, log: (any RequestLog)?) {
    self.options = options
    self.handler = handler
    self.log = log
    pool = WorkerPool(
      handler: handler, queueLength: options.queueLength,
      minimumCodedBytes: options.minimumCodedBytes)
    memory = RequestMemory(limit: options.maximumBytesInFlight)
  }

  var phase: Phase { Phase(rawValue: phaseNumber.load(ordering: .acquiring)) ?? .stopping }

  /// Goes on to `phase`; never back.
  func advance(to phase: Phase) {
    phaseNumber.max(phase.rawValue, ordering: .acquiringAndReleasing)
  }
}

/// One thread's share of the server: its doors, a poller, and the connections it accepted.
///
/// Unchecked: made by one thread, then used by the loop's own thread alone, apart from `mailbox` and `traffic`.
///
/// What every request works on is exempt from the check, at run time, that no two accesses overlap: one request would make
/// twenty of them, as dear as parsing its head.
final class EventLoop: @unchecked Sendable {
  let shared: SharedState
  let mailbox: Mailbox
  let poller: Poller
  let logger: Logger
  /// What this loop has counted; others read it.
  let traffic: Traffic

  let doors: [Door]
  /// What is left for a client for whom there is no descriptor.
  var spare: SpareDescriptor?
  /// Accepting waits for a descriptor to become free.
  var isAcceptingPaused = false
  /// Whether the log knows already that descriptors have run out.
  var hasReportedShortage = false
  var isDraining = false
  /// Until when, in milliseconds, a draining loop goes on accepting who is half-way in.
  var lastArrival = Int.max
  /// When, in milliseconds, draining began.
  var drainStart = Int.max
  /// Whether connections were cut because draining took too long or was not waited for.
  private(set) var wasForced = false

  @exclusivity(unchecked) var slots: [Connection?] = []
  var generations: [UInt32] = []
  var freeSlots: [Int] = []
  var openConnections = 0
  /// The connections that have had their turn and have more to ask.
  @exclusivity(unchecked) var waitingForTurn: [UInt64] = []
  /// Whether large bodies or answers may have been freed since memory was last given back.
  var mayReturnMemory = false
  /// Whether that happened since the last sweep: a loop at work keeps its memory.
  var hasWorked = false

  /// Milliseconds at the event in hand.
  var now = Clock.milliseconds
  @exclusivity(unchecked) var encoder = ResponseEncoder(second: Clock.unixSeconds)
  @exclusivity(unchecked) var coder: ResponseCoder
  /// Where all connections' bytes come in; what is not used at once is moved to the connection.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
  /// The answers of the connection in hand, gathered to leave in one call; empty between events.
  @exclusivity(unchecked) var output = ByteBuffer(capacity: 4 << 10)

  @exclusivity(unchecked) var numbers = RequestNumbers()

  /// Tokens from here on are those of doors.
  private static let firstDoor = UInt64.max - 7
  private static let mailboxToken = UInt64.max - 8

  /// - Parameter doors: At most eight.
  init(shared: SharedState, doors: [Door], logger: Logger) throws(SystemError) {
    self.shared = shared
    self.logger = logger
    coder = ResponseCoder(minimum: shared.options.minimumCodedBytes)
    traffic = Traffic(routes: shared.handler.routes.count)
    mailbox = try Mailbox()
    poller = try Poller()
    for (index, door) in doors.enumerated() {
      guard let listener = door.listener.take() else { continue }
      try poller.add(listener, token: Self.token(ofDoor: index))
      door.listener = consume listener
    }
    try poller.add(mailbox.bell, token: Self.mailboxToken)
    self.doors = doors
    spare = try SpareDescriptor()
  }

  deinit {
    scratch.deallocate()
  }

  /// Serves until drained or stopped.
  func run() {
    defer { mailbox.close() }
    var nextSweep = now + sweepMilliseconds
    var drainEnd = Int.max
    while true {
      let isQuiet = openConnections == 0 && !isAcceptingPaused && !isDraining && !mayReturnMemory
      let pause = isQuiet ? -1 : Int32(clamping: max(1, nextSweep - now))
      do {
        try poller.wait(milliseconds: waitingForTurn.isEmpty ? pause : 0) {
          handle(token: $0, events: $1)
        }
      } catch {
        // Only a bug of ours gets here; a loop that cannot wait must not spin.
        logger.critical("event loop ends", metadata: ["error": "\(error)"])
        break
      }
      readClocks()
      giveTurns()
      if shared.phase != .running, !isDraining {
        drainEnd = now + shared.options.drainSeconds * 1000
        beginDraining()
        nextSweep = now
      }
      if now >= nextSweep {
        sweep()
        nextSweep = now + sweepMilliseconds
      }
      if isDraining && openConnections == 0 && isShut { return }
      if shared.phase == .stopping || now >= drainEnd { break }
    }
    wasForced = true
    for case let connection? in slots { close(connection) }
  }

  /// Serves on those who had more to ask than one turn allows.
  private func giveTurns() {
    if waitingForTurn.isEmpty { return }
    let turns = waitingForTurn
    waitingForTurn = []
    for token in turns {
      guard let connection = connection(token) else { continue }
      connection.isWaitingForTurn = false
      resume(connection)
      if connection.isReading, connection.stream.hasMore, connection.input.count == 0 {
        connection.isWaitingForTurn = false
        readable(connection)
      }
    }
  }

  private func readClocks() {
    now = Clock.milliseconds
    encoder.advance(to: Clock.unixSeconds)
  }

  private func handle(token: UInt64, events: Poller.Interest) {
    readClocks()
    switch token {
    case Self.firstDoor...: accept(doors[Int(token - Self.firstDoor)])
    case Self.mailboxToken:
      mailbox.bell.silence()
      for exchange in mailbox.collect() { finished(exchange) }
    default:
      guard let connection = connection(token) else { return }
      dispatch(events, to: connection)
    }
  }

  private func dispatch(_ events: Poller.Interest, to connection: Connection) {
    // Who waits for a turn has bytes here that come first, and is not forgotten.
    if connection.isWaitingForTurn { return }
    switch connection.state {
    case .idle, .readingHead, .readingBody, .skippingBody: readable(connection)
    case .lingering(let limit): discard(connection, limit)
    case .writing(let outgoing): writable(connection, outgoing)
    case .working:
      // The socket is full of the client's next bytes, or of its end: not now, and no spinning on them. If it
      // is broken there is nobody left to answer; the worker keeps the body until it is done.
      if events.isDisjoint(with: .broken) { watch(connection, []) } else { close(connection) }
    case .closed: break
    }
  }

  static func token(ofDoor index: Int) -> UInt64 { firstDoor + UInt64(index) }

  /// Whether all doors are closed.
  var isShut: Bool {
    !doors.contains { door in
      switch door.listener {
      case .some: true
      case .none: false
      }
    }
  }

  // MARK: Connections

  /// The connection of `token`; nil where it is gone, even if its slot has a new one.
  func connection(_ token: UInt64) -> Connection? {
    let slot = Int(token & 0xFFFF_FFFF)
    guard slot < slots.count, let connection = slots[slot], connection.token == token else { return nil }
    return connection
  }

  /// To be called where memory worth giving back was freed or will be.
  func noteWork() {
    mayReturnMemory = true
    hasWorked = true
  }

  func close(_ connection: Connection) {
    if connection.isClosed { return }
    switch connection.state {
    case .readingBody(let reader):
      noteWork()
      noteGone(connection, reader.exchange.head)
    case .working(let exchange):
      exchange.abandon()
      noteGone(connection, exchange.head)
    default: break
    }
    connection.stream.sayGoodbye()
    connection.state = .closed
    let slot = Int(connection.token & 0xFFFF_FFFF)
    slots[slot] = nil
    generations[slot] &+= 1
    freeSlots.append(slot)
    openConnections -= 1
    shared.connections.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Watches `connection` for `interest`, with a system call only where that is new.
  func watch(_ connection: Connection, _ interest: Poller.Interest) {
    if connection.interest == interest || connection.isClosed { return }
    do {
      try poller.change(connection.stream.socket, interest, token: connection.token)
      connection.interest = interest
    } catch {
      close(connection)
    }
  }
}
