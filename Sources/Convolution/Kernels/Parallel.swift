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

  /// Whether so many multiply-adds would be split now; a question before parts are made that one thread would not need.
  package static func shares(multiplyAdds: Int) -> Bool {
    multiplyAdds >= worthSharing && available() != nil
  }

  /// The team, and how many threads besides this one it has free; nil where there is none.
  private static func available() -> (team: any ComputeTeam, others: Int)? {
    guard let team = team.withLock({ $0 }) else { return nil }
    let others = team.threads - max(1, busyThreads.load(ordering: .relaxed))
    return others > 0 ? (team, others) : nil
  }

  /// Calls `body` once for each of `0..<parts`, which together take so many multiply-adds, here or on free threads of the
  /// team too. Parts must be independent of each other.
  package static func forEach(parts: Int, multiplyAdds: Int, _ body: (Int) -> Void) {
    guard parts > 1, multiplyAdds >= worthSharing, let (team, others) = available() else {
      for part in 0..<parts { body(part) }
      return
    }
    withoutActuallyEscaping(body) { body in
      // Unchecked: `run` returns only when no thread is in `body` any more.
      nonisolated(unsafe) let body = body
      team.run(parts: parts, others: min(others, parts - 1)) { body($0) }
    }
  }

  /// Calls `body` with pieces that make up `0..<count`, none but the last shorter than `least`, of together so many multiply-adds;
  /// with all of it at once where nothing is shared.
  package static func forEachPiece(
    of count: Int, least: Int, multiplyAdds: Int, _ body: (Range<Int>) -> Void
  ) {
    if !shares(multiplyAdds: multiplyAdds) { return body(0..<count) }
    // Enough pieces that nobody waits long for the last one, and few enough that what they have in common is not read often.
    let step = max(least, (count + 15) / 16)
    forEach(parts: (count + step - 1) / step, multiplyAdds: multiplyAdds) { part in
      body(part * step..<min(count, (part + 1) * step))
    }
  }
}
