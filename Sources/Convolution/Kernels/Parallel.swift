import Synchronization

/// Threads that share the parts of one computation.
public protocol ComputeTeam: Sendable {
  /// How many threads it may keep busy, the one that asks included.
  var threads: Int { get }
  /// Calls `body` once for each of `0..<parts`, on this thread and on at most `others` more, in any order, and returns when all
  /// calls have returned.
  func run(parts: Int, others: Int, _ body: @escaping @Sendable (Int) -> Void)
}

/// Whether and how large computations are split over several threads.
///
/// Each part writes its own outputs, every one a sum in the same order as on one thread: the result does not depend on who
/// computes what. Nothing is shared where no team was installed, as in a library that is called by threads of its own.
public enum Parallel {
  private static let team = Mutex<(any ComputeTeam)?>(nil)
  private static let busyThreads = Atomic<Int>(0)

  /// What is worth sharing: another core wakes in some 50 µs, in which one thread computes this many multiply-adds.
  private static let worthSharing = 4_000_000

  /// Has `team` share what comes from now on; nil has nothing shared.
  public static func install(_ team: (any ComputeTeam)?) {
    Self.team.withLock { $0 = team }
  }

  /// Counts this thread as one that computes, until it leaves: where such threads are as many as the team's, all cores have
  /// work, and none of it is split.
  public static func enter() { busyThreads.wrappingAdd(1, ordering: .relaxed) }

  /// To be called once after each `enter`.
  public static func leave() { busyThreads.wrappingSubtract(1, ordering: .relaxed) }

  /// Calls `body` once for each of `0..<parts`, which together take so many multiply-adds, here or on free threads of the
  /// team too. Parts must be independent of each other.
  package static func forEach(parts: Int, multiplyAdds: Int, _ body: (Int) -> Void) {
    if parts > 1, multiplyAdds >= worthSharing, let team = team.withLock({ $0 }) {
      let others = min(parts, team.threads) - max(1, busyThreads.load(ordering: .relaxed))
      if others > 0 {
        withoutActuallyEscaping(body) { body in
          // Unchecked: `run` returns only when no thread is in `body` any more.
          nonisolated(unsafe) let body = body
          team.run(parts: parts, others: others) { body($0) }
        }
        return
      }
    }
    for part in 0..<parts { body(part) }
  }

  /// `0..<count` cut into pieces for `forEach`: as many as keep two dozen threads busy to the end, none but the last with
  /// less than `least`, each a multiple of `unit`.
  package static func pieces(of count: Int, least: Int, unit: Int = 1) -> [Range<Int>] {
    let length = max(least, (count + 47) / 48)
    let step = max(1, (length + unit - 1) / unit * unit)
    return stride(from: 0, to: count, by: step).map { $0..<min(count, $0 + step) }
  }
}
