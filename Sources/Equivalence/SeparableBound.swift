import Buffers
import Convolution

/// How far a separable result may lie from the exact value, element by element.
///
/// Let `F` be the filter, `p̂`, `q̂` the factors that are used, rounded as they are, and
///
///     P = Σ_r |p̂_r||q̂_r|ᵀ,   R = |F_r − Σ_r p̂_r q̂_rᵀ|,
///
/// `F_r` being `F` where all terms are kept, and else the sum of the terms kept before their factors were rounded.
///
/// **Relative errors.** `SeparableOperator` says in which order it computes: a sum along the rows gives each of its `kw` products at
/// most `kw` factors `1 + δ`, `|δ| ≤ u`; one down the columns `kh` more; and the addition of `T` such sums, the terms of all
/// channels that meet in an output, `T` more, one more with a bias. Nothing else is rounded, since what the factors have lost
/// stands in `R`. So
///
///     |ŷ − conv(x, F_r)| ≤ conv(|x|, γ·P + R) + u·|bias|,   γ = (1 + u)^m − 1,   m = kh + kw + T (+ 1).
///
/// This is the bound of the verdict too. Truncation is no rounding and no part of it: at lower rank a result is called
/// equivalent to the convolution with `F` only where the truncation hides within the rounding.
///
/// **Underflow.** Each product may err by another `η` (see `Majorant.underflow`): `kw·η` in a sum along a row, times
/// `Σ_u |p̂[u]|` and with `kh·η` more down the columns, for each term. The adjoint goes down the columns first: there
/// `kh·η·Σ_v |q̂[v]| + kw·η`.
///
/// **Evaluation.** The filter `γ·P + R` and its convolution with `|x|` are formed in float64 and rounded outwards; the
/// subtraction in `R` errs by at most `γ_{r+2}(2⁻⁵³)·(|F| + P)`, which is added to it.
struct SeparableBound: ~Copyable {
  /// `γ·P + R`, in the filter's shape.
  let filter: Tensor<Double>
  /// What underflow adds, for each channel of the result.
  private let underflow: [Double]
  private let geometry: ConvolutionGeometry

  init<Scalar: TensorScalar>(_ map: SeparableOperator<Scalar>, _ problem: borrowing ConvolutionProblem<Scalar>) {
    let geometry = problem.geometry
    let (channels, size) = (geometry.channels, geometry.filter)
    let unit = Majorant.underflow(Scalar.dataType)
    let planes = channels.imagePerGroup
    var terms = [Int](repeating: 0, count: geometry.resultChannels)
    var underflow = [Double](repeating: 0, count: geometry.resultChannels)
    var products = Tensor<Double>(shape: problem.filter.shape, repeating: 0)
    var residual = SeparableBound.truncated(map, problem)
    let (product, rest) = (products.mutableValues, residual.mutableValues)
    for plane in 0..<channels.output * planes {
      let start = plane * geometry.taps
      let (k, c) = plane.quotientAndRemainder(dividingBy: planes)
      let channel = geometry.isTransposed ? channels.firstImageChannel(of: k) + c : k
      let used = map.factors.starts[plane]..<map.factors.starts[plane + 1]
      terms[channel] += used.count
      let before = (start..<start + geometry.taps).map { rest[$0].magnitude }
      for term in used {
        let column = map.factors.factors.base + term * (size.height + size.width)
        let row = column + size.height
        for u in 0..<size.height {
          for v in 0..<size.width {
            let (p, q) = (Double(column[u]), Double(row[v]))
            product[start + u * size.width + v] += (p * q).magnitude
            rest[start + u * size.width + v] -= p * q
          }
        }
        let columnSum = (0..<size.height).reduce(0) { $0 + Double(column[$1]).magnitude }
        let rowSum = (0..<size.width).reduce(0) { $0 + Double(row[$1]).magnitude }
        underflow[channel] +=
          (geometry.isTransposed
            ? Double(size.height) * rowSum + Double(size.width)
            : Double(size.width) * columnSum + Double(size.height)) * unit
      }
      let lost = Majorant.growth(used.count + 2, 0x1p-53)
      for index in 0..<geometry.taps {
        let place = start + index
        rest[place] = rest[place].magnitude + lost * (before[index] + product[place])
      }
    }
    let roundings = size.height + size.width + (terms.max() ?? 0) + (problem.hasBias ? 1 : 0)
    let growth = Majorant.growth(roundings, Scalar.dataType.unitRoundoff)
    for plane in 0..<channels.output * planes {
      // Where float64 itself underflows: in the products of P and R, and in those below.
      let used = map.factors.starts[plane + 1] - map.factors.starts[plane]
      let least = Double(2 * used + 4) * Double.leastNonzeroMagnitude
      for place in plane * geometry.taps..<(plane + 1) * geometry.taps {
        rest[place] = (growth * product[place] + rest[place]) * Majorant.outward(used + 8) + least
      }
    }
    filter = residual
    let evaluation = Double(problem.terms + 2) * Double.leastNonzeroMagnitude
    self.underflow = underflow.map { (1 + growth) * $0 * Majorant.outward(8 + size.height + size.width) + evaluation }
    self.geometry = geometry
  }

  /// `F_r`, in the filter's shape.
  static func truncated<Scalar: TensorScalar>(
    _ map: SeparableOperator<Scalar>, _ problem: borrowing ConvolutionProblem<Scalar>
  ) -> Tensor<Double> {
    switch map.factors.truncatedFilter {
    case nil: return Majorant.widened(problem.filter)
    case .some(let kept):
      var filter = Tensor<Double>(shape: problem.filter.shape, repeating: 0)
      let target = filter.mutableValues
      for index in 0..<kept.count { target[index] = kept.base[index] }
      return filter
    }
  }

  /// The bounds, in the shape of the result.
  func evaluate<Scalar: TensorScalar>(_ problem: borrowing ConvolutionProblem<Scalar>) -> Tensor<Double> {
    var bounds = Majorant.convolution(Majorant.magnitudes(problem.image), filter, geometry)
    let unitRoundoff = Scalar.dataType.unitRoundoff
    let bias = problem.bias.values
    Majorant.scale(&bounds, geometry, by: Majorant.outward(problem.terms + 8)) { channel in
      (underflow[channel] + unitRoundoff * Double(bias[channel]).magnitude) * ErrorBound.outward
    }
    return bounds
  }
}
