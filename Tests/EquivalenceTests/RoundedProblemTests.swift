import Convolution
import Equivalence
import TestSupport
import Testing

/// Whole problems whose sums stand at ties, next to them, and cancel: their measures count from the number that the exact
/// sum rounds to.
@Suite struct RoundedProblemTests {
  /// Zero, one, two powers of two whose product is half a unit in the last place of 1, or one so small that the reference
  /// loses it beside them; with either sign.
  func adversarial<Scalar: TensorScalar>(_ random: inout SeededNumbers, _ format: DataType) -> Scalar {
    let tie =
      switch format {
      case .float16: 11
      case .bfloat16: 8
      case .float32: 24
      case .float64: 53
      }
    let deep = Scalar.precision == .single ? 40 : 90
    let exponents = [0, 0, tie / 2, tie - tie / 2, deep]
    let choice = random.integer(0...exponents.count)
    if choice == exponents.count { return 0 }
    let magnitude = Scalar(Double(sign: .plus, exponent: -exponents[choice], significand: 1))
    return random.integer(0...2) == 0 ? -magnitude : magnitude
  }

  /// The correctly rounded sums, some of them moved by up to three numbers of the format.
  func elements<Scalar: TensorScalar>(
    _ products: [[(Double, Double)]], _ format: DataType, _ random: inout SeededNumbers, _ line: String
  ) -> (values: [Scalar], identical: Int, farthest: UInt64) {
    let numbers = Neighbours(format)
    var (identical, farthest) = (0, UInt64(0))
    let values = products.map { products -> Scalar in
      var sum = DoubleAccumulator()
      for (a, b) in products { sum.add(a, times: b) }
      let rounded = sum.rounded(to: format)
      #expect(numbers.isNearest(rounded, of: products), "\(line)")
      let places = random.integer(0...7) == 0 ? UInt64(random.integer(1...3)) : 0
      if places == 0 {
        identical += 1
        return Scalar(rounded)
      }
      farthest = max(farthest, places)
      let moved = numbers.number(at: numbers.place(of: rounded.magnitude) + places)
      return Scalar(rounded < 0 ? -moved : moved)
    }
    return (values, identical, farthest)
  }

  func check<Scalar: TensorScalar>(_: Scalar.Type, _ format: DataType, seed: UInt64) throws {
    var random = SeededNumbers(seed: seed)
    var (exactPath, gradientPath) = (0, 0)
    for _ in 0..<200 {
      let made = WholeProblem<Scalar>(random.parameters(upTo: 7), &random) { adversarial(&$0, format) }
      guard let whole = made else { continue }
      let problem = try whole.problem()
      for detailed in [false, true] {
        let (values, identical, farthest): ([Scalar], Int, UInt64) = elements(
          whole.products, format, &random, whole.line)
        let result = Tensor(values, whole.resultShape)
        let assessment = Assessment(
          of: result, direct: result, problem: problem, format: format, detailed: detailed)
        #expect(assessment.fromReference.identical == identical, "\(format), \(whole.line)")
        #expect(assessment.fromReference.maxUlp == farthest, "\(format), \(whole.line)")
        let atZero = assessment.detailed?.histogram.first?.count
        #expect(!detailed || atZero == identical, "\(format), \(whole.line)")
        exactPath += assessment.exactPath
      }
      if format != Scalar.dataType { continue }
      for target in GradientTarget.allCases {
        let (values, identical, farthest): ([Scalar], Int, UInt64) = elements(
          whole.products(of: target), format, &random, whole.line)
        let tensor = Tensor(values, Shape(values.count))
        let assessment = Assessment(
          ofGradient: target, tensor, direct: tensor, problem: problem,
          upstream: Tensor(whole.upstream, whole.resultShape))
        #expect(assessment.fromReference.identical == identical, "\(target), \(whole.line)")
        #expect(assessment.fromReference.maxUlp == farthest, "\(target), \(whole.line)")
        gradientPath += assessment.exactPath
      }
    }
    #expect(exactPath > 0 && (format != Scalar.dataType || gradientPath > 0))
  }

  @Test("results and gradients of float32 problems are counted from their correctly rounded values")
  func single() throws { try check(Float.self, .float32, seed: 31) }

  @Test("results and gradients of float64 problems are counted from their correctly rounded values")
  func double() throws { try check(Double.self, .float64, seed: 32) }

  @Test("results in short formats are counted from their correctly rounded values")
  func short() throws {
    try check(Float.self, .float16, seed: 33)
    try check(Float.self, .bfloat16, seed: 34)
  }

  @Test("sums that a power of two shows to be exact need no exact path, even where they cancel")
  func integers() throws {
    let image = Tensor<Float>((0..<40).map { (row: Int) in (0..<40).map { Float((7 * row + $0) % 256) } })
    let filter = Tensor<Float>([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    let problem = try ConvolutionProblem(image: image, filter: filter)
    var result = problem.makeOutput()
    try Formulation.direct.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, bias: problem.bias
    ).apply(to: problem.image, into: &result)
    let assessment = Assessment(ofDirect: result, problem: problem)
    #expect(assessment.exactPath == 0 && assessment.fromReference.identical == 38 * 38)
  }
}
