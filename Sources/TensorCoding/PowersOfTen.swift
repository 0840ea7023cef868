/// The powers of ten that both directions of the conversion multiply by, computed at first use.
///
/// For every exponent q from −342 to 324 the table holds the first 128 bits of 5^q, rounded down:
/// ⌊5^q · 2^s⌋ with s such that the result has exactly 128 bits. (A power of ten is a power of five with
/// another binary exponent.) Reading needs q in [−342, 308], writing [−292, 324].
struct PowersOfTen: @unchecked Sendable {
  static let shared = PowersOfTen()

  static var lowest: Int { -342 }
  static var highest: Int { 324 }

  /// High and low word of each power, two words a power. Lives as long as the process.
  private let words: UnsafePointer<UInt64>
  /// 10^0 to 10^22, all of them exact.
  let exactDoubles: UnsafePointer<Double>
  /// 10^0 to 10^19.
  let integers: UnsafePointer<UInt64>

  /// The first 64 bits of 5^q.
  @inline(__always)
  func high(_ q: Int) -> UInt64 { words[2 * (q - Self.lowest)] }

  /// The 64 bits behind `high(q)`.
  @inline(__always)
  func low(_ q: Int) -> UInt64 { words[2 * (q - Self.lowest) + 1] }

  private init() {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * (Self.highest - Self.lowest + 1))
    func store(_ first128Bits: (high: UInt64, low: UInt64), _ q: Int) {
      words[2 * (q - Self.lowest)] = first128Bits.high
      words[2 * (q - Self.lowest) + 1] = first128Bits.low
    }
    // 5^324 has 753 bits: sixteen words hold every positive power exactly.
    var power = WideInteger(setting: 0)
    store(power.first128Bits, 0)
    for q in 1...Self.highest {
      power.multiplyByFive()
      store(power.first128Bits, q)
    }
    // ⌊⌊x / 5⌋ / 5⌋ = ⌊x / 25⌋, so that repeated short division of 2^1023 rounds down but once; and 5^342
    // has 795 bits, so that 228 bits remain of the last quotient and its first 128 are right.
    var reciprocal = WideInteger(setting: 1023)
    for q in 1 ... -Self.lowest {
      reciprocal.divideByFive()
      store(reciprocal.first128Bits, -q)
    }
    self.words = UnsafePointer(words)

    let integers = UnsafeMutablePointer<UInt64>.allocate(capacity: 20)
    let exactDoubles = UnsafeMutablePointer<Double>.allocate(capacity: 23)
    integers[0] = 1
    for exponent in 1..<20 { integers[exponent] = integers[exponent - 1] * 10 }
    exactDoubles[0] = 1
    for exponent in 1..<23 { exactDoubles[exponent] = exactDoubles[exponent - 1] * 10 }
    self.integers = UnsafePointer(integers)
    self.exactDoubles = UnsafePointer(exactDoubles)
  }
}

/// An unsigned integer of 1024 bits, least significant word first; just enough of one for the table.
private struct WideInteger {
  private var words = [UInt64](repeating: 0, count: 16)

  /// 2^`bit`.
  init(setting bit: Int) { words[bit >> 6] = 1 << UInt64(bit & 63) }

  mutating func multiplyByFive() {
    var carry: UInt64 = 0
    for index in words.indices {
      let (high, low) = words[index].multipliedFullWidth(by: 5)
      let (sum, overflow) = low.addingReportingOverflow(carry)
      words[index] = sum
      carry = high + (overflow ? 1 : 0)
    }
  }

  mutating func divideByFive() {
    var remainder: UInt64 = 0
    for index in words.indices.reversed() {
      (words[index], remainder) = (5 as UInt64).dividingFullWidth((remainder, words[index]))
    }
  }

  /// The 128 bits from the highest set one down, with zeros behind where there are fewer.
  var first128Bits: (high: UInt64, low: UInt64) {
    let top = words.lastIndex { $0 != 0 }!
    let shift = UInt64(words[top].leadingZeroBitCount)
    func word(_ index: Int) -> UInt64 { index >= 0 ? words[index] : 0 }
    func shifted(_ index: Int) -> UInt64 { word(index) << shift | word(index - 1) >> (64 - shift) }
    return (shifted(top), shifted(top - 1))
  }
}
