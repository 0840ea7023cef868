import Convolution
import Equivalence
import TestSupport
import Testing

/// The bound on separable results holds on data made to break it, is no empty promise, and does not hide truncation.
@Suite struct SeparableBoundTests {
  @Test(
    "no result at full rank lies beyond its bound, whatever the data",
    arguments: [Extent(3, 3), Extent(5, 2), Extent(1, 4), Extent(6, 7)])
  func holds(size: Extent) throws {
    try checkBounds(.separable, filter: size, told: FormulationOptions(), as: Float.self)
    try checkBounds(.separable, filter: size, told: FormulationOptions(), as: Double.self)
  }

  @Test("errors of random data come within a factor of the bound")
  func isNotVacuous() throws {
    var random = SeededNumbers(seed: 12)
    for size in [Extent(3, 3), Extent(5, 5), Extent(9, 9)] {
      let largest = try (0..<20).map { _ in
        let numbers: (image: [Float], filter: [Float]) = Adversary.random.numbers(
          (4 * 576, 8 * size.elementCount), taps: size.elementCount, &random)
        let bounded = try BoundedResult(
          .separable, Shape(1, 4, 24, 24), Shape(2, 4, size.height, size.width), ConvolutionOptions(), numbers,
          bias: nil)
        return bounded.ratios.max() ?? 0
      }.sorted()
      print("separable \(size): median \(largest[10]), max \(largest[19])")
      #expect(largest[19] <= 1)
      // Of m ≈ 20 … 60 roundings of random signs some √m/m remain, and as much again is lost to the signs of the terms.
      #expect(largest[0] > 0.01)
    }
  }

  /// A problem whose one filter is a sum of three terms, σ = 4, 2 and `third`.
  func split(rank: Int?, third: Float) throws -> (split: SeparableSplit, refuted: Bool) {
    var random = SeededNumbers(seed: 5)
    let filter: [Float] = [4, 0, 0, 0, 0, 2, 0, third, 0]
    let pixels = (0..<400).map { _ in Float(random.integer(-1000...1000)) / 1024 }
    let told = FormulationOptions(rank: rank)
    let problem = try ConvolutionProblem(
      image: Tensor(Shape(20, 20), pixels), filter: Tensor(Shape(3, 3), filter), bias: Tensor(Shape(1), [0.5]))
    let prepared = try Formulation.separable.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, bias: Tensor(Shape(1), [0.5]),
      options: told)
    var output = problem.makeOutput()
    prepared.apply(to: problem.image, into: &output)
    let split = SeparableSplit(of: prepared, result: output, problem: problem)
    let bounded = try BoundedResult(
      .separable, Shape(20, 20), Shape(3, 3), ConvolutionOptions(), (pixels, filter), bias: [0.5], told: told)
    return (try #require(split), bounded.refuted != nil)
  }

  @Test("at full rank all of the deviation is rounding, and certified")
  func fullRank() throws {
    for rank in [nil, 3] {
      let (split, refuted) = try split(rank: rank, third: 1)
      #expect(split.rank == 3 && split.fullRank == 3)
      #expect(split.truncationMaxAbs == 0)
      #expect(try #require(split.roundingMaxOverBound) <= 1)
      #expect(!refuted)
    }
  }

  @Test("a dropped term shows as truncation of its own size, and refutes the result")
  func truncated() throws {
    // What is dropped is the tap 1 in the last row: the truncation is the largest pixel that it meets.
    let (split, refuted) = try split(rank: 2, third: 1)
    #expect(split.rank == 2 && split.fullRank == 3)
    let truncation = try #require(split.truncationMaxAbs)
    #expect(truncation > 0.97 && truncation < 0.98)
    #expect(try #require(split.roundingMaxAbs) < 1e-5)
    #expect(try #require(split.roundingMaxOverBound) <= 1)
    #expect(refuted)
  }

  @Test("truncation below the rounding does not refute")
  func hiddenTruncation() throws {
    let (split, refuted) = try split(rank: 2, third: 0x1p-40)
    #expect(split.rank == 2 && split.fullRank == 3)
    let truncation = try #require(split.truncationMaxAbs)
    #expect(truncation > 0 && truncation < 0x1p-40)
    #expect(!refuted)
  }

  @Test("other formulations have no split, and results that are not finite none in numbers")
  func nothingToSplit() throws {
    let problem = try ConvolutionProblem(
      image: Tensor(Shape(4, 4), [Float](repeating: .infinity, count: 16)),
      filter: Tensor(Shape(3, 3), [1, 2, 3, 4, 5, 6, 7, 8, 10] as [Float]))
    var output = problem.makeOutput()
    let direct = try Formulation.direct.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter)
    direct.apply(to: problem.image, into: &output)
    let none = SeparableSplit(of: direct, result: output, problem: problem)
    #expect(none == nil)
    let separable = try Formulation.separable.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions(rank: 1))
    separable.apply(to: problem.image, into: &output)
    let split = SeparableSplit(of: separable, result: output, problem: problem)
    #expect(split?.rank == 1)
    #expect(split?.truncationMaxAbs == nil && split?.roundingMaxAbs == nil && split?.roundingMaxOverBound == nil)
  }
}
