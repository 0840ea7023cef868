import Convolution

/// How far a Winograd result may lie from the exact value, element by element.
///
/// **Relative errors.** `WinogradTransform` says in which order it computes. Written out, a result is a sum
/// of products `a·a′·g·g′·w·b·b′·x` of entries of `Aᵀ`, `G`, `Bᵀ`, a tap and a pixel, and each computed
/// result is the same sum with every product times some factors `1 + δ`, `|δ| ≤ u`. A sum of `n` terms formed
/// one after the other from zero, each a product with a matrix entry, gives each of its terms at most `n`
/// factors: one of the product and `n − 1` of the additions, the first being exact. With `n_G`, `n_B`, `n_A`
/// the most nonzeros in a row, the transforms give `2n_G`, `2n_B` and `2n_A` factors, one sum along each
/// axis; the sum over `C` channels of the group gives `C`. Entries of `G` are rounded (`ρ = 1` factor each;
/// `Aᵀ` and `Bᵀ` are exact, and `ρ` is 0 where `G` is), and the bias costs one addition. In all `k = 2(n_G +
/// ρ) + 2n_B + 2n_A + C (+ 1)`, and with `Ũ = |G||w||Gᵀ|`, `Ṽ = |Bᵀ||d||B|`
///
///     |ŷ − y| ≤ γ · |Aᵀ| [Σ_c Ũ_c ⊙ Ṽ_c] |A| + u·|bias|,   γ = (1 + u)^k − 1.
///
/// **Underflow.** Each product may err by another `η` (see `Majorant.underflow`); sums never underflow. With
/// `g`, `b`, `a` the largest row sums of `|G|`, `|Bᵀ|`, `|Aᵀ|`, an entry of `U` so errs by at most `e_U =
/// n_G(g + 1)η`, of `V` by `e_V = n_B(b + 1)η`, of `M` by `Cη` beside what it inherits, and of the result by
/// `n_A(a + 1)η`, each times `1 + γ` for the roundings that follow. Since `|ÛV̂ − UV| ≤ (1 + γ)(Ũ + e_U)(Ṽ +
/// e_V) − ŨṼ`, it is enough to enlarge `Ũ` by `(1 + γ)e_U/γ` and `Ṽ` by `(1 + γ)e_V/γ` in the formula above,
/// and to add `(1 + γ)(C·a² + n_A(a + 1))η`.
///
/// **Evaluation.** By the same operator on magnitudes in float64, which itself rounds `k` times and may
/// underflow in the same places: hence the enlargements and the constant are taken twice, and the result
/// outwards.
///
/// An intermediate result that overflows never becomes finite again, so that the bound, which knows no
/// overflow, holds wherever the result is finite.
enum WinogradBound {
  /// The bounds, in the shape of the result.
  static func evaluate<Scalar: TensorScalar>(
    _ map: WinogradOperator<Scalar>, _ problem: borrowing ConvolutionProblem<Scalar>
  ) -> Tensor<Double> {
    let matrices = WinogradMatrices(outputs: map.tile.outputs, taps: map.tile.taps)
    return evaluate(
      map.tile, matrices, in: map.geometry, problem, underflow: Majorant.underflow(Scalar.dataType)
    ) { $0.isDyadic }
  }

  /// The bounds for results of somebody else's Winograd with one of `tiles`, which begin at the first output.
  ///
  /// The formula does not change when a row of `G`, `Bᵀ` or a column of `Aᵀ` is scaled and another one by the reciprocal, which
  /// is all that implementations with the same points differ in, but for `ρ`: here every matrix may be rounded. The points
  /// are unknown; the bound of an element is the largest over all tiles and `WinogradMatrices.usual`. Subnormal numbers may be
  /// flushed to zero.
  static func evaluateForeign<Scalar: TensorScalar>(
    _ tiles: [WinogradTile], _ problem: borrowing ConvolutionProblem<Scalar>
  ) -> Tensor<Double> {
    let geometry = problem.geometry
    let inner = geometry.paddingMode == .zeros ? geometry : geometry.padded
    let smallest = 2 * Double(Scalar.leastNormalMagnitude)
    var bounds = Tensor<Double>(shape: geometry.resultShape, repeating: 0)
    for tile in tiles {
      for matrices in WinogradMatrices.usual(outputs: tile.outputs, taps: tile.taps) {
        let found = evaluate(tile, matrices, in: inner, problem, underflow: smallest) { _ in false }
        let (target, values) = (bounds.mutableValues, found.values)
        for index in 0..<values.count { target[index] = max(target[index], values[index]) }
      }
    }
    return bounds
  }

  private static func evaluate<Scalar: TensorScalar>(
    _ tile: WinogradTile, _ matrices: WinogradMatrices, in inner: ConvolutionGeometry,
    _ problem: borrowing ConvolutionProblem<Scalar>, underflow smallest: Double,
    isExact: (RationalMatrix) -> Bool
  ) -> Tensor<Double> {
    let geometry = problem.geometry
    let channels =
      geometry.isTransposed ? geometry.channels.outputPerGroup : geometry.channels.imagePerGroup
    let roundings =
      roundings(matrices, channels: channels, isExact: isExact) + (problem.hasBias ? 1 : 0)
    let unitRoundoff = Scalar.dataType.unitRoundoff
    let growth = Majorant.growth(roundings, unitRoundoff)
    let underflow = 2 * smallest
    // (1 + γ)/γ is above 1: what is enlarged twice covers the evaluation's own underflow as well.
    let enlargement = (1 + growth) / growth * underflow

    let image = Majorant.magnitudes(problem.image)
    let filter = Majorant.magnitudes(problem.filter)
    let magnitudes = WinogradOperator<Double>(
      geometry: inner, magnitudes: filter.values.baseAddress.unsafelyUnwrapped, tile: tile,
      matrices: matrices,
      offsets: (enlargement * inherited(matrices.filter), enlargement * inherited(matrices.data)))
    let majorant = ConvolutionOperator<Double>(
      .winograd, .sparse, geometry, magnitudes, bias: UnsafeBufferPointer(start: nil, count: 0))
    var bounds = Tensor<Double>(shape: geometry.resultShape, repeating: 0)
    majorant.apply(to: image, into: &bounds)

    let enlarged = matrices.output.largestRowSum
    let constant =
      ((1 + growth) * (Double(channels) * enlarged * enlarged + inherited(matrices.output)) + 1) * underflow
    let bias = problem.bias.values
    Majorant.scale(&bounds, geometry, by: growth * Majorant.outward(roundings + 8)) { channel in
      (constant + unitRoundoff * Double(bias[channel]).magnitude) * ErrorBound.outward
    }
    return bounds
  }

  /// The most roundings that a product passes through, `k`, without a bias.
  static func roundings(
    _ matrices: WinogradMatrices, channels: Int, isExact: (RationalMatrix) -> Bool = { $0.isDyadic }
  ) -> Int {
    let rounded = [matrices.filter, matrices.data, matrices.output]
    return rounded.reduce(channels) { $0 + 2 * ($1.longestRow + (isExact($1) ? 0 : 1)) }
  }

  /// The underflow of two sums, one along each axis, the first enlarged by the second: `n(s + 1)`.
  private static func inherited(_ matrix: RationalMatrix) -> Double {
    Double(matrix.longestRow) * (matrix.largestRowSum + 1)
  }
}
