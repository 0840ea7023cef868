import Buffers
public import Convolution

extension Claim {
  /// Checks that a problem of `geometry` can be computed in this arithmetic: every one can, but by Winograd's tiles.
  ///
  /// - Throws: `unsupported`.
  public func check(_ geometry: ConvolutionGeometry) throws(ConvolutionError) { _ = try tiles(geometry) }

  /// The multiply-adds of the bound of this arithmetic where it is no multiple of `S`: tiles are evaluated in float64, once for
  /// each set of points.
  public func boundMultiplyAdds(_ geometry: ConvolutionGeometry) -> Double {
    ((try? tiles(geometry)) ?? []).reduce(0) { sum, tile in
      let cost = OperatorCost(winograd: geometry, tile, scalarByteCount: DataType.float64.byteCount)
      let sets = WinogradMatrices.usual(outputs: tile.outputs, taps: tile.taps).count
      return sum + Double(sets) * Double(cost.multiplyAdds)
    }
  }
}

extension Verification {
  /// Holds results of `problem` against its exact values, all in one pass over the elements; where nothing narrower explains
  /// one of them, in another one against the bounds of Winograd's tiles and of Fourier transforms.
  ///
  /// - Parameters:
  ///   - candidates: The results, all of the result's shape.
  ///   - claim: The arithmetic that they claim.
  ///   - detailed: Asks for `DetailedMeasures`.
  ///   - mapped: Asks for an `ErrorMap`.
  /// - Returns: One verification for each candidate.
  /// - Throws: what `Claim.check` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public static func verify<Scalar: TensorScalar>(
    _ candidates: [Candidate], claim: Claim, problem: borrowing ConvolutionProblem<Scalar>,
    detailed: Bool = false, mapped: Bool = false
  ) throws(ConvolutionError) -> [Verification] {
    let geometry = problem.geometry
    try claim.check(geometry)
    let numbers = ClaimedNumbers(problem)
    let summands = Summands(problem)
    var verifier = Verifier(
      climbs: candidates.map { candidate in
        precondition(candidate.values.shape == geometry.resultShape, "another result's shape")
        return Climb(
          candidate, claim: claim, bounds: numbers.bounds(of: candidate.dataType), summands,
          terms: numbers.terms, map: mapped ? ErrorMap(geometry) : nil,
          measures: detailed ? MeasureTracker(candidate.dataType) : nil)
      })
    summands.formReference(fused: numbers.isTooLargeToSplit, into: &verifier)
    if claim.dotProduct == nil || verifier.climbs.contains(where: { !$0.rungs.contains(where: \.explains) }) {
      climb(&verifier, claim, problem, numbers)
    }
    return verifier.climbs.map { Verification($0, claim: claim, shape: geometry.resultShape) }
  }

  /// The upper part of the ladder: the claim, if it is there, and all of it for candidates that nothing explains so far.
  @inline(never)
  private static func climb<Scalar: TensorScalar>(
    _ verifier: inout Verifier<Scalar>, _ claim: Claim, _ problem: borrowing ConvolutionProblem<Scalar>,
    _ numbers: ClaimedNumbers
  ) {
    let reference = Reference(problem: problem)
    for step in Claim.allCases where step.dotProduct == nil && (try? step.check(problem.geometry)) != nil {
      let wanted = verifier.climbs.indices.filter {
        step == claim || !verifier.climbs[$0].rungs.contains(where: \.explains)
      }
      if wanted.isEmpty { continue }
      let bounds = step.elementwise(problem)
      for index in wanted {
        verifier.climbs[index].climb(
          step, isClaimed: step == claim, bounds, reference,
          mayOverflow: numbers.mayOverflowTransforms(Scalar.self))
      }
    }
  }

  /// The bound of `claim` for results in `dataType` at every element, and the exact values themselves, each rounded to float64:
  /// what a diagnosis starts from.
  ///
  /// - Throws: what `Claim.check` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public static func bounds<Scalar: TensorScalar>(
    of claim: Claim, for dataType: DataType, problem: borrowing ConvolutionProblem<Scalar>
  ) throws(ConvolutionError) -> ExactValues {
    try claim.check(problem.geometry)
    let reference = Reference(problem: problem)
    let sums = reference.values
    var exact = Tensor<Double>(shape: problem.geometry.resultShape, repeating: 0)
    var allowed = Tensor<Double>(shape: problem.geometry.resultShape, repeating: 0)
    let (values, limits) = (exact.mutableValues, allowed.mutableValues)
    for index in 0..<reference.count { values[index] = sums.value[index] + sums.tail[index] }
    if claim.dotProduct != nil {
      let bound = ClaimedNumbers(problem).bound(claim, for: dataType)
      for index in 0..<reference.count {
        limits[index] = bound.at(sums.value[index], absolute: sums.absolute[index])
      }
    } else {
      let elementwise = claim.elementwise(problem)
      let allowance = ElementwiseAllowance(
        elementwise.values, in: Scalar.dataType, terms: reference.terms, candidate: dataType)
      for index in 0..<reference.count {
        limits[index] = allowance.at(index, value: sums.value[index], absolute: sums.absolute[index])
      }
    }
    return ExactValues(exact: exact, allowed: allowed)
  }
}

/// The exact values of a problem with how far a claim lets results lie from them.
public final class ExactValues: Sendable {
  /// The exact values, to float64.
  public let exact: Tensor<Double>
  /// The bounds.
  public let allowed: Tensor<Double>

  init(exact: consuming Tensor<Double>, allowed: consuming Tensor<Double>) {
    self.exact = exact
    self.allowed = allowed
  }
}

extension Claim {
  /// The bound at every element, before it is rounded to a candidate's format; the claim must be no dot product, and checked.
  fileprivate func elementwise<Scalar: TensorScalar>(
    _ problem: borrowing ConvolutionProblem<Scalar>
  ) -> Tensor<Double> {
    guard let tiles = try? tiles(problem.geometry), !tiles.isEmpty else {
      return FourierClaim.evaluate(problem)
    }
    return WinogradBound.evaluateForeign(tiles, problem)
  }
}

/// What all claims have to know of a problem.
private struct ClaimedNumbers {
  let terms: Int
  let isTooLargeToSplit: Bool
  private let image: InputNumbers
  private let filter: InputNumbers
  private let bias: InputNumbers?
  private let precision: DataType

  init<Scalar: TensorScalar>(_ problem: borrowing ConvolutionProblem<Scalar>) {
    terms = problem.terms
    image = InputNumbers(problem.image.values)
    filter = InputNumbers(problem.filter.values)
    bias = problem.hasBias ? InputNumbers(problem.bias.values) : nil
    precision = Scalar.dataType
    isTooLargeToSplit = Scan.isTooLargeToSplit(max(image.largest, filter.largest), as: Scalar.self)
  }

  func bound(_ claim: Claim, for candidate: DataType) -> ClaimBound {
    ClaimBound(claim, (image, filter, bias), in: precision, terms: terms, candidate: candidate)
  }

  func bounds(of candidate: DataType) -> [(claim: Claim, bound: ClaimBound)] {
    Claim.allCases.filter { $0.dotProduct != nil }.map { ($0, bound($0, for: candidate)) }
  }

  /// Whether a transform, which sums numbers of a tile or of a whole image with weights, may overflow.
  func mayOverflowTransforms<Scalar: TensorScalar>(_: Scalar.Type) -> Bool {
    let room = Double(Scalar.greatestFiniteMagnitude) * 0x1p-40
    let (pixel, tap) = (image.largest, filter.largest)
    return max(pixel, tap) >= room || pixel >= room / max(tap, 1) / Double(terms)
  }
}

/// Hands the strips of the reference to each candidate.
private struct Verifier<Scalar: TensorScalar>: ReferenceSink {
  var climbs: [Climb<Scalar>]

  mutating func take(_ values: ReferenceValues, from start: Int, count: Int) {
    for index in climbs.indices { climbs[index].take(values, from: start, count: count) }
  }
}
