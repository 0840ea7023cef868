import CSystem
public import Sockets
import Synchronization

/// Threads that wait for computations to be split, and share their parts.
public final class ThreadTeam: Sendable {
  /// How many threads it may keep busy, the one that asks included.
  public let threads: Int

  /// One computation. Unchecked: `seats` is used under the monitor's lock alone, and `body` changes when nobody else is here.
  private final class Job: @unchecked Sendable {
    let parts: Int
    private var body: (@Sendable (Int) -> Void)?
    private let next = Atomic<Int>(0)
    /// How many threads of the team are in it.
    let seated = Atomic<Int>(0)
    /// How many more may come.
    var seats: Int

    init(parts: Int, seats: Int, body: @escaping @Sendable (Int) -> Void) {
      self.parts = parts
      self.seats = seats
      self.body = body
    }

    /// Takes one part after the other until none is left.
    func work() {
      guard let body else { return }
      while true {
        let part = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if part >= parts { return }
        body(part)
      }
    }

    /// Lets go of what was computed: a thread may hold the job a moment longer, and the computation must not outlive `run`.
    func end() { body = nil }
  }

  /// The computations that more threads may join.
  private let open = Monitor<[Job]>([])
  /// Changes with each computation, so that a thread that still looks out for one need not be woken.
  private let arrivals = Atomic<Int>(0)

  /// How often a thread looks out before it sleeps, some 50 µs in all: as long as it takes to wake another core.
  private static let looks = 2000

  /// A team of `threads`, all but the one that asks waiting for work; they end with the process.
  ///
  /// - Throws: where no more threads can be had.
  public init(threads: Int) throws(SystemError) {
    precondition(threads >= 1, "a team has at least the one that asks")
    self.threads = threads
    for number in 1..<max(2, threads) where number < threads {
      try Thread(name: "compute-\(number)") { self.serve() }.detach()
    }
  }

  /// Calls `body` once for each of `0..<parts`, on this thread and on at most `others` more, in any order, and returns when all
  /// calls have returned.
  public func run(parts: Int, others: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let job = Job(parts: parts, seats: min(others, threads - 1, parts - 1), body: body)
    if job.seats > 0 {
      open.withLock { $0.append(job) }
      arrivals.wrappingAdd(1, ordering: .releasing)
      open.broadcast()
    }
    job.work()
    // Who has not come by now comes too late; who has is waited for.
    open.withLock { jobs in jobs.removeAll { $0 === job } }
    defer { job.end() }
    for _ in 0..<Self.looks {
      if job.seated.load(ordering: .acquiring) == 0 { return }
      csystem_pause()
    }
    open.wait { _ in job.seated.load(ordering: .acquiring) == 0 ? true : nil }
  }

  private func serve() {
    while true {
      let seen = arrivals.load(ordering: .acquiring)
      if let job = open.withLock({ Self.takeSeat(&$0) }) {
        work(on: job)
        continue
      }
      var looks = 0
      while looks < Self.looks, arrivals.load(ordering: .acquiring) == seen {
        csystem_pause()
        looks += 1
      }
      if looks == Self.looks { work(on: open.wait { Self.takeSeat(&$0) }) }
    }
  }

  private func work(on job: Job) {
    job.work()
    open.withLock { _ in _ = job.seated.wrappingSubtract(1, ordering: .releasing) }
    open.broadcast()
  }

  private static func takeSeat(_ jobs: inout [Job]) -> Job? {
    guard let index = jobs.firstIndex(where: { $0.seats > 0 }) else { return nil }
    let job = jobs[index]
    job.seats -= 1
    job.seated.wrappingAdd(1, ordering: .relaxed)
    return job
  }
}
