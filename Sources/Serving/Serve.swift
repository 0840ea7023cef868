public import HTTP
public import Logging
public import Server
public import Sockets
import Synchronization

/// Whether a second signal has ended the waiting.
private let isHurried = Atomic<Bool>(false)

/// Serves until a signal says otherwise; to be called once, by the main thread, before any other thread starts.
///
/// The first SIGTERM or SIGINT drains, after the delay that was asked for: no new connections, requests in flight finish or are cut when the drain time is
/// over. The second one ends at once. SIGHUP ends nothing.
///
/// - Parameters:
///   - ready: told the address once connections to it are accepted.
///   - draining: told when draining begins, before the delay and before the listeners close.
/// - Throws: `Failure`, where the server can't listen, or was hurried by a second signal.
public func serve(
  _ options: ServerOptions, handler: any RequestHandler, logger: Logger,
  ready: (SocketAddress) -> Void, draining: () -> Void
) throws {
  // Before any thread starts, so that all of them leave the signals to this one.
  var signals = Signals()
  let server: Server
  do {
    server = try Server(options: options, handler: handler, logger: logger)
    try server.start()
  } catch {
    throw Failure("cannot serve on \(options.host) port \(options.port): \(error)")
  }
  ready(server.address)
  logger.notice("draining", metadata: ["signal": "\(awaitEnd(&signals, logger))"])
  draining()
  if isEnded(within: options.drainDelaySeconds, &signals) {
    isHurried.store(true, ordering: .relaxed)
    server.stopNow()
  }
  server.drain()
  endAtOnce(on: signals, server: server, logger: logger)
  let isDrained = server.wait()
  if isHurried.load(ordering: .relaxed) { throw Failure("ended by a second signal") }
  if !isDrained {
    logger.warning("connections cut", metadata: ["drain-time": "\(options.drainSeconds) s"])
  }
}

/// Waits for a signal that asks for the end, and returns its name.
private func awaitEnd(_ signals: inout Signals, _ logger: Logger) -> String {
  while true {
    switch signals.next() {
    case .end(let name): return name
    case .reload: logger.notice("nothing to reload", metadata: ["signal": "SIGHUP"])
    }
  }
}

/// Serves on for a while.
///
/// - Returns: whether a further signal has asked for the end meanwhile.
private func isEnded(within seconds: Int, _ signals: inout Signals) -> Bool {
  let end = Clock.milliseconds + seconds * 1000
  while let request = signals.next(until: end) {
    if case .end = request { return true }
  }
  return false
}

/// From now on a further signal cuts all connections.
private func endAtOnce(on signals: Signals, server: Server, logger: Logger) {
  try? Thread(name: "signals") {
    var signals = signals
    _ = awaitEnd(&signals, logger)
    isHurried.store(true, ordering: .relaxed)
    server.stopNow()
  }.detach()
}
