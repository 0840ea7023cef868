public import Convolution

/// What the separable formulation left out, split into the terms that were not kept and rounding.
///
/// `F_r` is the sum of the terms kept before their factors were rounded; at full rank it is the filter `F` itself, since
/// what the terms then lack of it is rounding.
public struct SeparableSplit: Hashable, Sendable {
  /// The most terms of any filter plane that are used; 0 where all filters are zero.
  public let rank: Int
  /// The largest rank of a filter plane.
  public let fullRank: Int
  /// `max |conv(x, F_r) − conv(x, F)|`, the convolution with the difference of the filters; 0 at full rank, nil where
  /// it is not finite.
  public let truncationMaxAbs: Double?
  /// `max |ŷ − conv(x, F_r)|`; nil where it is not finite.
  public let roundingMaxAbs: Double?
  /// The largest ratio of an element's `|ŷ − conv(x, F_r)|` to its bound, that of the verdict and of the float64
  /// convolution it is compared with; nil where it is not finite.
  public let roundingMaxOverBound: Double?

  /// Splits the deviation of `result`, as `prepared` computed it from `problem` (before any rounding to a shorter
  /// format); nil for other formulations than `separable`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init?<Scalar: TensorScalar>(
    of prepared: borrowing ConvolutionOperator<Scalar>, result: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>
  ) {
    guard let map = prepared.map as? SeparableOperator<Scalar> else { return nil }
    precondition(result.shape == problem.geometry.resultShape, "another result's shape")
    let geometry = problem.geometry
    rank = map.factors.rank
    fullRank = map.factors.fullRank
    let image = Majorant.widened(problem.image)
    var filter = SeparableBound.truncated(map, problem)
    let kept = Majorant.convolution(image, filter, bias: Majorant.widened(problem.bias), geometry)

    // The bound, enlarged by the error of the sums `kept`: products, and the bias as one term more.
    var enlarged = SeparableBound(map, problem).evaluate(problem)
    let ownError = Majorant.growth(problem.terms + 1, 0x1p-53)
    let sums = Majorant.convolution(
      Majorant.magnitudes(problem.image), Majorant.magnitudes(filter), bias: Majorant.magnitudes(problem.bias),
      geometry)
    let room = enlarged.mutableValues
    var (largest, ratio) = (0.0, 0.0)
    for index in 0..<room.count {
      let bound = room[index] + ownError * sums.values[index] + Double(problem.terms) * .leastNonzeroMagnitude
      let error = (Double(result.values[index]) - kept.values[index]).magnitude
      largest = Self.larger(largest, error)
      ratio = Self.larger(ratio, error == 0 ? 0 : error / bound)
    }
    roundingMaxAbs = largest.isFinite ? largest : nil
    roundingMaxOverBound = largest.isFinite && ratio.isFinite ? ratio : nil

    if rank == fullRank {
      truncationMaxAbs = 0
      return
    }
    let difference = filter.mutableValues
    for index in 0..<difference.count { difference[index] -= Double(problem.filter.values[index]) }
    let lost = Majorant.convolution(image, filter, geometry)
    let truncation = lost.values.reduce(0) { Self.larger($0, $1.magnitude) }
    truncationMaxAbs = truncation.isFinite ? truncation : nil
  }

  /// The larger one, or what is no number.
  private static func larger(_ a: Double, _ b: Double) -> Double { a.isNaN || a > b ? a : b }
}
