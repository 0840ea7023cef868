import ArgumentParser
import Server
import Service

/// Everything about the server that can be set, by flag or by environment.
struct ServeSettings: ParsableArguments {
  private static let cores = ServeCommand.cores
  private static let server = ServerOptions(cores: cores)
  private static let service = ServiceLimits()

  static let hostSetting = Setting(
    "host", server.host, "address", "The numeric address to listen at, or localhost.")
  static let portSetting = Setting(
    "port", Int(server.port), "port", in: 0...65_535, "The port to listen at; 0 takes a free one.")
  private static let eventLoops = Setting(
    "event-loops", server.eventLoops, "threads", in: 1...256, "Threads that read and write sockets.")
  private static let workers = Setting(
    "workers", server.workers, "threads", in: 1...256,
    "Threads that compute what is too long for an event loop.")
  private static let queueLength = Setting(
    "queue-length", server.queueLength, "requests", in: 1...1_000_000, "Requests that may wait for a worker.")
  private static let maxConnections = Setting(
    "max-connections", server.maximumConnections, "connections", in: 1...1_000_000,
    "Connections open at a time.")
  private static let maxBody = Setting(
    "max-body", server.maximumBodyBytes, "bytes", in: 1...(1 << 40), "The longest request body, in bytes.")
  private static let maxBodies = Setting(
    "max-bodies", server.maximumBodyBytesInFlight, "bytes", in: 1...(1 << 40),
    "The bytes of all request bodies held at a time.")
  private static let maxHead = Setting(
    "max-head", server.maximumHeadBytes, "bytes", in: 256...(1 << 20), "The longest request head, in bytes.")
  private static let maxFields = Setting(
    "max-fields", server.maximumFields, "fields", in: 1...10_000, "The most header fields of a request.")
  private static let maxElements = Setting(
    "max-elements", service.tensorElements, "elements", in: 1...(1 << 32),
    "The most elements of a tensor, sent or computed.")
  private static let maxOperator = Setting(
    "max-operator", service.operatorBytes, "bytes", in: 1...(1 << 48),
    "The most bytes the matrices of one request take.")
  private static let maxWork = Setting(
    "max-work", service.multiplyAdds, "multiply-adds", in: 1...(1 << 60),
    "The most multiply-adds of one request.")
  private static let headTimeout = Setting(
    "head-timeout", server.headSeconds, "seconds", in: 1...86_400, "Seconds for a request head to come in.")
  private static let idleTimeout = Setting(
    "idle-timeout", server.idleSeconds, "seconds", in: 1...86_400,
    "Seconds a connection may wait between requests.")
  private static let stallTimeout = Setting(
    "stall-timeout", server.stallSeconds, "seconds", in: 1...86_400,
    "Seconds that a body, or an answer on its way out, may stand still.")
  private static let drainTime = Setting(
    "drain-time", server.drainSeconds, "seconds", in: 0...86_400,
    "Seconds that requests in flight get after SIGTERM.")

  @Option(help: Self.hostSetting.help) var host: String?
  @Option(help: Self.portSetting.help) var port: String?
  @Option(help: Self.eventLoops.help) var eventLoops: String?
  @Option(help: Self.workers.help) var workers: String?
  @Option(help: Self.queueLength.help) var queueLength: String?
  @Option(help: Self.maxConnections.help) var maxConnections: String?
  @Option(help: Self.maxBody.help) var maxBody: String?
  @Option(help: Self.maxBodies.help) var maxBodies: String?
  @Option(help: Self.maxHead.help) var maxHead: String?
  @Option(help: Self.maxFields.help) var maxFields: String?
  @Option(help: Self.maxElements.help) var maxElements: String?
  @Option(help: Self.maxOperator.help) var maxOperator: String?
  @Option(help: Self.maxWork.help) var maxWork: String?
  @Option(help: Self.headTimeout.help) var headTimeout: String?
  @Option(help: Self.idleTimeout.help) var idleTimeout: String?
  @Option(help: Self.stallTimeout.help) var stallTimeout: String?
  @Option(help: Self.drainTime.help) var drainTime: String?

  /// What the server needs to know of it.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func serverOptions() throws -> ServerOptions {
    var options = Self.server
    options.host = try Self.hostSetting.resolve(flag: host)
    options.port = UInt16(try Self.portSetting.resolve(flag: port))
    options.eventLoops = try Self.eventLoops.resolve(flag: eventLoops)
    options.workers = try Self.workers.resolve(flag: workers)
    options.queueLength = try Self.queueLength.resolve(flag: queueLength)
    options.maximumConnections = try Self.maxConnections.resolve(flag: maxConnections)
    options.maximumBodyBytes = try Self.maxBody.resolve(flag: maxBody)
    options.maximumBodyBytesInFlight = try Self.maxBodies.resolve(flag: maxBodies)
    options.maximumHeadBytes = try Self.maxHead.resolve(flag: maxHead)
    options.maximumFields = try Self.maxFields.resolve(flag: maxFields)
    options.headSeconds = try Self.headTimeout.resolve(flag: headTimeout)
    options.idleSeconds = try Self.idleTimeout.resolve(flag: idleTimeout)
    options.stallSeconds = try Self.stallTimeout.resolve(flag: stallTimeout)
    options.drainSeconds = try Self.drainTime.resolve(flag: drainTime)
    return options
  }

  /// What the service needs to know of it.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func serviceLimits() throws -> ServiceLimits {
    ServiceLimits(
      operatorBytes: try Self.maxOperator.resolve(flag: maxOperator),
      tensorElements: try Self.maxElements.resolve(flag: maxElements),
      multiplyAdds: try Self.maxWork.resolve(flag: maxWork))
  }
}
