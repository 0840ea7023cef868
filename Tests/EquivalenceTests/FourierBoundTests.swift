import Convolution
import Equivalence
import TestSupport
import Testing

/// The certified bound of the Fourier formulation against sums in twice float64's precision.
@Suite struct FourierBoundTests {
  /// The kinds of numbers that hurt.
  enum Data: CaseIterable {
    case ordinary, cancelling, wide, subnormal, constant, impulses
  }

  func number<Scalar: TensorScalar>(_ data: Data, isFilter: Bool, _ random: inout SeededNumbers) -> Scalar {
    let sign: Scalar = random.next() & 1 == 0 ? 1 : -1
    let fraction = Scalar(1 + Double(random.next() >> 12) * 0x1p-52)
    func power(_ exponent: Int) -> Scalar {
      Scalar(sign: .plus, exponent: Scalar.Exponent(exponent), significand: 1)
    }
    switch data {
    case .ordinary: return sign * (fraction - 1)
    case .cancelling: return sign * Scalar(1).nextUp
    // Both together stay within float32: 2⁶⁰ · 2⁴⁰ and the points of a transform.
    case .wide: return sign * fraction * power(isFilter ? random.integer(-40...40) : random.integer(-60...60))
    case .subnormal:
      let least = Int(Scalar.leastNormalMagnitude.exponent)
      return sign * fraction * power(random.integer(least / 2 - 12...least / 2 + 2))
    case .constant: return 1 / 3
    case .impulses: return random.integer(0...20) == 0 ? sign : 0
    }
  }

  func tensor<Scalar: TensorScalar>(
    _ shape: Shape, _ data: Data, isFilter: Bool = false, _ random: inout SeededNumbers
  ) -> Tensor<Scalar> {
    var tensor = Tensor<Scalar>(shape: shape, repeating: 0)
    let values = tensor.mutableValues
    for index in values.indices { values[index] = number(data, isFilter: isFilter, &random) }
    return tensor
  }

  /// Any combination of all attributes.
  func anyOptions(_ random: inout SeededNumbers) -> ConvolutionOptions {
    func extent(_ range: ClosedRange<Int>) -> Extent { Extent(random.integer(range), random.integer(range)) }
    var options = ConvolutionOptions(stride: extent(1...3), dilation: extent(1...3))
    options.groups = random.integer(1...2)
    options.flip = random.next() & 1 == 0
    options.padding = .sides(
      Padding(
        top: random.integer(0...4), left: random.integer(0...4), bottom: random.integer(0...4),
        right: random.integer(0...4)))
    if random.integer(0...2) == 0 {
      options.transposed = true
      options.outputPadding = Extent(
        random.integer(0...max(options.stride.height, options.dilation.height) - 1),
        random.integer(0...max(options.stride.width, options.dilation.width) - 1))
    } else {
      options.paddingMode = PaddingMode.allCases[random.integer(0...3)]
    }
    return options
  }

  /// The worst `|error| / bound` of a problem, recorded as an issue where it exceeds 1; nil where the bound is infinite.
  func worst<Scalar: TensorScalar>(
    _ problem: borrowing ConvolutionProblem<Scalar>, _ line: String
  ) throws -> Double? {
    var bias = Tensor<Scalar>(shape: problem.bias.shape, repeating: 0)
    let numbers = bias.mutableValues
    for index in numbers.indices { numbers[index] = problem.bias.values[index] }
    let prepared = try Formulation.fft.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, bias: consume bias,
      options: FormulationOptions())
    var result = problem.makeOutput()
    prepared.apply(to: problem.image, into: &result)
    guard case .elementwise(let bounds) = ResultBound(of: prepared, problem: problem) else {
      Issue.record("no bound by element: \(line)")
      return nil
    }
    var worst = 0.0
    for (index, sum) in plainConvolution(problem).enumerated() {
      let error = ((Double(result.values[index]) - sum.high) - sum.low).magnitude
      let bound = bounds.values[index]
      if bound == .infinity { return nil }
      if !(error <= bound) {
        Issue.record("error \(error) above \(bound) at \(index): \(line)")
        return nil
      }
      if error > 0 { worst = max(worst, error / bound) }
    }
    return worst
  }

  func holds<Scalar: TensorScalar>(_: Scalar.Type, _ data: Data) throws {
    var random = SeededNumbers(seed: 17)
    var ratios: [Double] = []
    while ratios.count < 100 {
      let options = anyOptions(&random)
      let planes = random.integer(1...3)
      let filters = options.groups * random.integer(1...3)
      let rank4 = Shape(
        random.integer(1...2), options.transposed ? filters : options.groups * planes, random.integer(1...24),
        random.integer(1...24))
      let filter = Shape(filters, planes, random.integer(1...6), random.integer(1...6))
      guard let geometry = try? ConvolutionGeometry(image: rank4, filter: filter, options: options) else {
        continue
      }
      var bias: Tensor<Scalar>?
      if random.next() & 1 == 0 { bias = tensor(Shape(geometry.resultChannels), data, &random) }
      let problem = try ConvolutionProblem(
        image: tensor(rank4, data, &random), filter: tensor(filter, data, isFilter: true, &random),
        bias: bias,
        options: options)
      let line = "\(Scalar.self) \(data) image \(rank4) filter \(filter) \(options)"
      let ratio = try #require(try worst(problem, line), "\(line)")
      ratios.append(ratio)
    }
    ratios.sort()
    print("fft \(Scalar.self) \(data): observed/bound median \(ratios[50]), most \(ratios[99])")
    #expect(data == .subnormal || data == .impulses || ratios[99] > 1e-3, "the bound is vacuous")
  }

  @Test(
    "float32 results lie within the bound for every attribute and on hostile numbers",
    arguments: Data.allCases)
  func float32(data: Data) throws { try holds(Float.self, data) }

  @Test(
    "float64 results lie within the bound for every attribute and on hostile numbers",
    arguments: Data.allCases)
  func float64(data: Data) throws { try holds(Double.self, data) }

  @Test("several blocks along both axes lie within the bound, around every boundary")
  func blocks() throws {
    var random = SeededNumbers(seed: 23)
    let options = ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 2)))
    let whole = try ConvolutionGeometry(image: Extent(300, 300), filter: Extent(3, 5), options: options)
    let plan = FourierPlan(whole)
    #expect(plan.rows.blockCount(adjoint: false) > 2 && plan.columns.blockCount(adjoint: false) > 2)
    for blocks in [1, 2] {
      for change in [-1, 0, 1] {
        let image = Shape(plan.rows.block * blocks + change, plan.columns.block * blocks + change)
        let problem = try ConvolutionProblem<Float>(
          image: tensor(image, .ordinary, &random), filter: tensor(Shape(3, 5), .ordinary, &random),
          options: options)
        #expect(try worst(problem, "\(image)") != nil)
        let transposed = try ConvolutionProblem<Float>(
          image: tensor(image, .ordinary, &random), filter: tensor(Shape(3, 5), .ordinary, &random),
          options: ConvolutionOptions(transposed: true))
        #expect(try worst(transposed, "transposed \(image)") != nil)
      }
    }
    let problem = try ConvolutionProblem<Float>(
      image: tensor(Shape(300, 300), .cancelling, &random), filter: tensor(Shape(3, 5), .cancelling, &random),
      options: options)
    #expect(try worst(problem, "300×300") != nil)
  }

  @Test("the bound is at most 12·(log₂ n + 1) units of ‖x‖‖w‖")
  func slack() throws {
    var random = SeededNumbers(seed: 29)
    for side in [16, 64, 200] {
      let problem = try ConvolutionProblem<Float>(
        image: tensor(Shape(side, side), .ordinary, &random), filter: tensor(Shape(5, 5), .ordinary, &random))
      let prepared = try Formulation.fft.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions())
      guard case .elementwise(let bounds) = ResultBound(of: prepared, problem: problem) else {
        Issue.record("no bound by element")
        return
      }
      func norm(_ values: UnsafeBufferPointer<Float>) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      }
      let layers = FourierPlan(problem.geometry).size.elementCount.trailingZeroBitCount
      let unit = norm(problem.image.values) * norm(problem.filter.values) * 0x1p-24
      #expect(bounds.values.max() ?? 0 <= 12 * Double(layers + 1) * unit)
      #expect(bounds.values.min() ?? 0 > 0)
    }
  }

  @Test("the report says the transform's size, an error below the bound, and both relative to the norms")
  func report() throws {
    var random = SeededNumbers(seed: 31)
    let problem = try ConvolutionProblem<Float>(
      image: tensor(Shape(60, 50), .ordinary, &random), filter: tensor(Shape(7, 3), .ordinary, &random))
    let prepared = try Formulation.fft.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions())
    var result = problem.makeOutput()
    prepared.apply(to: problem.image, into: &result)
    let bound = ResultBound(of: prepared, problem: problem)
    guard let report = FourierReport(of: prepared, result: result, problem: problem, bound: bound) else {
      Issue.record("no report")
      return
    }
    #expect(report.size == FourierPlan(problem.geometry).size)
    #expect(report.normwiseError > 0 && report.normwiseError <= report.normwiseBound)
    var (difference, image, filter) = (0.0, 0.0, 0.0)
    for (index, sum) in plainConvolution(problem).enumerated() {
      let error = (Double(result.values[index]) - sum.high) - sum.low
      difference += error * error
    }
    for value in problem.image.values { image += Double(value) * Double(value) }
    for value in problem.filter.values { filter += Double(value) * Double(value) }
    let expected = (difference / image / filter).squareRoot()
    #expect((report.normwiseError / expected - 1).magnitude < 1e-6)
    let direct = try Formulation.direct.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions())
    let none = FourierReport(of: direct, result: result, problem: problem, bound: .dotProduct)
    #expect(none == nil)
  }

  @Test("where an intermediate might overflow, or is not finite, nothing is promised")
  func overflow() throws {
    for (pixel, tap) in [(Float(0x1p100), Float(0x1p27)), (.infinity, 1), (.nan, 1), (1, .nan), (.nan, 0)] {
      var image = Tensor<Float>(shape: Shape(9, 9), repeating: 0)
      image[4, 4] = pixel
      let problem = try ConvolutionProblem(image: image, filter: Tensor([[tap, 0], [0, 0]]))
      let prepared = try Formulation.fft.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions())
      var result = problem.makeOutput()
      prepared.apply(to: problem.image, into: &result)
      guard case .elementwise(let bounds) = ResultBound(of: prepared, problem: problem) else {
        Issue.record("no bound by element")
        return
      }
      for index in result.values.indices where !result.values[index].isFinite {
        #expect(bounds.values[index] == .infinity)
      }
      #expect(bounds[4, 4] == .infinity)
    }
  }
}
