import Convolution

/// How far an element may lie from the reference when it was computed in a claimed arithmetic:
/// `ofSum · Ŝ + ofValue · |y| + constant`, with `Ŝ` the sum of the products' magnitudes as the reference computed it.
///
/// **Inputs.** Rounded to a shorter format with unit roundoff `u`, each factor becomes `x(1 + δ₁)`, `|δ₁| ≤ u`, and each
/// product `xw(1 + δ)`, `|δ| ≤ u_x + u_w + u_x·u_w` (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
/// §3.4; Blanchard et al., SIAM J. Sci. Comput. 42, 2020, theorem 3.2, for mixed precision). `u_x` is 0 where all pixels are
/// numbers of the format already, `u_w` where all taps are; the bias counts as one product that is rounded once. So the
/// exact sum of rounded inputs errs by `δ·S`, and its magnitudes add up to `(1 + δ)S`.
///
/// **Sums.** `n` terms in any order err by `g·(1 + δ)S`. Rounded to nearest, `g` is `γ_n(u)`, and `n·u` where `nu > 1/2` (see
/// `ErrorBound`). Truncated, each operation errs by up to `2u`, `n·u` is no theorem, and `g = e^{2nu} − 1`; a tensor core that
/// aligns the products of a block and drops what lies below the last place of the largest errs by as much for each of them.
/// In all `[δ + (1 + δ)g]·S`.
///
/// **Underflow.** A product that underflows errs by half the smallest subnormal `η`; sums never do. Where the arithmetic
/// may flush, every product and sum can lose `2⁻¹²⁶`. An input below the smallest normal number `μ` of its format
/// errs by `ε = u·μ` absolutely, or by `μ` where it may be flushed: `ε_x·max|w| + ε_w·max|x| + ε_x·ε_w` a product. All of it
/// times `1 + g`.
///
/// **The result.** Each rounding of it (the claim's own to a short output, then the candidate's format where that is
/// shorter than what came before) takes an error `E` to `E + u_out(|y| + E) + η_out/2`.
///
/// **Overflow.** An input that rounds to infinity leaves no bound. A sum may become +∞ only where the sum of the positive
/// terms and the bound together reach the end of the format's range, −∞ where that of the negative ones does, NaN where both
/// do: there they refute nothing.
///
/// The reference's own error is included (`ErrorBound.init(ofReferenceIn:terms:)`), and everything is evaluated outwards.
struct ClaimBound {
  /// The factor of `Ŝ`.
  private(set) var ofSum: Double
  /// The factor of the reference's magnitude.
  private(set) var ofValue = 0.0
  /// What is added for underflow; infinite where there is no bound.
  private(set) var constant: Double
  /// The least magnitude of a partial sum that may become infinite.
  private let sumOverflow: Double
  /// The same of a result.
  private var resultOverflow = Double.infinity

  /// The bound of `claim`, which must be that of a dot product, on results in `candidate`.
  ///
  /// - Parameters:
  ///   - numbers: The problem's pixels, taps and bias; nil where there is no bias.
  ///   - precision: The type that the problem and its reference are in.
  ///   - terms: The most terms in a sum.
  init(
    _ claim: Claim, _ numbers: (image: InputNumbers, filter: InputNumbers, bias: InputNumbers?),
    in precision: DataType, terms: Int, candidate: DataType
  ) {
    guard let (inputs, sums) = claim.dotProduct else { preconditionFailure("no multiple of S") }
    let n = Double(terms)
    func factor(_ numbers: InputNumbers?) -> Double {
      guard let numbers, !numbers.are(inputs) else { return 0 }
      return inputs.unitRoundoff
    }
    func loss(_ numbers: InputNumbers?) -> Double {
      guard let numbers, numbers.least < inputs.leastNormal else { return 0 }
      // float16 keeps its subnormal numbers everywhere; the wider range of the others' is flushed on some hardware.
      if sums.isTruncated && inputs != .float16 { return inputs.leastNormal }
      return numbers.are(inputs) ? 0 : inputs.unitRoundoff * inputs.leastNormal
    }
    let (pixel, tap) = (factor(numbers.image), factor(numbers.filter))
    let delta = max(pixel + tap + pixel * tap, factor(numbers.bias)) * ErrorBound.outward
    let unit = sums.format.unitRoundoff
    let growth =
      sums.isTruncated
      ? Majorant.growth(terms, 2 * unit) : ErrorBound.gamma(n, unitRoundoff: unit) * ErrorBound.outward

    let reference = ErrorBound(ofReferenceIn: precision, terms: terms)
    ofSum =
      ((delta + (1 + delta) * growth) * (1 + 2 * n * 0x1p-53) + reference.relative) * ErrorBound.outward
    let (pixelLoss, tapLoss) = (loss(numbers.image), loss(numbers.filter))
    let (most, mostTap) = (numbers.image.largest, numbers.filter.largest)
    let lost =
      n * (pixelLoss * mostTap + tapLoss * most + pixelLoss * tapLoss) * (1 + delta) + loss(numbers.bias)
    // A whole η, not half of one: half of the smallest float64 is none.
    let flushed = sums.isTruncated ? 2 * n * 0x1p-126 : 0
    let underflow = n * sums.format.leastNonzeroMagnitude * (sums.format == .float64 ? 1 : 0.5)
    // What forming this very bound in float64 may lose, which matters to float64 problems only.
    let own = precision == .float64 ? (8 * n + 8) * Double.leastNonzeroMagnitude : 0
    constant =
      ((lost + flushed + underflow) * (1 + growth) + reference.absolute) * ErrorBound.outward + own
    let isBounded =
      max(most, mostTap, numbers.bias?.largest ?? 0) < inputs.overflow
    if !isBounded { constant = .infinity }
    sumOverflow = Self.overflow(of: sums.format)
    var format = sums.format
    for output in [claim.output, candidate].compactMap({ $0 }) where !output.holds(format) {
      round(to: output)
      format = output
    }
  }

  /// The end of a format's range: from here on a number rounds to infinity.
  static func overflow(of format: DataType) -> Double {
    switch format {
    case .float64: .greatestFiniteMagnitude
    case .float32: 0x1p128 * (1 - 0x1p-25)
    case .float16, .bfloat16: RoundingFormat(format).overflow
    }
  }

  private mutating func round(to format: DataType) {
    let unit = format.unitRoundoff
    ofSum = ofSum * (1 + unit) * ErrorBound.outward
    ofValue = (ofValue * (1 + unit) + unit) * ErrorBound.outward
    constant = (constant * (1 + unit) + format.leastNonzeroMagnitude) * ErrorBound.outward
    resultOverflow = min(resultOverflow, Self.overflow(of: format))
  }

  /// The bound at an element.
  @inline(__always)
  func at(_ value: Double, absolute: Double) -> Double {
    (ofSum * absolute + ofValue * value.magnitude) + constant
  }

  /// Whether an element may have become `y`, an infinity or NaN, by an overflow of a sum on the way to it or of the element itself.
  /// The sum of any of the terms lies between that of the negative ones, `−(S − y)/2`, and that of the positive ones,
  /// `(S + y)/2`; NaN is the sum of two infinities.
  func mayOverflow(to y: Double, _ value: Double, absolute: Double) -> Bool {
    let bound = at(value, absolute: absolute)
    func reaches(_ value: Double) -> Bool {
      (absolute / 2 + value / 2) + bound >= sumOverflow || value + bound >= resultOverflow
    }
    if y.isNaN { return reaches(value) && reaches(-value) }
    return reaches(y > 0 ? value : -value)
  }
}

extension DataType {
  /// Whether every number of `other` is one of this type.
  func holds(_ other: DataType) -> Bool {
    switch self {
    case .float64: true
    case .float32: other != .float64
    case .float16, .bfloat16: self == other
    }
  }
}
