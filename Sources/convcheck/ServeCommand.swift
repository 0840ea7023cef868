import ArgumentParser
import Glibc
import Logging
import Server
import Service
import Sockets

/// `convcheck serve`: listens until a signal says otherwise.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve HTTP until SIGTERM or SIGINT.",
    discussion: """
      Every option can also be set by the environment variable named beside it; the flag wins. The first SIGTERM \
      or SIGINT drains: no new connections, requests in flight finish, exit status 0. The second one ends at once.
      """)

  /// The processors that this process may use.
  static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  @OptionGroup(title: "Settings") var settings: ServeSettings

  @Option(help: Self.logLevelSetting.help) var logLevel: String?

  private static let logLevels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
  private static let logLevelSetting = Setting<Logger.Level>(
    name: "log-level", fallback: .notice, unit: "level",
    purpose: "How much is logged to standard error: \(logLevels).",
    read: { Logger.Level(rawValue: $0) }, expected: "one of \(logLevels)")

  /// Reads all settings once for their errors: thrown from here, they come with the usage of this command.
  func validate() throws {
    _ = try settings.serverOptions()
    _ = try settings.serviceLimits()
    _ = try Self.logLevelSetting.resolve(flag: logLevel)
  }

  func run() throws {
    let options = try settings.serverOptions()
    let service = ConvolutionService(limits: try settings.serviceLimits())
    var logger = Logger(label: "convcheck", factory: StreamLogHandler.standardError(label:))
    logger.logLevel = try Self.logLevelSetting.resolve(flag: logLevel)

    // Before any thread starts, so that all of them leave the signals to this one.
    var signals = TerminationSignals()
    let server: Server
    do {
      server = try Server(options: options, handler: service, logger: logger)
      try server.start()
    } catch {
      throw Failure("cannot serve on \(options.host) port \(options.port): \(error)")
    }
    announce(server.address)
    logger.notice("draining", metadata: ["signal": "\(signals.next())"])
    service.drain()
    server.drain()
    endAtOnce(on: signals, server: server)
    guard server.wait() else {
      throw Failure("some requests did not finish within \(options.drainSeconds) seconds")
    }
  }

  /// Says where the server is and what to try, to standard output.
  private func announce(_ address: SocketAddress) {
    print("convcheck serves on http://\(address)")
    print(
      """

      Try:  curl --json '{"image": [[1,2,3],[4,5,6],[7,8,9]], "filter": [[1,2],[3,4]]}' http://\(address)/convolve
      """)
    fflush(nil)
  }

  /// From now on a further signal cuts all connections.
  private func endAtOnce(on signals: TerminationSignals, server: Server) {
    try? Thread(name: "signals") {
      var signals = signals
      _ = signals.next()
      server.stopNow()
    }.detach()
  }
}
