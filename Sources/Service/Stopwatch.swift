/// Times consecutive pieces of one request.
struct Stopwatch {
  private let start = ContinuousClock.now
  private var lapStart: ContinuousClock.Instant

  /// A stopwatch that runs from now.
  init() {
    lapStart = start
  }

  /// The time since the last lap, or since the start for the first one.
  mutating func lap() -> Duration {
    let now = ContinuousClock.now
    defer { lapStart = now }
    return lapStart.duration(to: now)
  }

  /// Leaves out what happened since the last lap.
  mutating func restartLap() { lapStart = .now }

  /// The time since the start.
  var total: Duration { start.duration(to: .now) }
}
