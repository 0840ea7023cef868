public import HTTP
import Logging
import Server
public import Sockets
import Synchronization
import TLS

/// Whether a second signal has ended the waiting.
private let isHurried = Atomic<Bool>(false)

/// All settings that programs which serve have in common.
public struct ServingSettings {
  private let server: ServerSettings
  private let tls: TLSSettings
  private let access: AccessSettings
  private let logs: LogSettings

  /// The four groups of them.
  public init(_ server: ServerSettings, _ tls: TLSSettings, _ access: AccessSettings, _ logs: LogSettings) {
    self.server = server
    self.tls = tls
    self.access = access
    self.logs = logs
  }

  /// Reads all of them once for their errors, without touching a file.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  public func check() throws {
    _ = try server.options()
    try tls.check()
    try access.check()
    try logs.check()
  }

  fileprivate func options() throws -> ServerOptions {
    var options = try server.options()
    options.tls = try tls.source()
    options.securePort = try tls.securePort()
    return options
  }
  fileprivate func secureForSeconds() throws -> Int? { try tls.secureForSeconds() }
  fileprivate func administration() throws -> (host: String, port: UInt16)? { try access.administration() }
  fileprivate func tokens() throws -> TokenFile? { try access.tokens() }
  fileprivate func origins() throws -> AllowedOrigins { try access.origins() }
  fileprivate func output() throws -> LogOutput { try logs.output() }
  fileprivate func logger(to output: LogOutput) throws -> Logger { try logs.logger(to: output) }
  fileprivate func accessLog(to output: LogOutput) throws -> AccessLog? { try logs.accessLog(to: output) }
}

/// Where a server that is up can be reached.
public struct ServingAddresses {
  /// The port for everybody.
  public let main: SocketAddress
  /// Whether that port speaks TLS.
  public let isSecure: Bool
  /// The port for TLS besides, where there is one.
  public let secure: SocketAddress?
  /// The admin port, where there is one.
  public let administration: SocketAddress?

  /// The addresses for everybody as URLs.
  public var urls: String {
    "\(isSecure ? "https" : "http")://\(main)" + (secure.map { " and https://\($0)" } ?? "")
  }
}

/// Serves until a signal says otherwise; to be called once, by the main thread, before any other thread starts.
///
/// The first SIGTERM or SIGINT drains, after the delay that was asked for: no new connections, requests in flight finish or are cut when the drain time is
/// over; the admin port is served to the end. The second one ends at once. SIGHUP has files read again and ends nothing.
///
/// - Parameters:
///   - administration: what answers at the admin port, if that is asked for.
///   - meter: told of the server.
///   - ready: told the addresses once connections to them are accepted.
///   - draining: told when draining begins, before the delay and before the listeners close.
/// - Throws: `Failure`, where the server can't listen or read its files, or was hurried by a second signal.
public func serve(
  _ settings: ServingSettings, handler: any RequestHandler, administration: (any RequestHandler)? = nil,
  meter: Meter? = nil, ready: (ServingAddresses) -> Void, draining: () -> Void
) throws {
  // Before any thread starts, so that all of them leave the signals to this one.
  var signals = Signals()
  let options = try settings.options()
  let output = try settings.output()
  let logger = try settings.logger(to: output)
  // Whatever is logged on the way out is written, as long as somebody takes it.
  defer { output.flush() }
  let tokens = try settings.tokens()
  let gate = Gate(
    handler, tokens: tokens, origins: try settings.origins(),
    secureForSeconds: try settings.secureForSeconds())
  let accessLog = try settings.accessLog(to: output)
  let server = try listening(options, gate, logger, accessLog)
  var adminServer: Server?
  if let administration, let (host, port) = try settings.administration() {
    let gate = Gate(administration, tokens: nil, origins: try AllowedOrigins([]))
    adminServer = try listening(.administration(host: host, port: port), gate, logger, nil)
  }
  meter?.watch(server, output)
  do {
    try output.start()
    try server.start()
    try adminServer?.start()
  } catch {
    throw Failure("cannot start: \(error)")
  }
  ready(
    ServingAddresses(
      main: server.address, isSecure: options.tls != nil && server.secureAddress == nil,
      secure: server.secureAddress, administration: adminServer?.address))
  let files = Files(tokens: tokens, tls: options.tls)
  logger.notice("draining", metadata: ["signal": "\(awaitEnd(&signals, files, logger))"])
  draining()
  if isEnded(within: options.drainDelaySeconds, &signals, files, logger) {
    isHurried.store(true, ordering: .relaxed)
    server.stopNow()
  }
  server.drain()
  endAtOnce(on: signals, server: server, files: files, logger: logger)
  let isDrained = server.wait()
  adminServer?.stopNow()
  _ = adminServer?.wait()
  if isHurried.load(ordering: .relaxed) { throw Failure("ended by a second signal") }
  if !isDrained {
    logger.warning("connections cut", metadata: ["drain-time": "\(options.drainSeconds) s"])
  }
}

/// A server that listens, and is to be started.
private func listening(
  _ options: ServerOptions, _ handler: any RequestHandler, _ logger: Logger, _ log: AccessLog?
) throws(Failure) -> Server {
  do throws(SystemError) {
    return try Server(options: options, handler: handler, logger: logger, log: log)
  } catch {
    throw Failure("cannot serve on \(options.host) port \(options.port): \(error)")
  }
}

extension ServerOptions {
  /// A small server of its own, so that the other's full queue, connections or memory keep nobody from looking.
  fileprivate static func administration(host: String, port: UInt16) -> ServerOptions {
    var options = ServerOptions(cores: 1)
    options.host = host
    options.port = port
    options.maximumConnections = 64
    options.maximumBodyBytes = 1024
    options.maximumBytesInFlight = 16 << 20
    return options
  }
}

/// Waits for a signal that asks for the end, and returns its name.
private func awaitEnd(_ signals: inout Signals, _ files: Files, _ logger: Logger) -> String {
  while true {
    switch signals.next() {
    case .end(let name): return name
    case .reload: files.reload(logger)
    }
  }
}

/// What is read from files, and read again while the server runs; what can't be read stays as it was.
private struct Files {
  let tokens: TokenFile?
  let tls: TLSContextSource?

  func reload(_ logger: Logger) {
    if tokens == nil && tls == nil { logger.notice("nothing to reload", metadata: ["signal": "SIGHUP"]) }
    if let tokens {
      do throws(Failure) {
        try tokens.reload()
        logger.notice("tokens reloaded", metadata: ["signal": "SIGHUP"])
      } catch {
        logger.error("tokens not reloaded, the old ones stay", metadata: ["error": "\(error)"])
      }
    }
    if let tls {
      do throws(TLSError) {
        try tls.reload()
        logger.notice("certificate reloaded", metadata: ["signal": "SIGHUP"])
      } catch {
        logger.error("certificate not reloaded, the old one stays", metadata: ["error": "\(error)"])
      }
    }
  }
}

/// Serves on for a while.
///
/// - Returns: whether a further signal has asked for the end meanwhile.
private func isEnded(
  within seconds: Int, _ signals: inout Signals, _ files: Files, _ logger: Logger
) -> Bool {
  let end = Clock.milliseconds + seconds * 1000
  while let request = signals.next(until: end) {
    switch request {
    case .end: return true
    case .reload: files.reload(logger)
    }
  }
  return false
}

/// From now on a further signal cuts all connections.
private func endAtOnce(on signals: Signals, server: Server, files: Files, logger: Logger) {
  try? Thread(name: "signals") {
    var signals = signals
    _ = awaitEnd(&signals, files, logger)
    isHurried.store(true, ordering: .relaxed)
    server.stopNow()
  }.detach()
}
