public import Logging
public import HTTP
public import Sockets
import Synchronization

/// An HTTP/1.1 server over POSIX sockets: event loops that share a port, and a pool of workers.
///
/// Everything can be called from any thread. Signals are the caller's: block them before `start`, wait for them
/// with sigwait, then call `drain` (or, at the second one, `stopNow`).
public final class Server: Sendable {
  /// Where the server listens; the port is the real one.
  public let address: SocketAddress
  /// Where it listens for TLS besides; nil where it does not, or where all it speaks is TLS.
  public let secureAddress: SocketAddress?

  private let shared: SharedState
  private let loops: [EventLoop]
  private let logger: Logger
  private let threads = Monitor<[Thread]>([])

  /// Binds all listeners, so that whoever connects from now on is served once `start` has been called.
  ///
  /// - Parameters:
  ///   - logger: told what happens to the server.
  ///   - log: told of each request.
  /// - Throws: why it cannot listen there.
  public init(
    options: ServerOptions, handler: any RequestHandler, logger: Logger, log: (any RequestLog)? = nil
  ) throws(SystemError) {
    let shared = SharedState(options: options, handler: handler, log: log)
    let securePort = options.tls == nil ? nil : options.securePort
    var first = [Door(try Self.listener(options, options.port), tls: securePort == nil ? options.tls : nil)]
    if let securePort { first.append(Door(try Self.listener(options, securePort), tls: options.tls)) }
    let addresses = try first.map { door throws(SystemError) in try door.address() }
    var loops = [try EventLoop(shared: shared, doors: first, logger: logger)]
    for _ in 1..<max(1, options.eventLoops) {
      var doors: [Door] = []
      for (door, address) in zip(first, addresses) {
        doors.append(Door(try Listener(at: address), tls: door.tls))
      }
      loops.append(try EventLoop(shared: shared, doors: doors, logger: logger))
    }
    address = addresses[0]
    secureAddress = addresses.count > 1 ? addresses[1] : nil
    self.shared = shared
    self.loops = loops
    self.logger = logger
  }

  private static func listener(_ options: ServerOptions, _ port: UInt16) throws(SystemError) -> Listener {
    let wanted = try SocketAddress(host: options.host, port: port)
    if !options.sharesPort { try Listener.checkFree(wanted) }
    return try Listener(at: wanted)
  }

  /// What the server has done so far. The numbers are read one after the other, while they go on changing.
  public var statistics: ServerStatistics {
    var statistics = ServerStatistics(routes: shared.handler.routes.map { RouteStatistics(name: $0) })
    for loop in loops { loop.traffic.add(to: &statistics) }
    statistics.openConnections = shared.connections.load(ordering: .relaxed)
    statistics.bytesInFlight = (shared.memory.bytes, shared.memory.limit)
    statistics.queue = (shared.pool.queued, shared.options.queueLength)
    statistics.workers = (shared.pool.working, shared.options.workers)
    return statistics
  }

  /// Starts the threads and returns. To be called once.
  ///
  /// - Throws: why a thread could not be started; those that were are stopped again.
  public nonisolated func start() throws(SystemError) {
    Process.ignoreBrokenPipes()
    // Besides the connections: listeners, pollers, bells, the files of the process, and some air.
    let wanted = shared.options.maximumConnections + 4 * loops.count + 128
    let allowed = Process.allowDescriptors(wanted)
    if allowed < wanted {
      logger.warning(
        "fewer descriptors than connections", metadata: ["allowed": "\(allowed)", "wanted": "\(wanted)"])
    }
    do {
      try shared.pool.start(shared.options.workers)
      for (number, loop) in loops.enumerated() {
        let thread = try Thread(name: "loop-\(number)") { loop.run() }
        threads.withLock { $0.append(thread) }
      }
    } catch {
      stopNow()
      _ = wait()
      throw error
    }
    logger.info("listening", metadata: ["address": "\(address)"])
  }

  /// Lets no more connections in, closes the idle ones, and lets requests in flight finish with
  /// `Connection: close`, for at most `drainSeconds`.
  public func drain() {
    advance(to: .draining)
  }

  /// Cuts all connections.
  public func stopNow() {
    advance(to: .stopping)
  }

  /// Waits for the end that `drain` or `stopNow` begins. To be called once.
  ///
  /// - Returns: whether every request got its answer, so that no connection had to be cut.
  public func wait() -> Bool {
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running { thread.join() }
    shared.pool.stop()
    return !loops.contains(where: \.wasForced)
  }

  private func advance(to phase: SharedState.Phase) {
    shared.advance(to: phase)
    for loop in loops { loop.mailbox.bell.ring() }
  }
}
