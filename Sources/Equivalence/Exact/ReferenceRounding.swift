import Convolution

/// Rounds the exact values of a problem's elements correctly: from the reference where its error leaves no doubt,
/// otherwise from the exact sum of all terms.
struct ReferenceRounding<Scalar: TensorScalar> {
  /// The most terms that are summed exactly for one result. An exact term takes some forty times as long as that of the
  /// reference, and numbers can be made up that need it at every element; real ones need it at one of a hundred thousand.
  static var mostTerms: Int { 1 << 28 }

  private let summands: Summands<Scalar>
  private let format: DataType
  private let terms: Int
  /// How far the reference of an element may lie from its exact value.
  private(set) var sumError: SumError
  /// Whether it says already which sums are exact.
  private var knowsExactSums = false
  /// Where the factors of every element are; found when the first one is asked for.
  private var contraction: Contraction?
  private var termsLeft: Int
  /// Elements whose exact sum had to be formed to round it.
  private(set) var exactCount = 0
  /// Elements whose rounding is that of the reference, in doubt, as all terms that may be summed exactly were.
  private(set) var doubtfulCount = 0

  /// - Parameters:
  ///   - terms: The most terms of an element.
  ///   - format: What is rounded to.
  ///   - mostTerms: The most terms that are summed exactly.
  @inline(__always)
  init(_ summands: Summands<Scalar>, terms: Int, to format: DataType, mostTerms: Int = Self.mostTerms) {
    self.summands = summands
    self.format = format
    self.terms = terms
    termsLeft = mostTerms
    sumError = SumError(precision: Scalar.precision, terms: terms)
  }

  /// The exact value of the element at `index`, whose factors are finite, correctly rounded.
  @inline(__always)
  mutating func rounded(_ index: Int, value: Double, tail: Double, absolute: Double) -> Double {
    CorrectRounding.certain(value, tail: tail, error: sumError.at(absolute), format: format)
      ?? roundedExactly(index, value: value, tail: tail, absolute: absolute)
  }

  /// Whether all factors of the element at `index` are finite.
  mutating func isFinite(at index: Int) -> Bool { summands.isFinite(at: index, pairs()) }

  @inline(never)
  private mutating func roundedExactly(
    _ index: Int, value: Double, tail: Double, absolute: Double
  ) -> Double {
    if !knowsExactSums {
      // To look for the least place of all numbers takes longer than the first few exact sums, and saves all others.
      knowsExactSums = true
      sumError = SumError(precision: Scalar.precision, terms: terms, leastPlace: summands.leastPlace())
      return rounded(index, value: value, tail: tail, absolute: absolute)
    }
    if termsLeft < terms {
      doubtfulCount += 1
      return RoundingFormat(format).nearest(value + tail)
    }
    termsLeft -= terms
    exactCount += 1
    return summands.rounded(at: index, pairs(), to: format)
  }

  private mutating func pairs() -> Contraction {
    let found = contraction ?? summands.contraction()
    contraction = found
    return found
  }
}
