public import Convolution

/// Rounds exact values to a format at the price of approximate ones: the cheap sum where every value within its error
/// rounds to the same number, the exact sum where two do not.
///
/// **The test** (Ziv, Fast evaluation of elementary mathematical functions with correctly rounded last bit, 1991).
/// Rounding is monotone. If `value + tail − error` and `value + tail + error`, both evaluated outwards, round to the same
/// number, the exact value between them does too; ties, the ends of binades, subnormal numbers, the sign of
/// zero and overflow need no case of their own.
public enum CorrectRounding {
  /// The number of `format` to which every number within `error` of `value + tail` rounds; nil where they round to
  /// different ones, or where something is not finite.
  @inline(__always)
  public static func certain(
    _ value: Double, tail: Double = 0, error: Double, format: DataType
  ) -> Double? {
    if format == .float64 {
      let (sum, rest) = twoSum(value, tail)
      let radius = radius(error, besides: rest)
      let low = sum + (rest - radius)
      let high = sum + (rest + radius)
      return low.bitPattern == high.bitPattern && sum.isFinite && error < .infinity ? low : nil
    }
    let radius = radius(error + tail.magnitude, besides: value)
    let low: Double
    let high: Double
    if format == .float32 {
      (low, high) = (Double(Float(value - radius)), Double(Float(value + radius)))
    } else {
      let numbers = RoundingFormat(format)
      (low, high) = (numbers.nearest(value - radius), numbers.nearest(value + radius))
    }
    return low.bitPattern == high.bitPattern && value.isFinite && error < .infinity ? low : nil
  }

  /// Eight elements of a float32 problem at once: whether the rounding of each to float32 is certain, the exact values
  /// lying within `radii` (from `SumError.radii`). `rounded` receives what they round to, which means nothing where it is not;
  /// nothing may be made of an answer whose `rounded` is not finite.
  @inline(__always)
  package static func areCertain(
    _ values: SIMD8<Double>, radii: SIMD8<Double>, rounded: inout SIMD8<Float>
  ) -> SIMDMask<SIMD8<Int32>> {
    let low = SIMD8<Float>(rounding: values - radii)
    rounded = SIMD8<Float>(rounding: values + radii)
    return unsafeBitCast(low, to: SIMD8<Int32>.self) .== unsafeBitCast(rounded, to: SIMD8<Int32>.self)
  }

  /// Eight float64 problems' elements at once.
  @inline(__always)
  package static func areCertain(
    _ values: SIMD8<Double>, tails: SIMD8<Double>, errors: SIMD8<Double>, rounded: inout SIMD8<Double>
  ) -> SIMDMask<SIMD8<Int64>> {
    let sums = values + tails
    let parts = sums - values
    let rests = (values - (sums - parts)) + (tails - parts)
    let radii = (errors * (1 + 0x1p-50) + rests.magnitudes * 0x1p-52)
      .replacing(with: 0, where: errors .== 0)
    let low = sums + (rests - radii)
    rounded = sums + (rests + radii)
    // Sums that are infinite or NaN reach infinity at one end at least, or compare unequal.
    return (unsafeBitCast(low, to: SIMD8<Int64>.self) .== unsafeBitCast(rounded, to: SIMD8<Int64>.self))
      .& ((rounded - rounded) .== 0)
  }

  /// `error`, enlarged by what the subtraction of it from a number, and its addition, may round; an exact sum stays so.
  @inline(__always)
  private static func radius(_ error: Double, besides value: Double) -> Double {
    error == 0 ? 0 : error * (1 + 0x1p-50) + value.magnitude * 0x1p-52
  }

  /// `a + b` as its rounded sum and the exact rest (Knuth).
  @inline(__always)
  private static func twoSum(_ a: Double, _ b: Double) -> (sum: Double, rest: Double) {
    let sum = a + b
    let part = sum - a
    return (sum, (a - (sum - part)) + (b - part))
  }
}
