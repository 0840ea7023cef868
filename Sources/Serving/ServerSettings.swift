public import ArgumentParser
import Glibc
public import Server

/// Everything about a server that can be set, by flag or by environment.
public struct ServerSettings: ParsableArguments {
  /// The processors that this process may use.
  /// The processors of this machine.
  public static let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  private static let server = ServerOptions(cores: cores)

  /// Where the server listens.
  public static let hostSetting = Setting(
    "host", server.host, "address", "The numeric address to listen at, or localhost.")
  /// At which port.
  public static let portSetting = Setting(
    "port", Int(server.port), "port", in: 0...65_535, "The port to listen at; 0 takes a free one.")
  private static let sharePort = Setting(
    "share-port", "Let another process listen at the same port, to take over without a lost connection.")
  private static let eventLoops = Setting(
    "event-loops", server.eventLoops, "threads", in: 1...256, "Threads that read and write sockets.")
  private static let workers = Setting(
    "workers", server.workers, "threads", in: 1...256,
    "Threads that compute what is too long for an event loop.")
  private static let queueLength = Setting(
    "queue-length", server.queueLength, "requests", in: 1...1_000_000, "Requests that may wait for a worker.")
  private static let pipelineDepth = Setting(
    "pipeline-depth", server.pipelineDepth, "requests", in: 1...1_000_000,
    "Requests of one connection answered in one go, before others have their turn.")
  private static let maxConnections = Setting(
    "max-connections", server.maximumConnections, "connections", in: 1...1_000_000,
    "Connections open at a time.")
  private static let maxBody = Setting(
    "max-body", server.maximumBodyBytes, "bytes", in: 1...(1 << 40), "The longest request body, in bytes.")
  private static let maxRatio = Setting(
    "max-ratio", server.maximumRatio, "times", in: 1...1_000_000,
    "Times that a compressed body may grow, behind its first megabyte; deflate reaches 1032.")
  private static let maxInFlight = Setting(
    "max-in-flight", server.maximumBytesInFlight, "bytes", in: 1...(1 << 40),
    "The bytes that all requests in flight hold: bodies, waiting input and answers on their way.")
  private static let maxHead = Setting(
    "max-head", server.maximumHeadBytes, "bytes", in: 256...(1 << 20), "The longest request head, in bytes.")
  private static let maxFields = Setting(
    "max-fields", server.maximumFields, "fields", in: 1...10_000, "The most header fields of a request.")
  private static let maxTarget = Setting(
    "max-target", server.maximumTargetBytes, "bytes", in: 16...(1 << 20),
    "The longest request target, in bytes.")
  private static let headTimeout = Setting(
    "head-timeout", server.headSeconds, "seconds", in: 1...86_400, "Seconds for a request head to come in.")
  private static let requestTimeout = Setting(
    "request-timeout", server.requestSeconds, "seconds", in: 1...86_400,
    "Seconds from a request's first byte until its answer must be made.")
  private static let idleTimeout = Setting(
    "idle-timeout", server.idleSeconds, "seconds", in: 1...86_400,
    "Seconds a connection may wait between requests.")
  private static let stallTimeout = Setting(
    "stall-timeout", server.stallSeconds, "seconds", in: 1...86_400,
    "Seconds that a body, or an answer on its way out, may stand still.")
  private static let minRate = Setting(
    "min-rate", server.minimumBytesPerSecond, "bytes", in: 0...(1 << 30),
    "Bytes a second that a body, or an answer on its way out, must average after that time.")
  private static let drainDelay = Setting(
    "drain-delay", server.drainDelaySeconds, "seconds", in: 0...86_400,
    "Seconds to serve on after SIGTERM, not ready any more, before the port closes.")
  private static let drainTime = Setting(
    "drain-time", server.drainSeconds, "seconds", in: 0...86_400,
    "Seconds that requests in flight get once the port is closed.")

  @Option(help: Self.hostSetting.help) var host: String?
  @Option(help: Self.portSetting.help) var port: String?
  @Flag(help: Self.sharePort.help) var sharePort = false
  @Option(help: Self.eventLoops.help) var eventLoops: String?
  @Option(help: Self.workers.help) var workers: String?
  @Option(help: Self.queueLength.help) var queueLength: String?
  @Option(help: Self.pipelineDepth.help) var pipelineDepth: String?
  @Option(help: Self.maxConnections.help) var maxConnections: String?
  @Option(help: Self.maxBody.help) var maxBody: String?
  @Option(help: Self.maxRatio.help) var maxRatio: String?
  @Option(help: Self.maxInFlight.help) var maxInFlight: String?
  @Option(help: Self.maxHead.help) var maxHead: String?
  @Option(help: Self.maxFields.help) var maxFields: String?
  @Option(help: Self.maxTarget.help) var maxTarget: String?
  @Option(help: Self.headTimeout.help) var headTimeout: String?
  @Option(help: Self.requestTimeout.help) var requestTimeout: String?
  @Option(help: Self.idleTimeout.help) var idleTimeout: String?
  @Option(help: Self.stallTimeout.help) var stallTimeout: String?
  @Option(help: Self.minRate.help) var minRate: String?
  @Option(help: Self.drainDelay.help) var drainDelay: String?
  @Option(help: Self.drainTime.help) var drainTime: String?

  /// Settings that nobody has set yet.
  public init() {}

  /// What the server needs to know of it.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  public func options() throws -> ServerOptions {
    var options = Self.server
    options.host = try Self.hostSetting.resolve(flag: host)
    options.port = UInt16(try Self.portSetting.resolve(flag: port))
    options.sharesPort = try Self.sharePort.resolve(flag: sharePort)
    options.eventLoops = try Self.eventLoops.resolve(flag: eventLoops)
    options.workers = try Self.workers.resolve(flag: workers)
    options.queueLength = try Self.queueLength.resolve(flag: queueLength)
    options.pipelineDepth = try Self.pipelineDepth.resolve(flag: pipelineDepth)
    options.maximumConnections = try Self.maxConnections.resolve(flag: maxConnections)
    options.maximumBodyBytes = try Self.maxBody.resolve(flag: maxBody)
    options.maximumRatio = try Self.maxRatio.resolve(flag: maxRatio)
    options.maximumBytesInFlight = try Self.maxInFlight.resolve(flag: maxInFlight)
    options.maximumHeadBytes = try Self.maxHead.resolve(flag: maxHead)
    options.maximumFields = try Self.maxFields.resolve(flag: maxFields)
    options.maximumTargetBytes = try Self.maxTarget.resolve(flag: maxTarget)
    options.headSeconds = try Self.headTimeout.resolve(flag: headTimeout)
    options.requestSeconds = try Self.requestTimeout.resolve(flag: requestTimeout)
    options.idleSeconds = try Self.idleTimeout.resolve(flag: idleTimeout)
    options.stallSeconds = try Self.stallTimeout.resolve(flag: stallTimeout)
    options.minimumBytesPerSecond = try Self.minRate.resolve(flag: minRate)
    options.drainDelaySeconds = try Self.drainDelay.resolve(flag: drainDelay)
    options.drainSeconds = try Self.drainTime.resolve(flag: drainTime)
    return options
  }
}
