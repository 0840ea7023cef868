import HTTP

/// What a server has done so far, and what it is doing now.
public struct ServerStatistics: Sendable {
  /// The bounds, in nanoseconds, of the buckets into which durations of requests fall; the last bucket has none.
  public static let durationBounds = [
    100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000, 1_000_000_000,
    3_000_000_000, 10_000_000_000, 30_000_000_000,
  ]

  /// Connections that are open.
  public internal(set) var openConnections = 0
  /// Connections that were let in.
  public internal(set) var acceptedConnections = 0
  /// Connections for which there was no room.
  public internal(set) var refusedConnections = 0
  /// Bytes that came from clients.
  public internal(set) var receivedBytes = 0
  /// Bytes that went to clients.
  public internal(set) var sentBytes = 0
  /// The memory that requests in flight hold, in bytes, and how much it may be.
  public internal(set) var bytesInFlight = (used: 0, limit: 0)
  /// The requests that wait for a worker, and how many may.
  public internal(set) var queue = (length: 0, limit: 0)
  /// The workers that are at work, and how many there are.
  public internal(set) var workers = (busy: 0, count: 0)
  /// The requests, by what they asked for.
  public internal(set) var routes: [RouteStatistics]
}

/// What became of the requests for one thing.
public struct RouteStatistics: Sendable {
  /// What became of a request.
  public enum Outcome: Int, CaseIterable, Sendable {
    case informational, successful, redirected, clientError, serverError
    /// The client left before there was an answer.
    case gone

    init(_ status: Status?) {
      self = status.flatMap { Outcome(rawValue: $0.rawValue / 100 - 1) } ?? .gone
    }
  }

  /// What was asked for.
  public let name: String
  /// How many requests came to each outcome, in the order of `Outcome.allCases`.
  public internal(set) var outcomes = [Int](repeating: 0, count: Outcome.allCases.count)
  /// How many took how long, by bucket.
  public internal(set) var durations = [Int](
    repeating: 0, count: ServerStatistics.durationBounds.count + 1)
  /// How long all of them took together.
  public internal(set) var nanoseconds = 0
}
