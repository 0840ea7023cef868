public import Metrics
import Server
import Sockets

/// What can be said in numbers of a server and its process.
///
/// The counters are atomics of our own, read when somebody asks: swift-metrics would put a lookup and a virtual call before
/// each of them, for backends that this program does not have.
public final class Meter: MetricsSource {
  private let program: String
  private let version: String
  private let server = Monitor<Server?>(nil)
  private let output = Monitor<LogOutput?>(nil)
  private let started = Clock.unixMilliseconds

  /// A meter of `program` in `version`, which has nothing to say of a server before it is told of one.
  public init(program: String, version: String) {
    self.program = program
    self.version = version
  }

  /// From now on speaks of `server`, and of `output`.
  func watch(_ server: Server, _ output: LogOutput) {
    self.server.withLock { $0 = server }
    self.output.withLock { $0 = output }
  }

  /// Appends everything.
  public func append(to writer: inout MetricsWriter) {
    writer.family("convcheck_build_info", .gauge, "What runs here; the value says nothing.")
    writer.sample(("program", program), ("version", version), value: 1)
    if let server = server.withLock({ $0 }) {
      let statistics = server.statistics
      Self.append(requests: statistics.routes, to: &writer)
      Self.append(statistics, to: &writer)
    }
    if let output = output.withLock({ $0 }) {
      writer.family(
        "convcheck_log_lines_dropped_total", .counter, "Log lines that standard error did not take in time.")
      writer.sample(value: output.droppedLines)
    }
    appendProcess(to: &writer)
  }

  private static func append(requests routes: [RouteStatistics], to writer: inout MetricsWriter) {
    // One-hundreds are no answers to a request, and three-hundreds none of this program's.
    let classes: [(RouteStatistics.Outcome, String)] = [
      (.successful, "2xx"), (.clientError, "4xx"), (.serverError, "5xx"), (.gone, "none"),
    ]
    writer.family(
      "convcheck_http_requests_total", .counter,
      "Requests by what they asked for and the class of their status; none where the client left before its answer."
    )
    for route in routes {
      for (outcome, name) in classes {
        writer.sample(("route", route.name), ("status", name), value: route.outcomes[outcome.rawValue])
      }
    }
    writer.family(
      "convcheck_http_request_duration_seconds", .histogram,
      "From a request's first byte until its answer was made.")
    for route in routes {
      writer.histogram(
        ("route", route.name), bounds: ServerStatistics.durationBounds, counts: route.durations,
        sum: route.nanoseconds)
    }
  }

  private static func append(_ statistics: ServerStatistics, to writer: inout MetricsWriter) {
    let numbers: [(StaticString, MetricsWriter.Kind, String, Int)] = [
      (
        "convcheck_http_received_bytes_total", .counter, "Bytes that came from clients.",
        statistics.receivedBytes
      ),
      ("convcheck_http_sent_bytes_total", .counter, "Bytes that went to clients.", statistics.sentBytes),
      ("convcheck_connections_open", .gauge, "Connections that are open.", statistics.openConnections),
      (
        "convcheck_connections_accepted_total", .counter, "Connections that were let in.",
        statistics.acceptedConnections
      ),
      (
        "convcheck_connections_refused_total", .counter, "Connections for which there was no room.",
        statistics.refusedConnections
      ),
      (
        "convcheck_in_flight_bytes", .gauge, "Memory that requests in flight hold.",
        statistics.bytesInFlight.used
      ),
      (
        "convcheck_in_flight_limit_bytes", .gauge, "Memory that requests in flight may hold.",
        statistics.bytesInFlight.limit
      ),
      ("convcheck_queue_length", .gauge, "Requests that wait for a worker.", statistics.queue.length),
      (
        "convcheck_queue_limit", .gauge, "Requests that may wait for a worker.", statistics.queue.limit
      ),
      ("convcheck_workers_busy", .gauge, "Workers that are at work.", statistics.workers.busy),
      ("convcheck_workers", .gauge, "Workers that there are.", statistics.workers.count),
    ]
    for (name, kind, help, value) in numbers {
      writer.family(name, kind, help)
      writer.sample(value: value)
    }
  }

  private func appendProcess(to writer: inout MetricsWriter) {
    writer.family("process_cpu_seconds_total", .counter, "Processor time that the process has taken.")
    writer.sample(nanoseconds: Process.processorNanoseconds)
    writer.family("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
    writer.sample(nanoseconds: started * 1_000_000)
    guard let memory = Process.memory else { return }
    writer.family("process_resident_memory_bytes", .gauge, "Memory that the process has in use.")
    writer.sample(value: memory.resident)
    writer.family("process_virtual_memory_bytes", .gauge, "Memory in the process's address space.")
    writer.sample(value: memory.virtual)
  }
}
