import Convolution
import Glibc

/// Decimal to binary, always correctly rounded (to nearest, ties to even).
///
/// The decimal is w · 10^q with a 64-bit w; numbers of more than 19 digits pass through
/// `nearest(_:of:as:powers:)`.
enum DecimalToBinary {
  /// ±w · 10^q, rounded once to `Scalar`; infinite where it overflows, zero where it underflows.
  ///
  /// Clinger's fast path: a w below 2^53 and 10^−q up to 10^22 are exact in float64, so that their quotient d is
  /// the correctly rounded float64.
  ///
  /// A float32 is rounded from d a second time. Why that is right unless d is itself a tie: let x be the exact
  /// value and m any midpoint of neighbouring float32s. m has 25 significant bits and so is a float64;
  /// rounding to float64 is monotonic and keeps m, hence x < m gives d ≤ m and x > m gives d ≥ m. Where no
  /// midpoint equals d, d therefore lies on the same side of every midpoint as x, and rounds to the same
  /// float32. d is a midpoint exactly where the 29 bits that float32 drops are 1000…0 (for normal
  /// float32s; here w ≥ 1 and q ≥ −22, so that d ≥ 10^−22 is far from subnormal, and d < 2^53 far from
  /// overflow). Those ties go the careful way, through Eisel–Lemire straight to float32.
  @inline(__always)
  static func scalar<Scalar: TensorScalar>(
    _ w: UInt64, _ q: Int, isNegative: Bool, as: Scalar.Type, powers: PowersOfTen
  ) -> Scalar {
    if w < 1 << 53, UInt(bitPattern: -q) <= 22 {
      let d = Double(Int64(bitPattern: w)) / powers.exactDoubles[-q]
      if Scalar.self == Double.self { return unsafeBitCast(isNegative ? -d : d, to: Scalar.self) }
      if d.bitPattern & 0x1FFF_FFFF != 0x1000_0000 {
        let rounded = Float(d)
        return unsafeBitCast(isNegative ? -rounded : rounded, to: Scalar.self)
      }
    }
    if Scalar.self == Double.self {
      let bits = float64Bits(w, q, powers) | (isNegative ? 1 << 63 : 0)
      return unsafeBitCast(Double(bitPattern: bits), to: Scalar.self)
    }
    let bits = float32Bits(w, q, powers) | (isNegative ? 1 << 31 : 0)
    return unsafeBitCast(Float(bitPattern: bits), to: Scalar.self)
  }

  /// The `Scalar` nearest to a scanned number of any length.
  static func nearest<Scalar: TensorScalar>(
    _ number: ScannedNumber, of scanner: JSONScanner, as type: Scalar.Type, powers: PowersOfTen
  ) -> Scalar {
    let w = number.significand
    let (q, sign) = (number.exponent, number.isNegative)
    let nearest = scalar(w, q, isNegative: sign, as: type, powers: powers)
    if !number.isTruncated { return nearest }
    // The value lies between w and w + 1 (in units of 10^q); rounding is monotonic.
    if nearest == scalar(w + 1, q, isNegative: sign, as: type, powers: powers) { return nearest }
    return bySystem(number, of: scanner, as: type)
  }

  /// Lets the C library decide, on a copy of bounded length without a point, so that no locale matters.
  ///
  /// A midpoint of neighbouring float64s has at most 767 significant digits: of anything longer it only
  /// matters whether a digit other than zero follows, and a final 1 says so.
  private static func bySystem<Scalar: TensorScalar>(
    _ number: ScannedNumber, of scanner: JSONScanner, as type: Scalar.Type
  ) -> Scalar {
    let significantDigits = 780
    var text: [CChar] = []
    text.reserveCapacity(significantDigits + 32)
    if number.isNegative { text.append(CChar(ASCII.minus)) }
    var (kept, scale, isBehindPoint, isSticky) = (0, 0, false, false)
    for offset in number.digits {
      let byte = scanner.base[offset]
      if byte == ASCII.point {
        isBehindPoint = true
        continue
      }
      if kept < significantDigits {
        if isBehindPoint { scale -= 1 }
        if kept == 0 && byte == ASCII.zero { continue }
        text.append(CChar(byte))
        kept += 1
      } else {
        if !isBehindPoint { scale += 1 }
        isSticky = isSticky || byte != ASCII.zero
      }
    }
    if isSticky {
      text.append(CChar(ASCII.zero) + 1)
      scale -= 1
    }
    // Far outside every range, yet within what the C library reads as an exponent.
    let exponent = max(-100_000, min(100_000, scale + number.writtenExponent))
    text.append(CChar(ASCII.e))
    for byte in String(exponent).utf8 { text.append(CChar(byte)) }
    text.append(0)
    if Scalar.self == Double.self { return unsafeBitCast(strtod(text, nil), to: Scalar.self) }
    return unsafeBitCast(strtof(text, nil), to: Scalar.self)
  }

  /// The bits of the float64 nearest to w · 10^q.
  static func float64Bits(_ w: UInt64, _ q: Int, _ powers: PowersOfTen) -> UInt64 {
    eiselLemire(w, q, fractionBits: 52, bias: 1023, tieExponents: -4...23, powers)
  }

  /// The bits of the float32 nearest to w · 10^q.
  static func float32Bits(_ w: UInt64, _ q: Int, _ powers: PowersOfTen) -> UInt32 {
    UInt32(eiselLemire(w, q, fractionBits: 23, bias: 127, tieExponents: -17...10, powers))
  }

  /// The Eisel–Lemire algorithm: w · 10^q from the first 128 bits of w · 5^q.
  ///
  /// Source: D. Lemire, "Number Parsing at a Gigabyte per Second" (2021); that it decides every w and q
  /// without help is proven in N. Mushtaq and D. Lemire, "Fast Number Parsing Without Fallback" (2023).
  ///
  /// - Parameter tieExponents: the q for which w · 10^q can lie exactly between two numbers of the format:
  ///   5^q must divide into, or be divided out of, a w of 64 bits (section 6 of the first paper).
  @inline(__always)
  private static func eiselLemire(
    _ w: UInt64, _ q: Int, fractionBits: Int, bias: Int, tieExponents: ClosedRange<Int>,
    _ powers: PowersOfTen
  ) -> UInt64 {
    let infinity = UInt64(2 * bias + 1) << UInt64(fractionBits)
    // 2^64 · 10^−343 is below half the smallest float64; 10^309 is above the largest.
    if w == 0 || q < -342 { return 0 }
    if q > 308 { return infinity }
    let leadingZeros = w.leadingZeroBitCount
    let normalized = w &<< UInt64(leadingZeros)

    // Where w can be divisible by 5^−q, the paper rounds the reciprocal up, so that an exact quotient shows.
    let isRoundedUp = q < 0 && q >= -27
    let (roundedLow, carriesOver) = powers.low(q).addingReportingOverflow(isRoundedUp ? 1 : 0)
    let five = powers.high(q) &+ (carriesOver ? 1 : 0)
    var (high, low) = normalized.multipliedFullWidth(by: five)
    let undecided = UInt64.max >> UInt64(fractionBits + 3)
    if high & undecided == undecided {
      let (sum, carry) = low.addingReportingOverflow(normalized.multipliedFullWidth(by: roundedLow).high)
      low = sum
      if carry { high &+= 1 }
    }

    let upperBit = Int(high >> 63)
    let shift = UInt64(upperBit + 64 - fractionBits - 3)
    // One bit more than the significand has: the rounding bit.
    var significand = high &>> shift
    // ⌊log2(10^q)⌋ + 63, from the slope 217706 / 2^16.
    let binaryExponent = (217706 * q) >> 16 + 63
    var exponent = binaryExponent + upperBit - leadingZeros + bias
    if exponent <= 0 {
      let deficit = 1 - exponent
      if deficit >= 64 { return 0 }
      // No tie to even here: a subnormal needs a q far below `tieExponents`.
      significand >>= UInt64(deficit)
      significand = (significand + (significand & 1)) >> 1
      // A carry into the implicit bit makes the exponent field 1 by itself.
      return significand
    }
    if low <= 1, tieExponents.contains(q), significand & 3 == 1, significand &<< shift == high {
      significand &= ~1
    }
    significand = (significand + (significand & 1)) >> 1
    if significand >> UInt64(fractionBits + 1) != 0 {
      significand >>= 1
      exponent += 1
    }
    if exponent >= 2 * bias + 1 { return infinity }
    return significand & (1 << UInt64(fractionBits) - 1) | UInt64(exponent) << UInt64(fractionBits)
  }
}
