import Convolution

/// Runs a plan case by case on the calling thread. It prints nothing; rows go to a callback as they finish.
public struct BenchmarkRunner: Sendable {
  /// What is measured.
  public let plan: BenchmarkPlan

  /// A runner for `plan`.
  public init(_ plan: BenchmarkPlan) { self.plan = plan }

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
      let row =
        switch subject.dataType.precision {
        case .single: measure(subject, Float.self, isCancelled)
        case .double: measure(subject, Double.self, isCancelled)
        }
      guard let row else { break }
      rows.append(row)
      progress(row, rows.count, cases.count)
    }
    return rows
  }

  private func measure<Scalar: TensorScalar>(
    _ subject: BenchmarkCase, _: Scalar.Type, _ isCancelled: () -> Bool
  ) -> BenchmarkRow? {
    var cost: OperatorCost?
    do throws(ConvolutionError) {
      let geometry = try ConvolutionGeometry(image: subject.image, filter: subject.filter)
      cost = subject.formulation.cost(
        of: geometry, storage: subject.storage, scalarByteCount: subject.dataType.byteCount)
      // Refused before the data is made: an image of any size may be asked for.
      for (formulation, storage) in [(subject.formulation, subject.storage), (.direct, .sparse)] {
        try formulation.check(
          storage: storage, geometry: geometry, scalarByteCount: subject.dataType.byteCount,
          memoryLimit: plan.memoryLimit, workLimit: plan.workLimit)
      }
      try checkImage(subject, geometry)
      let measurement = try measure(subject, Scalar.self, geometry, isCancelled)
      return measurement.map { BenchmarkRow(subject: subject, cost: cost, outcome: .measured($0)) }
    } catch {
      return BenchmarkRow(subject: subject, cost: cost, outcome: .refused(error))
    }
  }

  /// Refuses an image that would itself be larger than the memory limit.
  private func checkImage(
    _ subject: BenchmarkCase, _ geometry: ConvolutionGeometry
  ) throws(ConvolutionError) {
    let limit = plan.memoryLimit / subject.dataType.byteCount
    for axis in Axis.allCases {
      let other = axis == .height ? subject.image.width : subject.image.height
      if subject.image[axis] > limit / other {
        throw .parameterTooLarge(
          field: .image, axis: axis, value: subject.image[axis], limit: limit / other)
      }
    }
  }

  private func measure<Scalar: TensorScalar>(
    _ subject: BenchmarkCase, _: Scalar.Type, _ geometry: ConvolutionGeometry, _ isCancelled: () -> Bool
  ) throws(ConvolutionError) -> BenchmarkMeasurement? {
    var random = DeterministicNumbers(seed: 0x5EED)
    let image: Tensor<Scalar> = random.tensor(Shape(subject.image.height, subject.image.width))
    let filter: Tensor<Scalar> = random.tensor(Shape(subject.filter.height, subject.filter.width))
    var expected = Tensor<Scalar>(shape: geometry.resultShape, repeating: 0)
    var output = Tensor<Scalar>(shape: geometry.resultShape, repeating: 0)
    try Formulation.direct.makeOperator(storage: .sparse, geometry: geometry, filter: filter)
      .apply(to: image, into: &expected)

    var stopwatch = Stopwatch()
    let prepared: ConvolutionOperator<Scalar> = try subject.formulation.makeOperator(
      storage: subject.storage, geometry: geometry, filter: filter, options: FormulationOptions(),
      memoryLimit: plan.memoryLimit, workLimit: plan.workLimit)
    let setup = Stopwatch.seconds(stopwatch.lap())

    if isCancelled() { return nil }
    // The first application finds cold caches and fresh pages; it warms up and is checked, not timed.
    prepared.apply(to: image, into: &output)
    let maxDeviation = largestDistance(output, expected)

    var times: [Double] = []
    stopwatch = Stopwatch()
    repeat {
      if isCancelled() { return nil }
      stopwatch.restartLap()
      prepared.apply(to: image, into: &output)
      times.append(Stopwatch.seconds(stopwatch.lap()))
    } while times.count < plan.maximumIterations && Stopwatch.seconds(stopwatch.total) < plan.secondsPerCase
    // Reading the last output makes every application's result one that is used.
    let lastDeviation = largestDistance(output, expected)

    times.sort()
    let cost = subject.formulation.cost(
      of: geometry, storage: subject.storage, scalarByteCount: subject.dataType.byteCount)
    let median = (times[(times.count - 1) / 2] + times[times.count / 2]) / 2
    let seconds = max(median, 1e-9)
    let pixels = subject.image.elementCount + geometry.output.elementCount
    let traffic = Double(prepared.heldBytes) + Double(pixels) * Double(subject.dataType.byteCount)
    return BenchmarkMeasurement(
      iterations: times.count, setup: setup, minimum: times[0], median: median,
      percentile95: times[(times.count * 95 + 99) / 100 - 1], heldBytes: prepared.heldBytes,
      gigaflops: 2 * Double(cost.multiplyAdds) / seconds / 1e9, gigabytesPerSecond: traffic / seconds / 1e9,
      maxDeviation: max(maxDeviation, lastDeviation))
  }
}

/// The largest `|aᵢ − bᵢ|`. All data here is finite and small, so that no difference is NaN.
private func largestDistance<Scalar: TensorScalar>(
  _ a: borrowing Tensor<Scalar>, _ b: borrowing Tensor<Scalar>
) -> Double {
  let left = a.values
  let right = b.values
  var largest = 0.0
  for index in 0..<left.count {
    largest = max(largest, (Double(left[index]) - Double(right[index])).magnitude)
  }
  return largest
}
