/// The shortest decimal that reads back as a given number, and of those the one closest to it.
struct ShortestDecimal {
  /// The digits as an integer, trailing zeros possible.
  let digits: UInt64
  /// The power of ten of the last digit.
  let exponent: Int

  /// The shortest decimal of a finite, positive number with these fields.
  ///
  /// Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2020). With v = c · 2^q, the interval
  /// that rounds to v has a width of at least 2^q, and k = ⌊log10 of that width⌋: so it holds at least one multiple of
  /// 10^k and at most one of 10^(k+1). Whether a candidate lies inside is decided on 4v · 10^−k and
  /// its boundaries, computed with 10^−k to 128 (64) bits, rounded up, and rounded "to odd": to the next
  /// lower integer whose last bit is then set if anything was cut off. That keeps every comparison with an even
  /// number exact; the paper proves that the precision suffices.
  ///
  /// - Parameters:
  ///   - scaled: computes ⌊x · 10^power · 2^…⌋, rounded to odd, from x and the power.
  @inline(__always)
  init(
    fraction: UInt64, biasedExponent: Int, fractionBits: Int, bias: Int,
    scaled: (_ x: UInt64, _ power: Int) -> UInt64
  ) {
    // No operation here can overflow, and an operation that is checked for it can't be computed ahead of a decision: so
    // all of them wrap.
    let isSubnormal = biasedExponent == 0
    let c = isSubnormal ? fraction : fraction | 1 &<< UInt64(fractionBits)
    let q = (isSubnormal ? 1 : biasedExponent) &- bias &- fractionBits
    // An integer that fits the significand is its own shortest decimal, but for trailing zeros.
    if q <= 0, q > 0 &- fractionBits &- 1, c.trailingZeroBitCount >= 0 &- q {
      digits = c &>> UInt64(truncatingIfNeeded: 0 &- q)
      exponent = 0
      return
    }
    // Below a power of two the neighbour is half as far.
    let isLowerCloser = fraction == 0 && biasedExponent > 1
    // ⌊log10(2^q)⌋, or ⌊log10(3/4 · 2^q)⌋, with log10 2 ≈ 1262611 / 2^22.
    let k = (q &* 1_262_611 &- (isLowerCloser ? 524_031 : 0)) &>> 22
    // ⌊log2(10^−k)⌋ with log2 10 ≈ 1741647 / 2^19.
    let h = UInt64(truncatingIfNeeded: q &+ ((0 &- k &* 1_741_647) &>> 19) &+ 1)
    let lower = scaled((4 &* c &- (isLowerCloser ? 1 : 2)) &<< h, 0 &- k)
    let value = scaled((4 &* c) &<< h, 0 &- k)
    let upper = scaled((4 &* c &+ 2) &<< h, 0 &- k)
    // A boundary itself rounds to v when c is even.
    let isOdd = c & 1
    let (lowest, highest) = (lower &+ isOdd, upper &- isOdd)

    // Which candidate it is depends on the last digits, which no branch predictor can know: all are computed and one is
    // selected. A multiple of 10^(k+1) inside the interval is shorter by a digit, and there is at most one.
    let s = value &>> 2
    let tens = s / 10
    let isTensInside = lowest <= 40 &* tens
    let isNextTensInside = 40 &* tens &+ 40 <= highest
    let shorter = 10 &* tens &+ Self.one(isNextTensInside) &* 10
    let isShorter = (Self.one(isTensInside) ^ Self.one(isNextTensInside)) & Self.one(s >= 10)

    let isInside = lowest <= 4 &* s
    let isNextInside = 4 &* s &+ 4 <= highest
    // Both or neither: the closer one, ties to even. Since `value` is an integer, it is above the middle, or equal to it
    // with s odd, exactly where adding s's last bit takes it above.
    let isNextCloser = value &+ (s & 1) > 4 &* s &+ 2
    let isUp = isInside == isNextInside ? isNextCloser : isNextInside
    let full = s &+ Self.one(isUp)
    digits = full ^ ((full ^ shorter) & (0 &- isShorter))
    exponent = k
  }

  /// 1 for true: a condition to calculate with instead of to branch on.
  @inline(__always)
  private static func one(_ condition: Bool) -> UInt64 { condition ? 1 : 0 }

  /// The shortest decimal of a finite, positive float32.
  @inline(__always)
  init(_ value: Float, _ powers: PowersOfTen) {
    let bits = value.bitPattern
    self.init(
      fraction: UInt64(bits & 0x7F_FFFF), biasedExponent: Int(bits >> 23 & 0xFF), fractionBits: 23, bias: 127
    ) { x, power in
      // 5^27 is the last power that fits 64 bits; the others are rounded up.
      let factor = powers.high(power) &+ (UInt(bitPattern: power) <= 27 ? 0 : 1)
      let (high, low) = factor.multipliedFullWidth(by: x)
      // x has 32 bits: the product shifted by 32 is what is wanted.
      return high | (low &>> 32 > 1 ? 1 : 0)
    }
  }

  /// The shortest decimal of a finite, positive float64.
  @inline(__always)
  init(_ value: Double, _ powers: PowersOfTen) {
    let bits = value.bitPattern
    self.init(
      fraction: bits & 0xF_FFFF_FFFF_FFFF, biasedExponent: Int(bits >> 52 & 0x7FF), fractionBits: 52,
      bias: 1023
    ) { x, power in
      // 5^55 is the last power that fits 128 bits.
      let increment: UInt64 = UInt(bitPattern: power) <= 55 ? 0 : 1
      let (low, carry) = powers.low(power).addingReportingOverflow(increment)
      let high = powers.high(power) &+ (carry ? 1 : 0)
      let below = low.multipliedFullWidth(by: x).high
      let product = high.multipliedFullWidth(by: x)
      let (middle, overflow) = product.low.addingReportingOverflow(below)
      return (product.high &+ (overflow ? 1 : 0)) | (middle > 1 ? 1 : 0)
    }
  }
}
