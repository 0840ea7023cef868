import Serving
import Sockets
import Synchronization
import Testing

/// How often each part of a computation was called.
private final class Calls: Sendable {
  private let counts: Monitor<[Int]>

  init(parts: Int) { counts = Monitor([Int](repeating: 0, count: parts)) }

  func note(_ part: Int) { counts.withLock { $0[part] += 1 } }
  var isOnceEach: Bool { counts.withLock { $0.allSatisfy { $0 == 1 } } }
}

@Suite struct ThreadTeamTests {
  @Test("each part is computed once, however many threads there are", arguments: [1, 2, 3, 8])
  func oncePerPart(threads: Int) throws {
    let team = try ThreadTeam(threads: threads)
    for parts in [1, 2, 3, 7, 100] {
      for others in 0...threads {
        let calls = Calls(parts: parts)
        team.run(parts: parts, others: others) { calls.note($0) }
        #expect(calls.isOnceEach, "\(parts) parts, \(others) others")
      }
    }
  }

  @Test("thousands of short computations end, also where several threads ask at once")
  func manyAtOnce() throws {
    let team = try ThreadTeam(threads: 3)
    let failures = Atomic<Int>(0)
    let askers = try (0..<4).map { number in
      try Thread(name: "asker-\(number)") {
        for round in 0..<2000 {
          let calls = Calls(parts: 1 + round % 5)
          team.run(parts: 1 + round % 5, others: round % 4) { calls.note($0) }
          if !calls.isOnceEach { failures.wrappingAdd(1, ordering: .relaxed) }
        }
      }
    }
    for asker in askers { asker.join() }
    #expect(failures.load(ordering: .relaxed) == 0)
  }

  @Test("what was computed is let go of by the time that it is done")
  func nothingStays() throws {
    let team = try ThreadTeam(threads: 3)
    for _ in 0..<5000 {
      var calls = Calls(parts: 4)
      team.run(parts: 4, others: 2) { [calls] in calls.note($0) }
      guard isKnownUniquelyReferenced(&calls) else {
        Issue.record("a thread of the team still holds it")
        return
      }
    }
  }

  @Test("with others allowed, others come", .timeLimit(.minutes(1)))
  func othersCome() throws {
    let team = try ThreadTeam(threads: 2)
    // Each part waits for the other: one thread alone would wait for ever.
    let here = Atomic<Int>(0)
    team.run(parts: 2, others: 1) { _ in
      here.wrappingAdd(1, ordering: .relaxed)
      while here.load(ordering: .relaxed) < 2 {}
    }
    #expect(here.load(ordering: .relaxed) == 2)
  }
}
