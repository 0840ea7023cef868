import HTTP
import Metrics

/// What one event loop has counted. Each loop has its own, so that none waits for another's cache line; readers add them
/// up.
final class Traffic: Sendable {
  private enum Total: Int, CaseIterable {
    case accepted, refused, received, sent
  }

  private let totals = CounterTable(count: Total.allCases.count)
  /// For each route its outcomes, its durations by bucket, and their sum.
  private let requests: CounterTable
  private static let width =
    RouteStatistics.Outcome.allCases.count + ServerStatistics.durationBounds.count + 2

  init(routes: Int) {
    requests = CounterTable(count: routes * Self.width)
  }

  func accept() { totals.add(at: Total.accepted.rawValue) }
  func refuse() { totals.add(at: Total.refused.rawValue) }
  func receive(_ bytes: Int) { totals.add(bytes, at: Total.received.rawValue) }
  func send(_ bytes: Int) { totals.add(bytes, at: Total.sent.rawValue) }

  /// Counts a request for `route` that was answered with `status`, or not at all, after so many nanoseconds.
  func request(_ route: Int, _ status: Status?, nanoseconds: Int) {
    let first = route * Self.width
    requests.add(at: first + RouteStatistics.Outcome(status).rawValue)
    var bucket = 0
    for bound in ServerStatistics.durationBounds {
      if nanoseconds <= bound { break }
      bucket += 1
    }
    requests.add(at: first + RouteStatistics.Outcome.allCases.count + bucket)
    requests.add(nanoseconds, at: first + Self.width - 1)
  }

  /// Adds what has been counted to `statistics`.
  func add(to statistics: inout ServerStatistics) {
    statistics.acceptedConnections += totals[Total.accepted.rawValue]
    statistics.refusedConnections += totals[Total.refused.rawValue]
    statistics.receivedBytes += totals[Total.received.rawValue]
    statistics.sentBytes += totals[Total.sent.rawValue]
    let outcomes = RouteStatistics.Outcome.allCases.count
    for route in statistics.routes.indices {
      let first = route * Self.width
      for index in 0..<outcomes { statistics.routes[route].outcomes[index] += requests[first + index] }
      for index in statistics.routes[route].durations.indices {
        statistics.routes[route].durations[index] += requests[first + outcomes + index]
      }
      statistics.routes[route].nanoseconds += requests[first + Self.width - 1]
    }
  }
}
