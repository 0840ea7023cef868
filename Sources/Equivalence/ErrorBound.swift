import Convolution

/// How far a computed element may lie from the reference: `relative · S + absolute`, with `S = Σ|xᵢ·wᵢ|` as the
/// reference computed it.
///
/// **The arithmetic.** A sum of `n` products in any order (a bias is one more term, of `S` too), each operation rounded to nearest with unit roundoff
/// `u`, with or without fused multiply-add, errs by at most `γ_n·S`, `γ_n = nu/(1 − nu)` (Higham, Accuracy and
/// Stability of Numerical Algorithms, 2nd ed., §3.1). `n·u·S` holds as well, without restriction on `n`
/// (Jeannerod and Rump, SIAM J. Matrix Anal. Appl. 34, 2013); it stands in where `nu > 1/2`. Terms that are zero
/// add nothing: the dense formulations have the same `n`. A product that underflows errs by at most half the
/// smallest subnormal `η` instead, `n·η/2` in all, carried on by a factor `1 + γ_n` at most; sums never underflow.
///
/// **The reference's own error.** With `v = 2⁻⁵³`: for float32 all products are exact in float64 (48 ≤ 53 bits, and
/// every exponent fits), so its float64 sum errs by at most `γ_{n−1}(v)·S`. For float64 it is `hi + lo`, from a doubled sum or
/// from the kernels. In a doubled sum `lo` collects the errors of all sums and products, whose magnitudes add up to at most
/// `2γ_{n+1}(v)·S`, and errs by at most `γ_{n+1}(v)` of that (Ogita, Rump and Oishi, SIAM J. Sci. Comput. 26, 2005,
/// Dot2), and each product by `5η` more where it underflows (ibid.); forming `(ŷ − hi) − lo` adds as little again. The
/// kernels' error is below `(2.01n² + 8n)·v²·S` (`Bodies/Reference.h`), and as `hi` is `hi + lo` rounded, forming `(ŷ − hi) − lo` of a
/// result within `γ_n(v)·S` adds `2(n + 1)·v²·S`, or where it lies further off no more than v of the distance, which no verdict
/// turns on. `4γ_{n+1}(v)²` covers either.
///
/// **Outward rounding.** The computed `Ŝ` lies below `S` by a factor of at least `1 − γ_n(v)`, so `Ŝ·(1 + 2nv) ≥ S`; that of the kernels
/// for float32 does not lie below `S` at all, nor below what float64 would make of it.
/// The few float64 operations on constants and on each element err by `2⁻⁵³` each; the factor `1 + 2⁻⁴⁸` covers 32.
struct ErrorBound: Hashable, Sendable {
  /// The factor of `Ŝ`.
  let relative: Double
  /// What is added for underflow.
  let absolute: Double

  /// Covers the roundings made in evaluating a bound and in comparing with it.
  static var outward: Double { 1 + 0x1p-48 }

  /// The bound for results computed in `dataType` throughout, in any order, from sums of `terms` products.
  init(dataType: DataType, terms: Int) {
    let n = Double(terms)
    let gamma = Self.gamma(n, unitRoundoff: dataType.unitRoundoff)
    relative = (gamma + Self.referenceError(dataType, n)) * (1 + 2 * n * 0x1p-53) * Self.outward
    absolute = Self.underflow(dataType, n, gamma)
  }

  /// The bound on the reference's own error alone.
  init(ofReferenceIn dataType: DataType, terms: Int) {
    let n = Double(terms)
    relative = Self.referenceError(dataType, n) * (1 + 2 * n * 0x1p-53) * Self.outward
    absolute = dataType.precision == .single ? 0 : (6 * n + 4) * Double.leastNonzeroMagnitude
  }

  /// The bound for results whose sums were formed in float64 and rounded once to `format`: `γ_n(2⁻⁵³)·S`, carried through
  /// the rounding of what lies around `magnitude`.
  static func roundedOnce(
    to format: DataType, terms: Int, absoluteSum: Double, magnitude: Double
  ) -> Double {
    let n = Double(terms)
    let sum = 2 * gamma(n, unitRoundoff: 0x1p-53) * (1 + 2 * n * 0x1p-53) * absoluteSum
    return rounded(to: format, sum, magnitude: magnitude)
  }

  /// How far a number may lie from the exact value, around `magnitude`, after it was rounded to `format`, having lain
  /// `error` from it before: `error + u·(magnitude + error)`, and half the smallest subnormal.
  static func rounded(to format: DataType, _ error: Double, magnitude: Double) -> Double {
    (error + format.unitRoundoff * (magnitude + error) + format.leastNonzeroMagnitude / 2) * outward
  }

  /// The bound at an element whose products' magnitudes add up to `absoluteSum`.
  func at(_ absoluteSum: Double) -> Double { relative * absoluteSum + absolute }

  /// `γ_n`, or `n·u` where that is all that holds.
  static func gamma(_ n: Double, unitRoundoff u: Double) -> Double {
    let nu = n * u
    return nu > 0.5 ? nu : nu / (1 - nu)
  }

  private static func referenceError(_ dataType: DataType, _ n: Double) -> Double {
    let gamma = gamma(n + 1, unitRoundoff: 0x1p-53)
    return dataType == .float32 ? gamma : 4 * gamma * gamma
  }

  private static func underflow(_ dataType: DataType, _ n: Double, _ gamma: Double) -> Double {
    switch dataType.precision {
    case .single: n * 0x1p-150 * (1 + gamma) * outward
    // In units of η: n/2·(1 + γ) of the result, 5n of the reference, n/2 of Ŝ times a factor below 1, and one
    // for the product relative · Ŝ: together below 7n + 4, an integer and therefore exact.
    case .double: (7 * n + 4) * Double.leastNonzeroMagnitude
    }
  }
}
