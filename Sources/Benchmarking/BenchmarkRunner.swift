import Convolution

/// Runs a plan case by case on the calling thread. It prints nothing; rows go to a callback as they finish.
public struct BenchmarkRunner: Sendable {
  /// What is measured.
  public let plan: BenchmarkPlan
  /// What the machine can do at most, where rows are to be held against it.
  public let limits: MachineLimits?

  /// A runner for `plan`.
  public init(_ plan: BenchmarkPlan, limits: MachineLimits? = nil) {
    self.plan = plan
    self.limits = limits
  }

  /// Runs the plan and returns the rows finished, all of them or those before a cancellation.
  ///
  /// - Parameters:
  ///   - isCancelled: asked before each case and between applications; a case broken off gives no row.
  ///   - progress: called with each row as it finishes, its number from 1, and the number of all cases.
  public func run(
    isCancelled: () -> Bool = { false },
    progress: (_ row: BenchmarkRow, _ finished: Int, _ total: Int) -> Void = { _, _, _ in }
  ) -> [BenchmarkRow] {
    let cases = plan.cases
    var rows: [BenchmarkRow] = []
    for subject in cases {
      if isCancelled() { break }
      guard let row = measure(subject, isCancelled) else { break }
      rows.append(row)
      progress(row, rows.count, cases.count)
    }
    return rows
  }

  private func measure(_ subject: BenchmarkCase, _ isCancelled: () -> Bool) -> BenchmarkRow? {
    do throws(ConvolutionError) {
      let prepared = try subject.prepare(memoryLimit: plan.memoryLimit, workLimit: plan.workLimit)
      let measurement = measure(prepared, isCancelled)
      return measurement.map { BenchmarkRow(subject: subject, cost: prepared.cost, outcome: .measured($0)) }
    } catch {
      let cost = (try? subject.geometry()).map {
        subject.formulation.cost(
          of: $0, storage: subject.storage, scalarByteCount: subject.dataType.byteCount)
      }
      return BenchmarkRow(subject: subject, cost: cost, outcome: .refused(error))
    }
  }

  private func measure(
    _ prepared: any PreparedBenchmark, _ isCancelled: () -> Bool
  ) -> BenchmarkMeasurement? {
    // The application that warmed up is checked too.
    let firstDeviation = prepared.maxDeviation
    guard
      let timing = prepared.time(
        iterations: plan.maximumIterations, seconds: plan.secondsPerCase, isCancelled: isCancelled)
    else { return nil }
    let times = timing.seconds.sorted()
    let median = (times[(times.count - 1) / 2] + times[times.count / 2]) / 2
    let seconds = max(median, 1e-9)
    let (geometry, cost) = (prepared.geometry, prepared.cost)
    let pixels = Double(geometry.imageElementCount) + Double(geometry.outputElementCount)
    let traffic = Double(prepared.heldBytes) + pixels * Double(prepared.subject.dataType.byteCount)
    return BenchmarkMeasurement(
      iterations: timing.iterations, setup: prepared.setup, minimum: times[0], median: median,
      percentile95: times[(times.count * 95 + 99) / 100 - 1], heldBytes: prepared.heldBytes,
      gigaflops: 2 * Double(cost.multiplyAdds) / seconds / 1e9, gigabytesPerSecond: traffic / seconds / 1e9,
      limit: limits?.limit(of: prepared.subject, geometry: geometry, cost: cost),
      maxDeviation: max(firstDeviation, prepared.maxDeviation))
  }
}
