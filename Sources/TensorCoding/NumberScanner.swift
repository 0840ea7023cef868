/// A number as it stands in the text: ±significand · 10^exponent, cut off behind 19 digits.
struct ScannedNumber {
  var isNegative = false
  /// The first 19 significant digits.
  var significand: UInt64 = 0
  /// The power of ten of the last digit in `significand`.
  var exponent = 0
  /// Whether a digit other than zero follows those in `significand`.
  var isTruncated = false
  /// Whether there is neither a point nor an exponent.
  var isInteger = true
  /// The exponent behind the e, 0 where there is none.
  var writtenExponent = 0
  /// The digits before and behind the point, and the point.
  var digits = 0..<0
  /// The offset behind the number.
  var end = 0
}

extension JSONScanner {
  /// The number that starts at `offset`, by the grammar of RFC 8259, section 6; of any length, in linear time.
  func number(at offset: Int) throws(JSONError) -> ScannedNumber {
    var number = ScannedNumber()
    var at = offset
    if has(ASCII.minus, at: at) {
      number.isNegative = true
      at += 1
    }
    let start = at
    try requireDigit(at: at)
    if base[at] == ASCII.zero {
      at += 1
      if at < count, ASCII.digit(base[at]) <= 9 {
        throw malformed("a number has no leading zeros", at: at)
      }
    } else {
      at = accumulate(into: &number, from: at, isBehindPoint: false)
    }
    if has(ASCII.point, at: at) {
      number.isInteger = false
      try requireDigit(at: at + 1)
      at = accumulate(into: &number, from: at + 1, isBehindPoint: true)
    }
    number.digits = start..<at
    if at < count, base[at] | 0x20 == ASCII.e {
      number.isInteger = false
      at += 1
      var isNegative = false
      if at < count, base[at] == ASCII.plus || base[at] == ASCII.minus {
        isNegative = base[at] == ASCII.minus
        at += 1
      }
      try requireDigit(at: at)
      while at < count, ASCII.digit(base[at]) <= 9 {
        // Saturates far above any count of digits, so that no number of leading zeros can call it back.
        if number.writtenExponent < 1 << 52 {
          number.writtenExponent = number.writtenExponent * 10 + Int(ASCII.digit(base[at]))
        }
        at += 1
      }
      if isNegative { number.writtenExponent = -number.writtenExponent }
      number.exponent += number.writtenExponent
    }
    number.end = at
    return number
  }

  private func requireDigit(at offset: Int) throws(JSONError) {
    guard offset < count else { throw malformed("the document ends inside a number", at: offset) }
    guard ASCII.digit(base[offset]) <= 9 else { throw malformed("a digit is expected", at: offset) }
  }

  /// Takes up a run of digits and returns the offset behind it.
  private func accumulate(into number: inout ScannedNumber, from offset: Int, isBehindPoint: Bool) -> Int {
    var at = offset
    while at < count {
      let digit = ASCII.digit(base[at])
      if digit > 9 { break }
      at += 1
      // Below 10^18 another digit surely fits; zeros in front of the first digit never count.
      if number.significand < 1_000_000_000_000_000_000 {
        number.significand = number.significand * 10 + UInt64(digit)
        if isBehindPoint { number.exponent -= 1 }
      } else {
        if digit != 0 { number.isTruncated = true }
        if !isBehindPoint { number.exponent += 1 }
      }
    }
    return at
  }
}

/// What a fast scan found: significand, exponent, sign.
struct ShortNumber {
  var significand: UInt64 = 0
  var exponent = 0
  var isNegative = false
}

/// How many bytes must lie in front of the end of the text for `scanShortNumber`.
let shortNumberMargin = 40

/// Scans a number of common length at `cursor`, eight digits at a time, and moves `cursor` behind it.
///
/// At least `shortNumberMargin` bytes must follow `cursor`. Returns false, with `cursor` unmoved, for
/// everything unusual, broken numbers included: `JSONScanner.number(at:)` then judges it.
@inline(__always)
func scanShortNumber(
  _ cursor: inout UnsafePointer<UInt8>, _ number: inout ShortNumber, _ powers: PowersOfTen
) -> Bool {
  var at = cursor
  number.isNegative = at.pointee == ASCII.minus
  if number.isNegative { at += 1 }

  // The integer part: one digit and a point most often, at most seven digits here.
  var significand: UInt64
  if at[1] == ASCII.point {
    significand = UInt64(ASCII.digit(at[0]))
    if significand > 9 { return false }
    at += 1
  } else {
    let block = DigitBlock(at)
    if block.count == 0 || block.count == 8 || (at[0] == ASCII.zero && block.count > 1) { return false }
    significand = block.value
    at += block.count
  }

  var exponent = 0
  if at[0] == ASCII.point {
    at += 1
    let first = DigitBlock(at)
    if first.count == 0 { return false }
    at += first.count
    exponent = -first.count
    significand = significand &* powers.integers[first.count] &+ first.value
    if first.count == 8 {
      let second = DigitBlock(at)
      if second.count > 0 {
        // Below 10^11 eight more digits stay below 10^19.
        if significand >= 100_000_000_000 { return false }
        at += second.count
        exponent -= second.count
        significand = significand &* powers.integers[second.count] &+ second.value
        if second.count == 8 {
          while ASCII.digit(at[0]) <= 9 {
            if significand >= 1_000_000_000_000_000_000 { return false }
            if at - cursor >= shortNumberMargin - 8 { return false }
            significand = significand &* 10 &+ UInt64(ASCII.digit(at[0]))
            exponent -= 1
            at += 1
          }
        }
      }
    }
  }
  if at[0] | 0x20 == ASCII.e {
    // e, a sign, and one to three digits: within the margin, since at most 32 bytes lie behind.
    let isNegative = at[1] == ASCII.minus
    at += isNegative || at[1] == ASCII.plus ? 2 : 1
    var written = Int(ASCII.digit(at[0]))
    if written > 9 { return false }
    at += 1
    for _ in 0..<2 where ASCII.digit(at[0]) <= 9 {
      written = written * 10 + Int(ASCII.digit(at[0]))
      at += 1
    }
    if ASCII.digit(at[0]) <= 9 { return false }
    exponent += isNegative ? -written : written
  }
  number.significand = significand
  number.exponent = exponent
  cursor = at
  return true
}

/// Up to eight digits, read as one word.
private struct DigitBlock {
  /// How many of the eight bytes are digits before the first that is none.
  let count: Int
  private let digits: UInt64

  @inline(__always)
  init(_ address: UnsafePointer<UInt8>) {
    let word = UInt64(littleEndian: UnsafeRawPointer(address).loadUnaligned(as: UInt64.self))
    digits = word ^ 0x3030_3030_3030_3030
    // A digit is now 0…9, and adding 0x76 leaves its high bit clear; any other byte sets or has it. A carry
    // out of a byte starts at a byte that is no digit, so that the first one found is always true.
    let others = ((digits &+ 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
    count = others.trailingZeroBitCount >> 3
  }

  /// The number those digits make; only for a `count` above 0.
  @inline(__always)
  var value: UInt64 {
    // Shifting the digits to the end puts zeros, which are leading zeros, in front.
    var value = digits &<< UInt64(64 &- count &* 8)
    value = (value &* (10 * 0x100 + 1)) &>> 8 & 0x00FF_00FF_00FF_00FF
    value = (value &* (100 * 0x1_0000 + 1)) &>> 16 & 0x0000_FFFF_0000_FFFF
    return (value &* (10000 * 0x1_0000_0000 + 1)) &>> 32
  }
}
