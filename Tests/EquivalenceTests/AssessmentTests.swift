import Convolution
import Equivalence
import TestSupport
import Testing

/// Bounds against exact arithmetic, on data made to break them.
@Suite struct BoundTests {
  /// Runs `body` on every formulation's result for one problem.
  func everyResult<Scalar: TensorScalar>(
    _ image: [[Scalar]], _ filter: [[Scalar]],
    _ body: (Assessment, _ result: [[Scalar]], _ problem: borrowing ConvolutionProblem<Scalar>) throws -> Void
  ) throws {
    let problem = try ConvolutionProblem(image: Tensor(image), filter: Tensor(filter))
    var direct = problem.makeOutput()
    try Formulation.direct.makeOperator(storage: .sparse, geometry: problem.geometry, filter: problem.filter)
      .apply(to: problem.image, into: &direct)
    for formulation in Formulation.allCases.filter(\.isDotProduct) {
      for storage in formulation.storages {
        var result = problem.makeOutput()
        try formulation.makeOperator(storage: storage, geometry: problem.geometry, filter: problem.filter)
          .apply(to: problem.image, into: &result)
        try body(Assessment(of: result, direct: direct, problem: problem), result.rows, problem)
      }
    }
  }

  func products<Scalar: TensorScalar>(
    _ image: [[Scalar]], _ filter: [[Scalar]], _ row: Int, _ column: Int
  ) -> [(Double, Double)] {
    filter.indices.flatMap { u in
      filter[u].indices.map { (Double(image[row + u][column + $0]), Double(filter[u][$0])) }
    }
  }

  /// A number of one of the kinds that hurt.
  func hostile<Scalar: TensorScalar>(_ kind: Int, _ random: inout SeededNumbers) -> Scalar {
    let sign: Scalar = random.next() & 1 == 0 ? 1 : -1
    let fraction = Scalar(Double(random.next() >> 12) * 0x1p-52 + 1)
    let half = Scalar.Exponent(Scalar.greatestFiniteMagnitude.exponent) / 2
    switch kind {
    case 0: return sign * fraction
    // Cancellation: pairs of opposite signs that agree in all but the last bits.
    case 1: return sign * Scalar(1).nextUp
    // A huge range: products from subnormal to near overflow.
    case 2:
      let reach = Int(half) - 4
      return sign
        * Scalar(
          sign: .plus, exponent: Scalar.Exponent(random.integer(-reach...reach)), significand: fraction)
    // Subnormals and products that underflow.
    case 3:
      let least = Int(Scalar.leastNormalMagnitude.exponent)
      return sign
        * Scalar(
          sign: .plus, exponent: Scalar.Exponent(random.integer(least / 2 - 12...least / 2 + 2)),
          significand: fraction)
    // Exact ties: odd multiples of half a unit of one.
    default: return sign * (1 + Scalar(random.integer(0...3)) * Scalar.ulpOfOne)
    }
  }

  func holds<Scalar: TensorScalar>(_: Scalar.Type) throws {
    var random = SeededNumbers(seed: 7)
    for kind in 0..<5 {
      for _ in 0..<30 {
        let filterSize = (random.integer(1...4), random.integer(1...4))
        let image: [[Scalar]] = random.rows(5, 6) { hostile(kind, &$0) }
        let filter: [[Scalar]] = random.rows(filterSize.0, filterSize.1) { hostile(kind, &$0) }
        try everyResult(image, filter) { assessment, result, _ in
          #expect(assessment.equivalent, "kind \(kind): \(assessment)")
          let position = try #require(assessment.fromReference.position)
          let bound = try #require(assessment.fromReference.bound)
          let exact = products(image, filter, position.indices[0], position.indices[1])
          #expect(
            ExactSum.isWithin(
              Double(result[position.indices[0]][position.indices[1]]), of: exact, bound: bound))
          let ratio = try #require(assessment.fromReference.maxOverBound)
          #expect(ratio <= 1)
        }
      }
    }
  }

  @Test("float32 results of every formulation lie within their bounds, as exact arithmetic confirms")
  func float32() throws { try holds(Float.self) }

  @Test("float64 results of every formulation lie within their bounds, as exact arithmetic confirms")
  func float64() throws { try holds(Double.self) }

  /// One output element, moved to where exact arithmetic knows the verdict.
  func decides<Scalar: TensorScalar>(_: Scalar.Type) throws {
    var random = SeededNumbers(seed: 11)
    let unit = Scalar.ulpOfOne / 2
    for _ in 0..<20 {
      let image: [[Scalar]] = random.rows(8, 9) { hostile(0, &$0) }
      let filter: [[Scalar]] = random.rows(3, 3) { hostile(0, &$0) }
      let problem = try ConvolutionProblem(image: Tensor(image), filter: Tensor(filter))
      var honest = problem.makeOutput()
      try Formulation.direct.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter
      )
      .apply(to: problem.image, into: &honest)
      for row in 0..<6 {
        for column in 0..<7 {
          let terms = products(image, filter, row, column)
          // γ₉·S, a little too large; the sum of magnitudes in float64 is off by 2⁻⁴⁹ at most.
          let sum = terms.reduce(0) { $0 + ($1.0 * $1.1).magnitude }
          let theory = 9 * Double(unit) / (1 - 9 * Double(unit)) * sum
          var moved = Tensor<Scalar>(honest.rows)
          let exact = terms.reduce(0) { $0 + $1.0 * $1.1 }
          // In steps of a hundredth of the bound, or of the format where that is coarser, to just beyond it.
          func step(_ value: Scalar) -> Scalar { max(value.ulp, Scalar(theory * 0.01)) }
          var value = Scalar(exact + 0.9 * theory)
          while ExactSum.isWithin(Double(value), of: terms, bound: 1.001 * theory) { value += step(value) }
          moved[row, column] = value
          let refuted = Assessment(of: moved, direct: honest, problem: problem)
          #expect(!refuted.equivalent)
          #expect(refuted.failures == [.beyondBound: 1])
          #expect(refuted.firstFailure == Position(row, column))
          #expect(refuted.fromReference.position == Position(row, column))
          // And back to just within.
          while !ExactSum.isWithin(Double(value), of: terms, bound: 0.999 * theory) { value -= step(value) }
          moved[row, column] = value
          #expect(Assessment(of: moved, direct: honest, problem: problem).equivalent)
        }
      }
    }
  }

  @Test("a float32 element moved a little beyond its bound is refuted, at every position")
  func float32Refuted() throws { try decides(Float.self) }

  @Test("a float64 element moved a little beyond its bound is refuted, at every position")
  func float64Refuted() throws { try decides(Double.self) }

  @Test("a result flushed to zero is refuted where underflow can't excuse it")
  func flushed() throws {
    // 2⁻¹²⁶ · 1/2 is the subnormal 2⁻¹²⁷, and exact; zero is 2⁻¹²⁷ off, 2²³ times the allowance of 2⁻¹⁵⁰.
    let problem = try ConvolutionProblem(
      image: Tensor<Float>([[.leastNormalMagnitude]]), filter: Tensor<Float>([[0.5]]))
    let flushed = Tensor<Float>([[0]])
    #expect(Assessment(ofDirect: flushed, problem: problem).reason == .beyondBound)
    // 2⁻¹⁴⁹ · 1/4 has no representable neighbour but zero, and zero is right.
    let tiny = try ConvolutionProblem(
      image: Tensor<Float>([[.leastNonzeroMagnitude]]), filter: Tensor<Float>([[0.25]]))
    #expect(Assessment(ofDirect: flushed, problem: tiny).equivalent)
    let least = Tensor<Float>([[.leastNonzeroMagnitude]])
    #expect(Assessment(ofDirect: least, problem: tiny).reason == .beyondBound)
  }

  @Test("one unit in the last place is allowed to a rounded product and refused to nobody's")
  func oneUnit() throws {
    // 1·1 is exact: γ₁·S is just above half a unit above one, so the next number up is refuted.
    let problem = try ConvolutionProblem(image: Tensor<Float>([[1]]), filter: Tensor<Float>([[1]]))
    let up = Tensor<Float>([[Float(1).nextUp]])
    #expect(Assessment(ofDirect: up, problem: problem).reason == .beyondBound)
    // Below one the spacing halves: the next number down is 2⁻²⁴ off and γ₁ is above that.
    let down = Tensor<Float>([[Float(1).nextDown]])
    let assessment = Assessment(ofDirect: down, problem: problem)
    #expect(assessment.equivalent)
    #expect(assessment.fromReference.maxUlp == 1)
    #expect(assessment.fromReference.maxAbs == 0x1p-24)
  }

  @Test("huge float64 factors take fused products and keep their certificate")
  func hugeFactors() throws {
    let problem = try ConvolutionProblem(
      image: Tensor<Double>([[0x1.8p1000, -0x1.1p1001, 3]]),
      filter: Tensor<Double>([[0x1.3p-30, 0x1.7p-31, 5]]))
    var result = problem.makeOutput()
    try Formulation.direct.makeOperator(storage: .sparse, geometry: problem.geometry, filter: problem.filter)
      .apply(to: problem.image, into: &result)
    #expect(Assessment(ofDirect: result, problem: problem).equivalent)
    let wrong = Tensor<Double>([[result[0, 0] * (1 + 0x1p-40)]])
    #expect(Assessment(of: wrong, direct: result, problem: problem).reason == .beyondBound)
  }
}

@Suite struct MeasureTests {
  @Test("distances, positions and counts are those of the elements that differ")
  func deviation() throws {
    let problem = try ConvolutionProblem(
      image: Tensor<Float>([[1, 2], [3, 4]]), filter: Tensor<Float>([[1]]))
    let direct = Tensor<Float>([[1, 2], [3, 4]])
    let result = Tensor<Float>([[1, 2], [Float(3).nextUp.nextUp, 4.5]])
    let deviation = Assessment(of: result, direct: direct, problem: problem).fromDirect
    #expect(deviation.maxAbs == 0.5)
    #expect(deviation.position == Position(1, 1))
    #expect(deviation.maxUlp == 1 << 20)
    #expect(deviation.identical == 2 && deviation.elements == 4)
    let bound = try #require(deviation.bound)
    #expect(bound >= 2 * 4 * 0x1p-24 && bound < 2.001 * 4 * 0x1p-24)
    let ratio = try #require(deviation.maxOverBound)
    #expect((ratio - 0.5 / bound).magnitude <= 1e-15 * ratio)
  }

  @Test("units in the last place count representable numbers across zero")
  func units() {
    #expect(unitsBetween(Float(0), -0.0) == 0)
    #expect(unitsBetween(Float.leastNonzeroMagnitude, -.leastNonzeroMagnitude) == 2)
    #expect(unitsBetween(1.0, 1.0.nextUp) == 1)
    let widest: UInt64 = 2 * 0x7FEF_FFFF_FFFF_FFFF
    #expect(unitsBetween(-Double.greatestFiniteMagnitude, .greatestFiniteMagnitude) == widest)
  }

  @Test("minus zero equals zero but is not identical to it")
  func minusZero() throws {
    let problem = try ConvolutionProblem(image: Tensor<Float>([[0]]), filter: Tensor<Float>([[1]]))
    let direct = Tensor<Float>([[0]])
    let assessment = Assessment(of: Tensor<Float>([[-0.0]]), direct: direct, problem: problem)
    #expect(assessment.equivalent)
    #expect(assessment.fromDirect.identical == 0 && assessment.fromDirect.maxAbs == 0)
  }

  @Test("the full report's measures are those computed by hand")
  func detailed() throws {
    let problem = try ConvolutionProblem(
      image: Tensor<Float>([[1, 2, 4, 8]]), filter: Tensor<Float>([[1]]))
    let direct = Tensor<Float>([[1, 2, 4, 8]])
    // Distances of 0, 1, 3 and 8 units.
    var result = Tensor<Float>([[1, Float(2).nextUp, 4, 8]])
    result[0, 2] = 4 + 3 * Float(4).ulp
    result[0, 3] = 8 + 8 * Float(8).ulp
    let measures = try #require(
      Assessment(of: result, direct: direct, problem: problem, detailed: true).detailed)
    #expect(measures.histogram.map(\.count) == [1, 1, 0, 1, 1])
    #expect(measures.histogram.map(\.lower) == [0, 1, 2, 3, 5])
    #expect(measures.histogram.map(\.upper) == [0, 1, 2, 4, 8])
    let errors = [0, 0x1p-22, 3 * 0x1p-21, 8 * 0x1p-20]
    let squares = errors.reduce(0) { $0 + $1 * $1 }
    #expect(measures.rootMeanSquare == (squares / 4).squareRoot())
    #expect(measures.maxRelative == 0x1p-20)
    #expect(measures.conditionAtMaxRelative == 1)
    #expect(measures.maxOverUnitRoundoff == 16)
    // 10·log₁₀(85 / squares) lies where 10^(dB/10) says.
    let decibels = try #require(measures.signalToNoise)
    #expect(decibels > 110 && decibels < 130)
    #expect(measures.rungs.map(\.arithmetic) == ["float32", "float64"])
    #expect(measures.rungs.allSatisfy { !$0.consistent })
  }

  @Test("a result rounded once from float64 is consistent with the narrower rung")
  func rungs() throws {
    var random = SeededNumbers(seed: 3)
    let image: [[Float]] = random.rows(12, 12) { Float(Double($0.next() >> 11) * 0x1p-53 - 0.5) }
    let filter: [[Float]] = random.rows(5, 5) { Float(Double($0.next() >> 11) * 0x1p-53 - 0.5) }
    let problem = try ConvolutionProblem(image: Tensor(image), filter: Tensor(filter))
    var direct = problem.makeOutput()
    try Formulation.direct.makeOperator(storage: .sparse, geometry: problem.geometry, filter: problem.filter)
      .apply(to: problem.image, into: &direct)
    var precise = problem.makeOutput()
    for row in 0..<8 {
      for column in 0..<8 {
        var sum = 0.0
        for u in 0..<5 { for v in 0..<5 { sum += Double(image[row + u][column + v]) * Double(filter[u][v]) } }
        precise[row, column] = Float(sum)
      }
    }
    let narrow = try #require(
      Assessment(of: precise, direct: direct, problem: problem, detailed: true).detailed
    ).rungs
    #expect(narrow.map(\.consistent) == [true, true])
    let wide = try #require(Assessment(ofDirect: direct, problem: problem, detailed: true).detailed).rungs
    #expect(wide.map(\.consistent) == [true, false])
  }
}
