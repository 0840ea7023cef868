package import Convolution
import Glibc  // log2

extension Prover {
  /// Random integers that stay within the format, in three proportions: image and filter alike, all bits in the image, all
  /// bits in the filter.
  package func integers<Scalar: TensorScalar>(
    _ implementation: Implementation<Scalar>, _ exactness: Exactness
  ) throws(ConvolutionError) -> ProbeOutcome {
    var statement =
      "for random integer images, filters and biases the floating-point code gives the definition's "
    statement += exactness == .nearest ? "results to within 1/4" : "integers"
    let biasLimit: Int
    var sizes: [(image: Int, filter: Int)] = []
    var multiple = 1
    switch exactness {
    case .exact(let factor, _, let step):
      multiple = step
      biasLimit = Scalar.exactIntegers / 16
      let room = (Scalar.exactIntegers - biasLimit) / max(1, factor)
      if room < 2 * step {
        return ProbeOutcome(
          probe: .integers,
          verdict: .notApplicable("\(factor) terms leave no room for integers in the format"),
          applications: 0,
          statement: statement, errorExponent: nil)
      }
      let even = max(1, Int(Double(room / step).squareRoot()))
      sizes = [(even, even), (room / step, 1), (1, room / step)]
    case .nearest:
      biasLimit = 2
      sizes = [(2, 2)]
    }
    let count = sizes.count * settings.trials
    if let refusal = refusal(.integers, applications: count, statement) { return refusal }
    let coding = Coding<Scalar, Int>(nearest: exactness == .nearest)
    var numbers = numbers(.integers)
    for application in 0..<count {
      let (imageSize, filterSize) = sizes[application % sizes.count]
      let filter = integers(geometry.weights, upTo: filterSize, &numbers).map { $0 * multiple }
      let bias = integers(definition.madeChannels, upTo: biasLimit, &numbers)
      let image = integers(definition.givenCount, upTo: imageSize, &numbers)
      let trial = try Trial(definition, implementation, coding, filter: filter, bias: bias)
      if let failure = trial.check(image, application: application) {
        return outcome(.integers, statement, application + 1, failure)
      }
    }
    // Of a bilinear map of integers; only the trials of the first proportion are counted.
    let chance = 2 / Double(2 * sizes[0].image + 1)
    return outcome(
      .integers, statement, count, nil,
      exponent: exactness == .nearest || chance >= 1 ? nil : Double(settings.trials) * log2(chance))
  }

  /// Random elements of the prime field as image, filter and bias.
  ///
  /// - Parameters:
  ///   - instead: What the implementation has in the field for something that only real numbers have.
  ///   - degree: The degree of the polynomials that are compared, and of those by whose zeros an element may not be divided.
  package func field(
    _ implementation: Implementation<PrimeField>, besides instead: String = "", degree: Int = 2
  ) throws(ConvolutionError) -> ProbeOutcome {
    let statement =
      "the algorithm computes the definition's bilinear map, as an identity of polynomials" + instead
    if let refusal = refusal(.field, applications: settings.trials, statement) { return refusal }
    let coding = Coding<PrimeField, PrimeField>(
      image: { $0 }, filter: { $0 }, bias: { $0 }, result: { $0 }, text: { "\($0.value)" },
      exactText: { "\($0.value)" }, garbage: PrimeField(1 as Int))
    var numbers = numbers(.field)
    for application in 0..<settings.trials {
      let filter = elements(geometry.weights, &numbers)
      let bias = elements(definition.madeChannels, &numbers)
      let image = elements(definition.givenCount, &numbers)
      let trial = try Trial(definition, implementation, coding, filter: filter, bias: bias)
      if let failure = trial.check(image, application: application) {
        return outcome(.field, statement, application + 1, failure)
      }
    }
    // degree/p, p a little less than 2⁶¹.
    let exponent = (log2(Double(degree)) - 60.99) * Double(settings.trials)
    return outcome(.field, statement, settings.trials, nil, exponent: exponent)
  }

  /// Integers of magnitude up to `size`, without zero where that is 1.
  private func integers(_ count: Int, upTo size: Int, _ numbers: inout DeterministicNumbers) -> [Int] {
    (0..<count).map { _ in
      size == 1 ? (numbers.next() >> 63 == 0 ? 1 : -1) : Int.random(in: -size...size, using: &numbers)
    }
  }

  private func elements(_ count: Int, _ numbers: inout DeterministicNumbers) -> [PrimeField] {
    (0..<count).map { _ in PrimeField(UInt64.random(in: 0..<PrimeField.modulus, using: &numbers)) }
  }
}
