/// What is allowed to a variant's elements, which have other sums than the correct ones: `2(α·S + β·|y|)` with α and β fitted
/// to what is allowed to the correct elements. A dot product's bound is all α, the rounding to a short format all β; the
/// factor 2 covers bounds that follow other measures, and the rounding of the variant's own evaluation.
struct Tolerance {
  private var perSum = 0.0
  private var perValue = 0.0

  /// The bound of an arithmetic that is assumed: what it says, without a factor.
  init(_ bound: AssumedArithmetic.Bound) {
    perSum = bound.ofSum / 2
    perValue = bound.ofValue / 2
  }

  /// Fits the bounds of correct elements, by least squares relative to each bound.
  init(_ elements: [(allowed: Double, absolute: Double, value: Double)]) {
    var (ss, sv, vv, s1, v1) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for element in elements where element.allowed > 0 {
      let (s, v) = (element.absolute / element.allowed, element.value.magnitude / element.allowed)
      if !s.isFinite || !v.isFinite || s > 0x1p200 { continue }
      ss += s * s
      sv += s * v
      vv += v * v
      s1 += s
      v1 += v
    }
    let determinant = ss * vv - sv * sv
    if determinant > 1e-9 * ss * vv {
      perSum = (s1 * vv - v1 * sv) / determinant
      perValue = (v1 * ss - s1 * sv) / determinant
    }
    if !(perSum >= 0 && perValue >= 0) || determinant <= 1e-9 * ss * vv {
      // One of them alone, whichever explains more.
      let (bySum, byValue) = (ss > 0 ? s1 * s1 / ss : 0, vv > 0 ? v1 * v1 / vv : 0)
      perSum = bySum >= byValue && ss > 0 ? s1 / ss : 0
      perValue = bySum < byValue && vv > 0 ? v1 / vv : 0
    }
  }

  /// What is allowed to an element with this value and this sum of its terms' magnitudes.
  func at(_ value: Double, absolute: Double) -> Double {
    2 * (perSum * absolute + perValue * value.magnitude)
  }
}
