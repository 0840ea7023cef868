import Buffers
import Convolution

/// Writes numbers as text: `37`, `0.1`, `1.5e-7`, `1e20`, `-0.0`.
///
/// Positional where the first digit's power of ten is from −5 to 15, with an exponent elsewhere.
enum DecimalText {
  /// The most bytes that `write` touches behind its target; more than the longest number has.
  static var room: Int { 40 }

  /// Writes the shortest decimal of `value`, or `null` where it is not finite, and returns its length.
  @inline(__always)
  static func write<Scalar: TensorScalar>(
    _ value: Scalar, to target: UnsafeMutablePointer<UInt8>, _ powers: PowersOfTen
  ) -> Int {
    guard value.isFinite else {
      store(0x6C6C_756E as UInt32, target)
      return 4
    }
    target.pointee = ASCII.minus
    let sign = value.sign == .minus ? 1 : 0
    let start = target + sign
    if value == 0 {
      store(0x302E_30 as UInt32, start)
      return sign == 0 ? 1 : 4
    }
    let magnitude = value.magnitude
    if Scalar.self == Float.self {
      let decimal = ShortestDecimal(unsafeBitCast(magnitude, to: Float.self), powers)
      return sign &+ writeNine(decimal, to: start, powers)
    }
    let decimal = ShortestDecimal(Double(magnitude), powers)
    return sign &+ writeSeventeen(decimal, to: start, powers)
  }

  /// Writes up to nine digits: the first alone, the other eight as one word.
  @inline(__always)
  private static func writeNine(
    _ decimal: ShortestDecimal, to target: UnsafeMutablePointer<UInt8>, _ powers: PowersOfTen
  ) -> Int {
    let count = digitCount(decimal.digits, powers)
    let digits = decimal.digits &* powers.integers[9 &- count]
    let first = digits / 100_000_000
    let rest = (digits &- first &* 100_000_000).eightDecimalDigits
    // The last digit is the highest byte, and a zero digit is still a zero byte.
    let significant = 9 &- rest.leadingZeroBitCount &>> 3
    return arrange(
      first, rest | 0x3030_3030_3030_3030, significant: significant,
      power: decimal.exponent &+ count &- 1, to: target)
  }

  /// Writes up to seventeen digits: the first alone, the other sixteen as one double word.
  @inline(__always)
  private static func writeSeventeen(
    _ decimal: ShortestDecimal, to target: UnsafeMutablePointer<UInt8>, _ powers: PowersOfTen
  ) -> Int {
    let count = digitCount(decimal.digits, powers)
    let digits = decimal.digits &* powers.integers[17 &- count]
    let first = digits / 10_000_000_000_000_000
    let rest = digits &- first &* 10_000_000_000_000_000
    let upper = rest / 100_000_000
    let (left, right) = (upper.eightDecimalDigits, (rest &- upper &* 100_000_000).eightDecimalDigits)
    let significant =
      right == 0 ? 9 &- left.leadingZeroBitCount &>> 3 : 17 &- right.leadingZeroBitCount &>> 3
    let text = UInt128(left | 0x3030_3030_3030_3030) | UInt128(right | 0x3030_3030_3030_3030) << 64
    return arrange(
      first, text, significant: significant, power: decimal.exponent &+ count &- 1, to: target)
  }

  /// Writes the digit `first`, whose power of ten is `power`, and the digits of `text` behind it, as many as make
  /// `significant` ones, with a point or an exponent where they belong.
  @inline(__always)
  private static func arrange<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ first: UInt64, _ text: Word, significant: Int, power: Int, to target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    let initial = ASCII.zero &+ UInt8(truncatingIfNeeded: first)
    if power < 0, power >= -5 {
      store(0x3030_3030_3030_2E30 as UInt64, target)
      let start = target + (1 &- power)
      start.pointee = initial
      store(text, start + 1)
      return 1 &- power &+ significant
    }
    target.pointee = initial
    if power >= 0, power <= 15 {
      let width = MemoryLayout<Word>.size
      if significant <= power &+ 1 {
        store(text, target + 1)
        store(0x3030_3030_3030_3030 as UInt64, target + (1 &+ width))
        return power &+ 1
      }
      // The point goes in behind `power` digits of the word; what follows moves up by one byte.
      let shift = Word(truncatingIfNeeded: 8 &* power)
      let before = text & ((1 &<< shift) &- 1)
      let behind = (text ^ before) &<< 8
      store(before | behind | Word(truncatingIfNeeded: ASCII.point) &<< shift, target + 1)
      target[1 &+ width] = UInt8(truncatingIfNeeded: text &>> Word(truncatingIfNeeded: 8 &* (width &- 1)))
      return significant &+ 1
    }
    target[1] = ASCII.point
    store(text, target + 2)
    let length = significant == 1 ? 1 : significant &+ 1
    return length &+ writeExponent(power, to: target + length)
  }

  private static func writeExponent(_ power: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    target[0] = ASCII.e
    target[1] = ASCII.minus
    var length = power < 0 ? 2 : 1
    let magnitude = UInt(abs(power))
    if magnitude >= 100 {
      target[length] = ASCII.zero + UInt8(magnitude / 100)
      length += 1
    }
    if magnitude >= 10 {
      target[length] = ASCII.zero + UInt8(magnitude / 10 % 10)
      length += 1
    }
    target[length] = ASCII.zero + UInt8(magnitude % 10)
    return length + 1
  }

  /// How many digits `value`, from 1 up, has: log10 2 ≈ 1233 / 2^12, corrected by one comparison.
  @inline(__always)
  private static func digitCount(_ value: UInt64, _ powers: PowersOfTen) -> Int {
    let estimate = ((64 &- value.leadingZeroBitCount) &* 1233) &>> 12
    return estimate &+ (value >= powers.integers[estimate] ? 1 : 0)
  }

  @inline(__always)
  private static func store<Word: FixedWidthInteger & BitwiseCopyable>(
    _ word: Word, _ target: UnsafeMutablePointer<UInt8>
  ) {
    UnsafeMutableRawPointer(target).storeBytes(of: word.littleEndian, as: Word.self)
  }
}
