import Convolution
import Equivalence
import TestSupport
import Testing

/// Data made to break a bound.
enum Adversary: String, CaseIterable, Sendable {
  /// Numbers in [−1, 1).
  case random
  /// Taps that add up to zero over a large, nearly constant image.
  case cancellation
  /// A power of two up to 2^±60 (in float64 up to 2^±480) in each factor.
  case dynamicRange
  /// Subnormal pixels, ordinary taps.
  case subnormalImage
  /// Subnormal taps, large pixels.
  case subnormalFilter
  /// Products that underflow though no factor does.
  case underflow
  /// The identity, and one pixel far above its neighbours, whose tile it shares.
  case identity
  /// Small integers of alternating signs.
  case alternating
  /// Nothing at all.
  case zero

  func numbers<Scalar: TensorScalar>(
    _ counts: (image: Int, filter: Int), taps: Int, _ random: inout SeededNumbers
  ) -> (image: [Scalar], filter: [Scalar]) {
    let isDouble = Scalar.precision == .double
    func power(_ exponent: Int) -> Scalar { Scalar(sign: .plus, exponent: Scalar.Exponent(exponent), significand: 1) }
    func unit() -> Scalar { Scalar(Double(random.integer(-(1 << 23)...(1 << 23))) * 0x1p-23) }
    func all(_ count: Int, _ element: () -> Scalar) -> [Scalar] { (0..<count).map { _ in element() } }
    let least = isDouble ? -1074 : -149
    switch self {
    case .random: return (all(counts.image, unit), all(counts.filter, unit))
    case .cancellation:
      var filter = all(counts.filter) { Scalar(random.integer(-8...8)) }
      for start in stride(from: 0, to: filter.count, by: taps) {
        filter[start] -= filter[start..<start + taps].reduce(0, +)
      }
      return (all(counts.image) { 1_000_000 + unit() }, filter)
    case .dynamicRange:
      let range = isDouble ? 480 : 60
      return (
        all(counts.image) { unit() * power(random.integer(-range...range)) },
        all(counts.filter) { unit() * power(random.integer(-range...range)) }
      )
    case .subnormalImage:
      return (all(counts.image) { Scalar(random.integer(-99...99)) * power(least) }, all(counts.filter, unit))
    case .subnormalFilter:
      return (
        all(counts.image) { unit() * power(40) }, all(counts.filter) { Scalar(random.integer(-99...99)) * power(least) }
      )
    case .underflow:
      return (all(counts.image) { unit() * power(least / 2) }, all(counts.filter) { unit() * power(least / 2) })
    case .identity:
      var filter = [Scalar](repeating: 0, count: counts.filter)
      for start in stride(from: 0, to: filter.count, by: taps) { filter[start + taps / 2] = 1 }
      var image = all(counts.image, unit)
      image[random.integer(0...counts.image - 1)] = power(isDouble ? 500 : 80)
      return (image, filter)
    case .alternating:
      let image = (0..<counts.image).map { ($0 % 2 == 0 ? 1 : -1) * (1 + $0 % 7) }
      let filter = (0..<counts.filter).map { $0 % 2 == 0 ? 3 : -3 }
      return (image.map { Scalar($0) }, filter.map { Scalar($0) })
    case .zero: return (all(counts.image) { 0 }, all(counts.filter) { 0 })
    }
  }
}

/// The problems that every adversary goes through.
let boundGeometries: [(name: String, image: Shape, options: ConvolutionOptions)] = [
  ("plain", Shape(9, 14), ConvolutionOptions()),
  (
    "groups", Shape(2, 4, 8, 9),
    ConvolutionOptions(padding: .sides(Padding(top: 1, left: 0, bottom: 2, right: 2)), groups: 2)
  ),
  (
    "reflect", Shape(1, 2, 8, 7),
    ConvolutionOptions(padding: .sides(Padding(vertical: 2, horizontal: 1)), paddingMode: .reflect)
  ),
  (
    "transposed", Shape(1, 4, 6, 8),
    ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 0)), groups: 2, transposed: true)
  ),
]

/// The result of a formulation with its bounds, and the exact products of each element.
struct BoundedResult<Scalar: TensorScalar> {
  let result: [Scalar]
  let bounds: [Double]
  let products: [[(Double, Double)]]

  /// Runs `formulation` on a problem of `geometry` made of these numbers.
  init(
    _ formulation: Formulation, _ image: Shape, _ filter: Shape, _ options: ConvolutionOptions,
    _ numbers: (image: [Scalar], filter: [Scalar]), bias: [Scalar]?, told: FormulationOptions = FormulationOptions()
  ) throws {
    let problem = try ConvolutionProblem(
      image: Tensor(image, numbers.image), filter: Tensor(filter, numbers.filter),
      bias: bias.map { Tensor(Shape($0.count), $0) }, options: options)
    let prepared = try formulation.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter,
      bias: Tensor(problem.bias.shape, Array(problem.bias.values)), options: told)
    var output = problem.makeOutput()
    prepared.apply(to: problem.image, into: &output)
    guard case .elementwise(let tensor) = ResultBound(of: prepared, problem: problem) else {
      preconditionFailure("no bound by element")
    }
    result = Array(output.values)
    bounds = Array(tensor.values)
    var products = Meetings(problem.geometry).products(numbers.image.map(Double.init), numbers.filter.map(Double.init))
    let plane = products.count / (problem.geometry.channels.batch * problem.geometry.resultChannels)
    for index in products.indices {
      products[index].append((Double(problem.bias.values[index / plane % problem.geometry.resultChannels]), 1))
    }
    self.products = products
  }

  /// The first element that is finite, but further from the exact value than its bound; exactly decided.
  var refuted: Int? {
    result.indices.first { index in
      result[index].isFinite && bounds[index].isFinite
        && !ExactSum.isWithin(Double(result[index]), of: products[index], bound: bounds[index])
    }
  }

  /// The errors over their bounds, the exact value being formed in float64: for float32 results.
  var ratios: [Double] {
    result.indices.map { index in
      let exact = products[index].reduce(0) { $0 + $1.0 * $1.1 }
      return (Double(result[index]) - exact).magnitude / bounds[index]
    }
  }
}

/// Holds the bound of a formulation against every adversary on every geometry, with and without a bias.
func checkBounds<Scalar: TensorScalar>(
  _ formulation: Formulation, filter size: Extent, told: FormulationOptions, as type: Scalar.Type
) throws {
  var random = SeededNumbers(seed: UInt64(size.height * 10 + (told.tile ?? told.rank ?? 0)))
  for (name, image, options) in boundGeometries {
    let channels = image.rank == 2 ? 1 : image[1]
    let filter =
      image.rank == 2
      ? Shape(size.height, size.width)
      : options.transposed
        ? Shape(channels, 2, size.height, size.width)
        : Shape(2 * options.groups, channels / options.groups, size.height, size.width)
    let geometry = try ConvolutionGeometry(image: image, filter: filter, options: options)
    for adversary in Adversary.allCases {
      let numbers: (image: [Scalar], filter: [Scalar]) = adversary.numbers(
        (geometry.imageShape.elementCount ?? 0, geometry.weights), taps: geometry.taps, &random)
      for bias in [nil, (0..<geometry.resultChannels).map { Scalar($0) - 0.1 }] {
        let bounded = try BoundedResult(formulation, image, filter, options, numbers, bias: bias, told: told)
        let place = bounded.refuted
        #expect(
          place == nil,
          """
          \(Scalar.self) \(told) \(size) \(name) \(adversary.rawValue) bias \(bias != nil): element \(place ?? 0) is \
          \(bounded.result[place ?? 0]), bound \(bounded.bounds[place ?? 0])
          """)
        if adversary == .zero, bias == nil { #expect(bounded.result.allSatisfy { $0 == 0 }) }
        // All these data have finite results: a bound that is not finite would say nothing.
        #expect(bounded.bounds.allSatisfy { $0.isFinite }, "\(Scalar.self) \(told) \(name) \(adversary.rawValue)")
        #expect(bounded.result.allSatisfy { $0.isFinite }, "\(Scalar.self) \(told) \(name) \(adversary.rawValue)")
      }
    }
  }
}
