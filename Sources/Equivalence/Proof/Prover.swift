package import Convolution

/// How much a proof may try.
public struct ProofSettings: Hashable, Sendable {
  /// What the random numbers follow from: the same seed, the same proof.
  public let seed: UInt64
  /// Random trials of each kind, 1 to 2²⁰.
  public let trials: Int
  /// The most multiply-adds that one probe may take, those of the definition included.
  public let workLimit: Int
  /// The most bytes that the operator, and the definition beside it, may hold.
  public let memoryLimit: Int

  /// Settings; the defaults take seconds at most.
  public init(seed: UInt64 = 1, trials: Int = 2, workLimit: Int = 1 << 33, memoryLimit: Int = 1 << 30) {
    self.seed = seed
    self.trials = min(max(1, trials), 1 << 20)
    self.workLimit = workLimit
    self.memoryLimit = memoryLimit
  }
}

/// Runs probes against implementations of one geometry.
package struct Prover {
  let definition: Definition
  let settings: ProofSettings
  /// Multiply-adds of one application and of the definition beside it, and one for each element and weight.
  private let work: Int

  /// - Parameter multiplyAdds: those of one application of the implementation.
  package init(_ geometry: ConvolutionGeometry, multiplyAdds: Int, settings: ProofSettings) {
    definition = Definition(geometry)
    self.settings = settings
    let own = saturatingProduct(geometry.outputElementCount, geometry.taps, geometry.channels.imagePerGroup)
    // Where strides are large, making an image takes longer than to apply anything to it.
    let elements = saturatingSum(
      saturatingSum(geometry.imageElementCount, geometry.outputElementCount), geometry.weights)
    work = saturatingSum(saturatingSum(multiplyAdds, own), elements)
  }

  var geometry: ConvolutionGeometry { definition.geometry }

  /// The outcome of a probe that takes more applications than the limit allows; nil where it does not.
  func refusal(_ probe: Probe, applications: Int, _ statement: String) -> ProbeOutcome? {
    if applications <= settings.workLimit / work { return nil }
    return ProbeOutcome(
      probe: probe,
      verdict: .notApplicable(
        "\(applications) applications of \(work) multiply-adds each are more than the limit of "
          + "\(settings.workLimit)"),
      applications: 0, statement: statement, errorExponent: nil)
  }

  func numbers(_ probe: Probe) -> DeterministicNumbers {
    // Each probe has its own, whether others ran or not.
    let number = UInt64(Probe.allCases.firstIndex(of: probe) ?? 0)
    return DeterministicNumbers(seed: settings.seed &+ number << 32)
  }

  func outcome(
    _ probe: Probe, _ statement: String, _ applications: Int, _ failure: Counterexample?,
    exponent: Double? = nil
  ) -> ProbeOutcome {
    ProbeOutcome(
      probe: probe, verdict: failure.map { .failed($0) } ?? .passed, applications: applications,
      statement: statement, errorExponent: exponent)
  }
}

// MARK: - Combs

extension Prover {
  /// Taps that are distinct integers as far as the format allows, and the biases beside them.
  private func comb<Scalar: TensorScalar>(
    _ exactness: Exactness, _: Scalar.Type
  ) -> (filter: [Int], bias: [Int], multipliers: Int) {
    let bias = (0..<definition.madeChannels).map { $0 % 7 + 1 }
    switch exactness {
    case .exact(_, let growth, let multiple):
      let multipliers = 7
      // Half of the range is left to the bias, a few ones.
      let distinct = Scalar.exactIntegers / (2 * growth * multiple * multipliers)
      return ((0..<geometry.weights).map { multiple * ($0 % distinct + 1) }, bias, multipliers)
    case .nearest:
      // Small, as errors grow with the largest tap; in another order in each plane, so that planes differ.
      var numbers = numbers(.combs)
      var filter: [Int] = []
      while filter.count < geometry.weights {
        filter += (0..<geometry.taps).shuffled(using: &numbers).map { $0 % 64 + 1 }
      }
      return (filter, bias, 1)
    }
  }

  /// The image that holds the elements of one colour along each axis in one channel of each group. They are small
  /// multiples of 1 that differ from one lit element, group or image of a batch to the next, which shows where one is taken
  /// for another.
  private func image(
    _ rows: CombColours, _ row: Int, _ columns: CombColours, _ column: Int, channel: Int, multipliers: Int
  ) -> [Int] {
    var image = [Int](repeating: 0, count: definition.givenCount)
    let (groups, plane) = (geometry.channels.groups, definition.given.elementCount)
    for part in 0..<geometry.channels.batch * groups {
      let start = (part * definition.givenPerGroup + channel) * plane
      for i in rows.colours.indices where rows.colours[i] == row {
        for j in columns.colours.indices where columns.colours[j] == column {
          let cell = i / rows.count + j / columns.count
          image[start + i * definition.given.width + j] = (part + cell) % multipliers + 1
        }
      }
    }
    return image
  }

  /// Shows every entry of the map within the windows, one at a time.
  package func combs<Scalar: TensorScalar>(
    _ implementation: Implementation<Scalar>, _ exactness: Exactness
  ) throws(ConvolutionError) -> ProbeOutcome {
    let precise = exactness == .nearest ? "to within a quarter of the distance between taps" : "bit for bit"
    let statement =
      "each result of the floating-point code takes each element of its window with its tap, \(precise) "
      + "(with the sum of its taps where the padding repeats it), if nothing outside of the window counts"
    let rows = CombColours(definition.rows, size: definition.given.height)
    let columns = CombColours(definition.columns, size: definition.given.width)
    let count = rows.count * columns.count * definition.givenPerGroup
    if let refusal = refusal(.combs, applications: count, statement) { return refusal }
    let (filter, bias, multipliers) = comb(exactness, Scalar.self)
    let trial = try Trial(
      definition, implementation, Coding<Scalar, Int>(nearest: exactness == .nearest), filter: filter,
      bias: bias)
    var application = 0
    for channel in 0..<definition.givenPerGroup {
      for row in 0..<rows.count {
        for column in 0..<columns.count {
          let image = image(rows, row, columns, column, channel: channel, multipliers: multipliers)
          if let failure = trial.check(image, application: application) {
            return outcome(.combs, statement, application + 1, failure)
          }
          application += 1
        }
      }
    }
    return outcome(.combs, statement, application, nil)
  }

  /// Shows whether images or taps lose bits that their format has: combs of `1 + 2⁻¹²` (float64: `1 + 2⁻³⁰`), and taps that
  /// are multiples of it.
  package func precision<Scalar: TensorScalar>(
    _ implementation: Implementation<Scalar>, _ exactness: Exactness
  ) throws(ConvolutionError) -> ProbeOutcome {
    let bits = Scalar.precision == .single ? 12 : 30
    let statement =
      "neither pixels nor taps are rounded to \(bits) bits or fewer before they are multiplied (TF32 has 11)"
    guard case .exact(_, let growth, let multiple) = exactness else {
      return ProbeOutcome(
        probe: .precision, verdict: .notApplicable("the formulation rounds integers"), applications: 0,
        statement: statement, errorExponent: nil)
    }
    if let refusal = refusal(.precision, applications: 2, statement) { return refusal }
    let distinct = Scalar.exactIntegers / (growth * multiple * (2 << bits))
    if distinct < 1 {
      return ProbeOutcome(
        probe: .precision, verdict: .notApplicable("the transforms need more bits than the format has"),
        applications: 0, statement: statement, errorExponent: nil)
    }
    let rows = CombColours(definition.rows, size: definition.given.height)
    let columns = CombColours(definition.columns, size: definition.given.width)
    let long = 1 << bits + 1
    let scale = Double(sign: .plus, exponent: -bits, significand: 1)
    let taps = (0..<geometry.weights).map { multiple * ($0 % distinct + 1) }
    let bias = [Int](repeating: 0, count: definition.madeChannels)
    let image = image(rows, 0, columns, 0, channel: 0, multipliers: 1)
    let cases = [
      (image: image.map { $0 * long }, filter: taps, scales: (scale, 1.0)),
      (image: image, filter: taps.map { $0 * long }, scales: (1.0, scale)),
    ]
    for (application, (image, filter, scales)) in cases.enumerated() {
      let coding = Coding<Scalar, Int>(imageScale: scales.0, filterScale: scales.1, nearest: false)
      let trial = try Trial(definition, implementation, coding, filter: filter, bias: bias)
      if let failure = trial.check(image, application: application) {
        return outcome(.precision, statement, application + 1, failure.asRounding)
      }
    }
    return outcome(.precision, statement, cases.count, nil)
  }
}

extension Counterexample {
  /// The same, said as what the precision probe looks for, where a pixel under its tap counts with another number.
  fileprivate var asRounding: Counterexample {
    let isRounding =
      switch kind {
      case .otherWeight, .otherTap: true
      default: false
      }
    return Counterexample(
      kind: isRounding ? .roundedInput : kind, application: application, position: position,
      expected: expected,
      found: found, pixel: pixel, tap: tap)
  }
}
