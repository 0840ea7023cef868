import Benchmarking
import Convolution
import Testing

@Suite struct BenchmarkRunnerTests {
  let small = BenchmarkPlan(
    images: [Extent(12, 10), Extent(16, 16)], filters: [Extent(2, 3), Extent(3, 3)], maximumIterations: 4,
    secondsPerCase: 5)

  @Test("each size meets each formulation and storage, in order")
  func rows() throws {
    var progress: [Int] = []
    let rows = BenchmarkRunner(small).run(progress: { _, finished, total in
      #expect(total == 2 * 2 * 9)
      progress.append(finished)
    })
    #expect(rows.map(\.subject) == small.cases)
    #expect(progress == Array(1...36))
    for row in rows {
      guard case .measured(let it) = row.outcome else {
        // Tiles there are of square filters only.
        #expect(row.subject.formulation == .winograd && row.subject.filter == Extent(2, 3))
        continue
      }
      #expect(row.subject.formulation != .winograd || row.subject.filter == Extent(3, 3))
      #expect(it.iterations == 4)
      #expect(it.minimum <= it.median && it.median <= it.percentile95)
      #expect(it.setup >= 0 && it.gigaflops > 0 && it.gigabytesPerSecond > 0)
      #expect(it.heldBytes == row.cost?.heldBytes)
      // Nine products below 1 each: two dot products differ by at most 2·γ₉·9.
      if row.subject.formulation.isDotProduct { #expect(it.maxDeviation <= 2 * 9 * 0x1p-24 * 9 * 1.001) }
      if row.subject.formulation == .direct { #expect(it.maxDeviation == 0) }
    }
  }

  @Test("float64 is measured as float64")
  func float64() {
    var plan = small
    plan.dataType = .float64
    plan.formulations.removeAll { !$0.0.isDotProduct }
    for row in BenchmarkRunner(plan).run() {
      guard case .measured(let it) = row.outcome else {
        Issue.record("\(row)")
        continue
      }
      #expect(it.maxDeviation <= 2 * 9 * 0x1p-53 * 9 * 1.001)
    }
  }

  @Test("what does not fit gives a row that says the bytes it needs")
  func refusal() {
    let plan = BenchmarkPlan(
      images: [Extent(256, 256)], filters: [Extent(3, 3)], formulations: [(.toeplitz, .dense)])
    let rows = BenchmarkRunner(plan).run()
    #expect(rows.count == 1)
    guard case .refused(let error) = rows[0].outcome else {
      Issue.record("it ran")
      return
    }
    #expect(
      error
        == .operatorTooLarge(
          formulation: .toeplitz, storage: .dense, bytes: 16_912_482_304, limit: 1 << 30, fits: .sparse))
    #expect(rows[0].cost?.bytes == 16_912_482_304)
  }

  @Test("sizes that don't meet, and images beyond the memory limit, are refused before anything is made")
  func impossible() {
    let plan = BenchmarkPlan(
      images: [Extent(2, 2), Extent(0, 3), Extent(.max, .max), Extent(1 << 30, 1 << 30), Extent(1 << 30, 3)],
      filters: [Extent(3, 3)], formulations: [(.direct, .sparse)], maximumIterations: 1)
    let rows = BenchmarkRunner(plan).run()
    #expect(rows.count == 5)
    for row in rows {
      guard case .refused = row.outcome else {
        Issue.record("\(row.subject) ran")
        continue
      }
    }
  }

  @Test("a cancellation ends the run with the rows so far")
  func cancellation() {
    var finished = 0
    let rows = BenchmarkRunner(small).run(isCancelled: { finished >= 3 }) { _, number, _ in finished = number
    }
    #expect(rows.count == 3)
    #expect(BenchmarkRunner(small).run(isCancelled: { true }).isEmpty)
  }

  @Test("a case broken off between applications gives no row")
  func brokenOff() {
    var questions = 0
    let rows = BenchmarkRunner(small).run(isCancelled: {
      questions += 1
      return questions > 3
    })
    #expect(rows.isEmpty)
  }
}
