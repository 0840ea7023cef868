import Benchmarking
import Convolution
import Testing

@Suite struct BenchmarkRunnerTests {
  let small = BenchmarkPlan(
    images: [Shape(12, 10), Shape(16, 16)], filters: [Shape(2, 3), Shape(3, 3)], maximumIterations: 4,
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
        #expect(row.subject.formulation == .winograd && row.subject.filter == Shape(2, 3))
        continue
      }
      #expect(row.subject.formulation != .winograd || row.subject.filter == Shape(3, 3))
      #expect(it.iterations == 4)
      #expect(it.minimum <= it.median && it.median <= it.percentile95)
      #expect(it.setup >= 0 && it.gigaflops > 0 && it.gigabytesPerSecond > 0)
      #expect(it.heldBytes == row.cost?.heldBytes)
      // Nine products below 1 each: two dot products differ by at most 2·γ₉·9.
      if row.subject.formulation.isDotProduct { #expect(it.maxDeviation <= 2 * 9 * 0x1p-24 * 9 * 1.001) }
      if row.subject.formulation == .direct { #expect(it.maxDeviation == 0) }
    }
  }

  @Test("every quantity of a problem with channels is what the direct formulation computes")
  func quantities() throws {
    var plan = BenchmarkPlan(
      images: [Shape(2, 4, 9, 8)], filters: [Shape(6, 2, 3, 2)],
      options: ConvolutionOptions(
        stride: Extent(2, 1), padding: .sides(Padding(vertical: 1, horizontal: 0)), dilation: Extent(1, 2),
        groups: 2),
      formulations: BenchmarkPlan.everyFormulation.filter { $0.0.hasGradients },
      quantities: BenchmarkQuantity.allCases, maximumIterations: 2, secondsPerCase: 5)
    for dataType in [DataType.float32, .float64] {
      plan.dataType = dataType
      let rows = BenchmarkRunner(plan).run()
      #expect(rows.count == 5 * 4)
      for row in rows {
        guard case .measured(let it) = row.outcome else {
          Issue.record("\(row)")
          continue
        }
        #expect(it.iterations == 2 && it.limit == nil)
        // At most 2·5·6 products below 1 each, in either order: 2·γ₆₀·60.
        #expect(it.maxDeviation <= 2 * 60 * dataType.unitRoundoff * 60 * 1.001, "\(row.subject)")
      }
    }
  }

  @Test("formulations without gradients say so")
  func gradients() {
    let plan = BenchmarkPlan(
      images: [Shape(8, 8)], filters: [Shape(3, 3)], formulations: [(.winograd, .sparse), (.fft, .sparse)],
      quantities: [.imageGradient, .filterGradient])
    let rows = BenchmarkRunner(plan).run()
    #expect(rows.count == 4)
    for row in rows {
      guard case .refused(.unsupported) = row.outcome else {
        Issue.record("\(row.subject) ran")
        continue
      }
    }
  }

  @Test("products on padding are not counted, and stored zeros are")
  func multiplyAdds() throws {
    let padded = BenchmarkCase(
      image: Shape(4, 5), filter: Shape(3, 3), options: ConvolutionOptions(padding: .same),
      formulation: .direct, storage: .sparse)
    // 4·3 − 2 meetings of rows, 5·3 − 2 of columns.
    let geometry = try padded.geometry()
    let cost = { (subject: BenchmarkCase) in
      subject.formulation.cost(of: geometry, storage: subject.storage, scalarByteCount: 4)
    }
    #expect(padded.multiplyAdds(geometry, cost(padded)) == 10 * 13)
    let dense = BenchmarkCase(
      image: Shape(4, 5), filter: Shape(3, 3), options: ConvolutionOptions(padding: .same),
      formulation: .toeplitz, storage: .dense)
    #expect(dense.multiplyAdds(geometry, cost(dense)) == 20 * 20)
  }

  @Test("limits are positive, can only be raised, and the larger of two counts")
  func limits() throws {
    for kernels in KernelVariant.available {
      var limits = MachineLimits(measuring: kernels)
      #expect(limits.float32 > 0 && limits.float64 > 0)
      #expect(limits.levels.count >= 2 && limits.levels.last?.name == "memory")
      #expect(
        limits.levels.allSatisfy { $0.read > 0 && $0.copy > 0 && $0.stream > 0 && $0.fastestCopy >= $0.copy })
      let capacities = limits.levels.map(\.capacity)
      #expect(capacities == capacities.sorted())
      let before = limits
      limits.raise(to: MachineLimits(measuring: kernels))
      #expect(limits.float32 >= before.float32 && limits.levels[0].read >= before.levels[0].read)

      let subject = BenchmarkCase(
        image: Shape(256, 256), filter: Shape(3, 3), formulation: .direct, storage: .sparse)
      let geometry = try subject.geometry()
      let cost = Formulation.direct.cost(of: geometry, storage: .sparse, scalarByteCount: 4)
      let limit = limits.limit(of: subject, geometry: geometry, cost: cost)
      #expect(limit.operations == Double(254 * 254 * 9) / limits.float32)
      #expect(limit.bytes > 0 && limit.seconds == max(limit.operations, limit.bytes))
      let bytes = (256 * 256 + 254 * 254 + 9) * 4
      let place = limits.levels.first { $0.capacity / 4 * 3 >= bytes }
      #expect(limit.place == place?.name)
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
      images: [Shape(256, 256)], filters: [Shape(3, 3)], formulations: [(.toeplitz, .dense)])
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
      images: [Shape(2, 2), Shape(0, 3), Shape(.max, .max), Shape(1 << 30, 1 << 30), Shape(1 << 30, 3)],
      filters: [Shape(3, 3)], formulations: [(.direct, .sparse)], maximumIterations: 1)
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
