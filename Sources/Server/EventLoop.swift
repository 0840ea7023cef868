import Buffers
import HTTP
import Logging
import Sockets
import Synchronization

/// What all loops of a server share.
final class SharedState: Sendable {
  enum Phase: Int {
    case running, draining, stopping
  }

  let options: ServerOptions
  let handler: any RequestHandler
  let pool: WorkerPool
  let memory: BodyMemory
  let connections = Atomic<Int>(0)
  private let phaseNumber = Atomic<Int>(Phase.running.rawValue)

  init(options: ServerOptions, handler: any RequestHandler) {
    self.options = options
    self.handler = handler
    pool = WorkerPool(handler: handler, queueLength: options.queueLength)
    memory = BodyMemory(limit: options.maximumBodyBytesInFlight)
  }

  var phase: Phase { Phase(rawValue: phaseNumber.load(ordering: .acquiring)) ?? .stopping }

  /// Goes on to `phase`; never back.
  func advance(to phase: Phase) {
    phaseNumber.max(phase.rawValue, ordering: .acquiringAndReleasing)
  }
}

/// One thread's share of the server: a listener, a poller, and the connections it accepted.
///
/// Unchecked: made by one thread, then used by the loop's own thread alone, apart from `mailbox`.
final class EventLoop: @unchecked Sendable {
  let shared: SharedState
  let mailbox: Mailbox
  let poller: Poller
  let logger: Logger

  var listener: Listener?
  /// Accepting waits for a descriptor to become free.
  var isAcceptingPaused = false
  var isDraining = false
  /// Whether connections were cut because draining took too long or was not waited for.
  private(set) var wasForced = false

  var slots: [Connection?] = []
  var generations: [UInt32] = []
  var freeSlots: [Int] = []
  var openConnections = 0
  /// Whether large bodies or answers may have been freed since memory was last given back.
  private var mayReturnMemory = false
  /// Whether that happened since the last sweep: a loop at work keeps its memory.
  private var hasWorked = false

  /// Milliseconds at the event in hand.
  var now = Clock.milliseconds
  var encoder = ResponseEncoder(second: Clock.unixSeconds)
  /// Where all connections' bytes come in; what is not used at once is moved to the connection.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
  /// The answers of the connection in hand, gathered to leave in one call; empty between events.
  var output = ByteBuffer(capacity: 4 << 10)

  private static let listenerToken = UInt64.max
  private static let mailboxToken = UInt64.max - 1
  private static let sweepMilliseconds = 1000

  init(shared: SharedState, listener: consuming Listener, logger: Logger) throws(SystemError) {
    self.shared = shared
    self.logger = logger
    mailbox = try Mailbox()
    poller = try Poller()
    try poller.add(listener, token: Self.listenerToken)
    try poller.add(mailbox.bell, token: Self.mailboxToken)
    self.listener = consume listener
  }

  deinit {
    scratch.deallocate()
  }

  /// Serves until drained or stopped.
  func run() {
    defer { mailbox.close() }
    var nextSweep = now + Self.sweepMilliseconds
    var drainEnd = Int.max
    while true {
      let isQuiet = openConnections == 0 && !isAcceptingPaused && !isDraining && !mayReturnMemory
      do {
        try poller.wait(milliseconds: isQuiet ? -1 : Int32(clamping: max(1, nextSweep - now))) {
          handle(token: $0, events: $1)
        }
      } catch {
        // Only a bug of ours gets here; a loop that cannot wait must not spin.
        logger.critical("event loop ends", metadata: ["error": "\(error)"])
        break
      }
      readClocks()
      if shared.phase != .running, !isDraining {
        drainEnd = now + shared.options.drainSeconds * 1000
        beginDraining()
      }
      if now >= nextSweep {
        nextSweep = now + Self.sweepMilliseconds
        sweep()
      }
      if isDraining && openConnections == 0 { return }
      if shared.phase == .stopping || now >= drainEnd { break }
    }
    wasForced = true
    for case let connection? in slots { close(connection) }
  }

  private func readClocks() {
    now = Clock.milliseconds
    encoder.advance(to: Clock.unixSeconds)
  }

  private func handle(token: UInt64, events: Poller.Interest) {
    readClocks()
    switch token {
    case Self.listenerToken: accept()
    case Self.mailboxToken:
      mailbox.bell.silence()
      for exchange in mailbox.collect() { finished(exchange) }
    default:
      guard let connection = connection(token) else { return }
      dispatch(events, to: connection)
    }
  }

  private func dispatch(_ events: Poller.Interest, to connection: Connection) {
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
    if case .readingBody = connection.state { noteWork() }
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
      try poller.change(connection.socket, interest, token: connection.token)
      connection.interest = interest
    } catch {
      close(connection)
    }
  }

  private func accept() {
    // Bounded, so that a flood of arrivals does not starve those who are here.
    for _ in 0..<64 where !acceptOne() { return }
  }

  /// Takes one waiting connection; false where there is none to be had now.
  private func acceptOne() -> Bool {
    guard let arrival = listener?.accept() else { return false }
    switch consume arrival {
    case .nobody: return false
    case .failed: return true
    case .exhausted(let error):
      // The backlog keeps the clients; the next sweep tries again. Without this the poller would spin.
      logger.warning("accepting pauses", metadata: ["error": "\(error)"])
      pauseAccepting(true)
      return false
    case .connection(let socket):
      add(socket)
      return true
    }
  }

  private func add(_ socket: consuming Connected) {
    let count = shared.connections.wrappingAdd(1, ordering: .relaxed).newValue
    let limit = shared.options.maximumConnections
    // A few more than allowed are let in to be told so; beyond that there is only the closed door.
    guard count <= limit + 64 else {
      shared.connections.wrappingSubtract(1, ordering: .relaxed)
      return
    }
    let slot = freeSlots.popLast() ?? slots.count
    if slot == slots.count {
      slots.append(nil)
      generations.append(0)
    }
    let token = UInt64(generations[slot]) << 32 | UInt64(slot)
    let connection = Connection(socket, token: token, now: now)
    slots[slot] = connection
    openConnections += 1
    do {
      try poller.add(connection.socket, .reading, token: token)
    } catch {
      close(connection)
      return
    }
    if count > limit {
      refuse(
        connection,
        Refusal(status: .serviceUnavailable, detail: "There are too many connections.", limit: limit))
    }
  }

  private func pauseAccepting(_ isPaused: Bool) {
    guard let watched = listener.take() else { return }
    do {
      try poller.change(watched, isPaused ? [] : .reading, token: Self.listenerToken)
      isAcceptingPaused = isPaused
    } catch {
      logger.error("cannot change the listener", metadata: ["error": "\(error)"])
    }
    listener = consume watched
  }

  // MARK: The end, and time

  /// Closes the door and sends home who waits for nothing.
  private func beginDraining() {
    // Who is already in the backlog has been accepted by the kernel; closing the listener would reset them.
    while acceptOne() {}
    listener = nil
    isDraining = true
    isAcceptingPaused = false
    for case let connection? in slots where connection.isIdle {
      // A request may have come in the same moment.
      readable(connection)
      if connection.isIdle { close(connection) }
    }
  }

  private func sweep() {
    if isAcceptingPaused { pauseAccepting(false) }
    if mayReturnMemory, !hasWorked {
      Process.returnFreeMemory()
      mayReturnMemory = false
    }
    hasWorked = false
    let options = shared.options
    for case let connection? in slots {
      let age = now - connection.since
      switch connection.state {
      case .idle: if isDraining || age > options.idleSeconds * 1000 { close(connection) }
      case .readingHead:
        if age > options.headSeconds * 1000 {
          refuse(connection, Refusal(status: .requestTimeout, detail: "The head took too long to come."))
        }
      case .readingBody:
        if isTooSlow(connection) {
          refuse(connection, Refusal(status: .requestTimeout, detail: "The body came too slowly."))
        }
      case .skippingBody, .writing: if isTooSlow(connection) { close(connection) }
      case .lingering: if age > options.lingerSeconds * 1000 { close(connection) }
      case .working, .closed: break
      }
    }
  }

  private func isTooSlow(_ connection: Connection) -> Bool {
    let stall = shared.options.stallSeconds * 1000
    if now - connection.lastMove > stall { return true }
    let counted = now - connection.since - stall
    return counted > 0 && connection.moved < counted / 1000 * shared.options.minimumBytesPerSecond
  }
}
