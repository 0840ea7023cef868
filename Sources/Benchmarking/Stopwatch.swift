import Glibc

/// Times consecutive pieces of work by the monotonic clock, in whole nanoseconds.
///
/// A `Duration` would do as well, but it is 128 bits wide, and to take it apart costs as much as a small convolution.
package struct Stopwatch {
  private let start = Self.now
  private var lapStart: Int

  /// A stopwatch that runs from now.
  package init() {
    lapStart = start
  }

  /// The nanoseconds since the last lap, or since the start for the first one.
  package mutating func lap() -> Int {
    let now = Self.now
    defer { lapStart = now }
    return now - lapStart
  }

  /// Leaves out what happened since the last lap.
  package mutating func restartLap() { lapStart = Self.now }

  /// The nanoseconds since the start.
  package var total: Int { Self.now - start }

  /// `nanoseconds` in seconds.
  package static func seconds(_ nanoseconds: Int) -> Double { Double(nanoseconds) / 1e9 }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
