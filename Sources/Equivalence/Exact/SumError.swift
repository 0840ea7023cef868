public import Convolution

/// How far the cheap sum of an element, `value + tail`, may lie from the exact one: `relative · Ŝ + absolute`, `Ŝ` being the
/// sum of the products' magnitudes as float64 computed it or an upper bound of that, and nothing at all below `exactBelow`.
///
/// With `v = 2⁻⁵³`. **float32 problems:** products are exact in float64, and `n` of them are added in `n − 1` additions:
/// `γ_{n−1}(v)·S`. **float64 problems:** the doubled sum of Ogita, Rump and Oishi (Accurate sum and dot product, 2005,
/// Dot2) errs by at most `2γ_{n+1}(v)²·S`, and by `5η` for each product that underflows; `4γ_{n+1}(v)²` leaves room for a
/// bias that came first. It covers the sums of the kernels too, `(2.01n² + 8n)·v²·S` (`Bodies/Reference.h`). `Ŝ·(1 + 2nv) ≥ S` in both, and `1 + 2⁻⁴⁸` covers the evaluation.
///
/// **Exact sums.** Where all pixels are multiples of `2^i` and all taps of `2^j`, all products and their partial sums are
/// multiples of `2^{i+j}`; as long as `Ŝ < 2^{53+i+j}` they are float64 numbers, and nothing was rounded. Images of
/// 8 or 16 bits and filters of small integers or quarters, whose sums often cancel to zero, fall under this.
public struct SumError: Hashable, Sendable {
  /// The factor of `Ŝ`.
  public let relative: Double
  /// What is added for underflow.
  public let absolute: Double
  /// The sums of magnitudes below which the sum is exact.
  public let exactBelow: Double

  /// The error of sums of `terms` terms of a problem computed in `precision`.
  ///
  /// - Parameter leastPlace: the exponent of the power of two of which all products (and the bias) are multiples, where it
  ///   is known; from `leastPlace(of:)`.
  public init(precision: Precision, terms: Int, leastPlace: Int? = nil) {
    let n = Double(terms)
    let outward = (1 + 2 * n * 0x1p-53) * (1 + 0x1p-48)
    switch precision {
    case .single:
      relative = Self.gamma(n - 1) * outward
      absolute = 0
    case .double:
      relative = 4 * Self.gamma(n + 1) * Self.gamma(n + 1) * outward
      absolute = (6 * n + 4) * Double.leastNonzeroMagnitude
    }
    // At the ends of float64's range products may underflow, or the power not be a number.
    if let leastPlace, (-1074...970).contains(leastPlace) {
      exactBelow = Double(sign: .plus, exponent: leastPlace + 53, significand: 1)
    } else {
      exactBelow = 0
    }
  }

  private static func gamma(_ n: Double) -> Double {
    let nu = n * 0x1p-53
    return nu > 0.5 ? nu : nu / (1 - nu)
  }

  /// The bound at an element whose products' magnitudes add up to `absoluteSum`.
  @inline(__always)
  public func at(_ absoluteSum: Double) -> Double {
    absoluteSum < exactBelow ? 0 : relative * absoluteSum + absolute
  }

  /// The factor of `Ŝ` for a float32 problem, enlarged by what the subtraction of the bound from an element's sum, and its
  /// addition, may round: by `2⁻⁵³` of the sum and of the bound. Sums are at most `Ŝ`, as rounding is monotone.
  var radius: Double { relative * (1 + 0x1p-50) + 0x1p-52 * (1 + 0x1p-40) }

  /// The bounds at eight elements of a float32 problem, enlarged so.
  @inline(__always)
  package func radii(_ absoluteSums: SIMD8<Double>) -> SIMD8<Double> {
    (radius * absoluteSums).replacing(with: 0, where: absoluteSums .< exactBelow)
  }

  /// The exponent of the largest power of two of which all values are multiples; nil where one is not finite. Zeros are
  /// multiples of all: of nothing else, the answer is that of a very large power.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public static func leastPlace<Scalar: TensorScalar>(of values: UnsafeBufferPointer<Scalar>) -> Int? {
    var least = 2048
    for value in values where value != 0 {
      if !value.isFinite { return nil }
      let x = Double(value)
      // float32's subnormal numbers are normal here; float64's own stand at the end of what is of use.
      let place = x.isNormal ? Int(x.exponent) - x.significandWidth : -1074
      least = min(least, place)
    }
    return least
  }
}
