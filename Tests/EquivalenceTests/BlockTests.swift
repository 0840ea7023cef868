import Convolution
import Equivalence
import TestSupport
import Testing

/// Outputs large enough to be judged in blocks, against loops that know of no blocks.
@Suite(.serialized) struct BlockTests {
  /// A problem in integers, so that the reference, its sums of magnitudes and all distances are exactly known.
  struct Case<Scalar: TensorScalar> {
    let parameters: Parameters
    let image: [Scalar]
    let filter: [Scalar]
    let expected: [Scalar]
    let magnitudes: [Scalar]
    let width: Int

    init?(_ p: Parameters, _ random: inout SeededNumbers) {
      parameters = p
      image = (0..<p.image.elementCount).map { _ in
        Scalar(random.integer(1...9) * (random.integer(0...1) * 2 - 1))
      }
      filter = (0..<p.filter.elementCount).map { _ in Scalar(random.integer(1...9)) }
      guard let exact = definition(image, filter, p, multiply: { $0 * $1 }),
        let sums = definition(image, filter, p, multiply: { ($0 * $1).magnitude })
      else { return nil }
      expected = exact.output
      magnitudes = sums.output
      width = exact.width
    }

    func tensor(_ values: [Scalar], _ height: Int, _ width: Int) -> Tensor<Scalar> {
      var tensor = Tensor<Scalar>(shape: Shape(height, width), repeating: 0)
      let room = tensor.mutableValues
      for index in values.indices { room[index] = values[index] }
      return tensor
    }

    func assess(_ result: [Scalar], direct: [Scalar]) throws -> Assessment {
      let p = parameters
      let problem = try ConvolutionProblem(
        image: tensor(image, p.image.height, p.image.width),
        filter: tensor(filter, p.filter.height, p.filter.width),
        options: ConvolutionOptions(stride: p.stride, padding: .sides(p.padding), dilation: p.dilation))
      let height = expected.count / width
      return Assessment(
        of: tensor(result, height, width), direct: tensor(direct, height, width), problem: problem)
    }
  }

  /// Shapes whose rows are shorter than, as long as, and longer than a block, in strips of one row and of many, with
  /// and without edges.
  func everyShape<Scalar: TensorScalar>(
    _: Scalar.Type, _ body: (Case<Scalar>, inout SeededNumbers) throws -> Void
  ) throws {
    var random = SeededNumbers(seed: 17)
    try withEvery(around: [8, 16, 24, 40, 1100]) { width in
      for stride in [Extent(1, 1), Extent(1, 2), Extent(2, 1)] {
        for (padding, dilation) in [(0, 1), (1, 1), (2, 2), (3, 1)] {
          let p = Parameters(
            image: Extent(width > 1000 ? 5 : 2 * width, width), filter: Extent(3, 3), stride: stride,
            padding: Padding(top: padding, left: padding, bottom: 1, right: padding / 2),
            dilation: Extent(dilation, dilation))
          if let shape = Case<Scalar>(p, &random) { try body(shape, &random) }
        }
      }
    }
  }

  func exactIsIdentical<Scalar: TensorScalar>(_: Scalar.Type) throws {
    try everyShape(Scalar.self) { shape, _ in
      let assessment = try shape.assess(shape.expected, direct: shape.expected)
      #expect(assessment.equivalent, "\(shape.parameters)")
      #expect(assessment.fromReference.identical == shape.expected.count, "\(shape.parameters)")
      #expect(assessment.fromDirect.identical == shape.expected.count)
      #expect(assessment.fromReference.maxAbs == 0 && assessment.fromReference.maxUlp == 0)
      #expect(assessment.fromReference.maxOverBound == 0)
    }
  }

  @Test("an exact float32 result is identical to the reference at every element of every shape")
  func exactFloat32() throws { try withEveryVariant { _ in try exactIsIdentical(Float.self) } }

  @Test("an exact float64 result is identical to the reference at every element of every shape")
  func exactFloat64() throws { try withEveryVariant { _ in try exactIsIdentical(Double.self) } }

  /// Moves some elements of result and direct result by a few units each and compares every measure with plain loops.
  func measuresAreThose<Scalar: TensorScalar>(_: Scalar.Type) throws {
    try everyShape(Scalar.self) { shape, random in
      var result = shape.expected
      var direct = shape.expected
      for _ in 0..<random.integer(1...40) {
        let (i, j) = (random.integer(0...result.count - 1), random.integer(0...result.count - 1))
        // Where the whole window is padding, the bound is that of underflow alone.
        if shape.magnitudes[i] == 0 || shape.magnitudes[j] == 0 { continue }
        // Often far beyond the bound, so that elements less far beyond theirs follow and must be counted too.
        result[i] += Scalar(random.integer(-3...3) << random.integer(0...6)) * result[i].ulp
        direct[j] += Scalar(random.integer(-3...3)) * direct[j].ulp
      }
      let assessment = try shape.assess(result, direct: direct)
      for (deviation, other) in [
        (assessment.fromReference, shape.expected), (assessment.fromDirect, direct),
      ] {
        let distances = result.indices.map { Double((result[$0] - other[$0]).magnitude) }
        let largest = try #require(distances.max())
        let first = try #require(distances.firstIndex(of: largest))
        #expect(deviation.maxAbs == largest, "\(shape.parameters)")
        #expect(deviation.position == Position(first / shape.width, first % shape.width))
        #expect(deviation.identical == result.indices.count { result[$0] == other[$0] })
        #expect(deviation.maxUlp == result.indices.map { unitsBetween(result[$0], other[$0]) }.max())
      }
      // n·u·S is just below the bound, and 1 + 2⁻¹⁹ times it above: γ₉ for float32 is (1 − 9·2⁻²⁴)⁻¹ as large.
      let unit = Double(Scalar.ulpOfOne) / 2
      let theory = result.indices.map { 9 * unit * Double(shape.magnitudes[$0]) }
      let errors = result.indices.map { Double((result[$0] - shape.expected[$0]).magnitude) }
      let at = try #require(errors.firstIndex(of: errors.max() ?? 0))
      let bound = try #require(assessment.fromReference.bound)
      #expect(
        theory[at] == 0 || bound >= theory[at] && bound <= theory[at] * (1 + 0x1p-19), "\(shape.parameters)")
      let ratio = result.indices.map { errors[$0] == 0 ? 0 : errors[$0] / theory[$0] }.max() ?? 0
      let found = try #require(assessment.fromReference.maxOverBound)
      #expect(found <= ratio && found >= ratio * (1 - 0x1p-19))
      let beyond = result.indices.filter { errors[$0] > theory[$0] * (1 + 0x1p-19) }
      #expect(assessment.failures[.beyondBound] == (beyond.isEmpty ? nil : beyond.count))
      #expect(
        assessment.firstFailure
          == beyond.first.map { Position($0 / shape.width, $0 % shape.width) })
    }
  }

  @Test("every measure of a float32 result is what plain loops find")
  func float32() throws { try withEveryVariant { _ in try measuresAreThose(Float.self) } }

  @Test("every measure of a float64 result is what plain loops find")
  func float64() throws { try withEveryVariant { _ in try measuresAreThose(Double.self) } }

  func nothingNonfiniteHides<Scalar: TensorScalar>(_: Scalar.Type) throws {
    try everyShape(Scalar.self) { shape, random in
      for value in [Scalar.nan, .infinity, -.infinity] {
        let index = random.integer(0...shape.expected.count - 1)
        let position = Position(index / shape.width, index % shape.width)
        var spoilt = shape.expected
        spoilt[index] = value
        let result = try shape.assess(spoilt, direct: shape.expected)
        #expect(result.failures == [.nonfiniteResult: 1])
        #expect(result.firstFailure == position && result.fromDirect.position == position)
        #expect(result.nonfinite.disagreements == 1 && result.maxDeviation == nil)
        #expect(result.fromDirect.identical == spoilt.count - 1)
        // Where only the direct result is spoilt, the result keeps its certificate.
        let direct = try shape.assess(shape.expected, direct: spoilt)
        #expect(direct.equivalent && direct.fromReference.maxAbs == 0)
        #expect(direct.nonfinite.direct == 1 && direct.nonfinite.disagreements == 1)
        #expect(direct.maxDeviation == nil)
      }
    }
  }

  @Test("no infinity or NaN hides among the elements of a float32 result")
  func nonfiniteFloat32() throws { try nothingNonfiniteHides(Float.self) }

  @Test("no infinity or NaN hides among the elements of a float64 result")
  func nonfiniteFloat64() throws { try nothingNonfiniteHides(Double.self) }

  @Test("a result judged against itself has the measures of one judged against its copy")
  func againstItself() throws {
    var random = SeededNumbers(seed: 23)
    for spoilt in [false, true] {
      var image: [[Float]] = random.rows(40, 50) { Float($0.integer(-999...999)) / 7 }
      let filter: [[Float]] = random.rows(3, 4) { Float($0.integer(-999...999)) / 11 }
      if spoilt { image[13][17] = .nan }
      let problem = try ConvolutionProblem(
        image: Tensor(image), filter: Tensor(filter), options: ConvolutionOptions(padding: .same))
      var result = problem.makeOutput()
      try Formulation.direct.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter
      ).apply(to: problem.image, into: &result)
      // Both by one variant, since each adds the reference up in its own way.
      withEveryVariant { _ in
        let itself = Assessment(ofDirect: result, problem: problem)
        let copy = Assessment(of: result, direct: Tensor<Float>(result.rows), problem: problem)
        #expect(itself.fromDirect == copy.fromDirect && itself.fromReference == copy.fromReference)
        #expect(itself.failures == copy.failures && itself.nonfinite == copy.nonfinite)
        #expect(itself.fromDirect.identical == 2000)
      }
    }
  }
}
