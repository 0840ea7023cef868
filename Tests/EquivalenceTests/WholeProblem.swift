import Convolution
import Equivalence
import TestSupport
import Testing

/// A whole problem in random numbers, with the products of each element of its result and of its gradients by the
/// definition.
struct WholeProblem<Scalar: TensorScalar> {
  let parameters: Parameters
  var image: [Scalar]
  var filter: [Scalar]
  /// Empty where there is none.
  var bias: [Scalar]
  var upstream: [Scalar]
  let terms: [Term]
  let resultShape: Shape
  /// Elements of one plane of the result.
  let plane: Int

  init?(_ p: Parameters, _ random: inout SeededNumbers, _ number: (inout SeededNumbers) -> Scalar) {
    guard let (terms, height, width) = TestSupport.terms(p),
      let geometry = try? ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
    else { return nil }
    parameters = p
    self.terms = terms
    resultShape = geometry.resultShape
    plane = height * width
    func numbers(_ count: Int) -> [Scalar] { (0..<count).map { _ in number(&random) } }
    image = numbers(p.batch * p.inputs * p.image.elementCount)
    filter = numbers(p.inputs * p.outputs / p.groups * p.filter.elementCount)
    bias = random.integer(0...1) == 0 ? [] : numbers(p.outputs)
    upstream = numbers(p.batch * p.outputs * plane)
  }

  func problem() throws -> ConvolutionProblem<Scalar> {
    try ConvolutionProblem(
      image: Tensor(image, parameters.imageShape), filter: Tensor(filter, parameters.filterShape),
      bias: bias.isEmpty ? nil : Tensor(bias, Shape(bias.count)), options: parameters.options)
  }

  /// The products of each element of the result, the bias as one by 1.
  var products: [[(Double, Double)]] {
    var products = upstream.indices.map { index -> [(Double, Double)] in
      bias.isEmpty ? [] : [(Double(bias[index / plane % bias.count]), 1)]
    }
    for term in terms {
      products[term.result].append((Double(filter[term.weight]), Double(image[term.pixel])))
    }
    return products
  }

  /// The products of each element of a gradient.
  func products(of target: GradientTarget) -> [[(Double, Double)]] {
    switch target {
    case .image:
      var products = [[(Double, Double)]](repeating: [], count: image.count)
      for term in terms {
        products[term.pixel].append((Double(filter[term.weight]), Double(upstream[term.result])))
      }
      return products
    case .filter:
      var products = [[(Double, Double)]](repeating: [], count: filter.count)
      for term in terms {
        products[term.weight].append((Double(image[term.pixel]), Double(upstream[term.result])))
      }
      return products
    case .bias:
      var products = [[(Double, Double)]](repeating: [], count: parameters.outputs)
      for index in upstream.indices {
        products[index / plane % parameters.outputs].append((Double(upstream[index]), 1))
      }
      return products
    }
  }

  /// The direct result.
  func direct(_ problem: borrowing ConvolutionProblem<Scalar>) throws -> Tensor<Scalar> {
    try result(.direct, .sparse, problem)
  }

  func result(
    _ formulation: Formulation, _ storage: Storage, _ problem: borrowing ConvolutionProblem<Scalar>
  ) throws -> Tensor<Scalar> {
    var result = problem.makeOutput()
    try formulation.makeOperator(
      storage: storage, geometry: problem.geometry, filter: problem.filter, bias: problem.bias
    ).apply(to: problem.image, into: &result)
    return result
  }

  /// One line with which the problem can be repeated.
  var line: String { parameters.reproduction(image, filter, bias: bias, .direct, .sparse) }
}

/// A float in [1, 2) with either sign.
func ordinary<Scalar: TensorScalar>(_ random: inout SeededNumbers) -> Scalar {
  (random.next() & 1 == 0 ? 1 : -1) * Scalar(Double(random.next() >> 12) * 0x1p-52 + 1)
}

/// Values at both sides of `bound` from the exact sum of `products`, a thousandth of it away from it.
func atBound<Scalar: TensorScalar>(
  _ bound: Double, of products: [(Double, Double)], as _: Scalar.Type
) -> (within: Scalar, beyond: Scalar) {
  let sum = products.reduce(0) { $0 + $1.0 * $1.1 }
  var value = Scalar(sum + 0.9 * bound)
  func step(_ value: Scalar) -> Scalar { max(value.ulp, Scalar(bound * 0.01)) }
  while ExactSum.isWithin(Double(value), of: products, bound: 1.001 * bound) { value += step(value) }
  let beyond = value
  while !ExactSum.isWithin(Double(value), of: products, bound: 0.999 * bound) { value -= step(value) }
  return (value, beyond)
}

/// `γ_n·S` by its formula, for elements whose `n` is the most products that any of them has, or `least` if that is more.
func theory<Scalar: TensorScalar>(
  _ products: [[(Double, Double)]], terms least: Int = 0, as _: Scalar.Type
) -> [Double] {
  let n = Double(max(least, products.map(\.count).max() ?? 0)) * Double(Scalar.ulpOfOne) / 2
  return products.map { $0.reduce(0) { $0 + ($1.0 * $1.1).magnitude } * n / (1 - n) }
}
