public import Convolution

/// A sum of products without any rounding: a fixed-point number wide enough for every product of two numbers of a format,
/// whatever the order in which they come.
///
/// **Layout.** `limbs` limbs of 64 bits stand 32 bits apart, each carrying its own sign (the small superaccumulator of
/// Neal, Fast Exact Summation Using Small and Large Superaccumulators, 2015). A product touches three to five neighbours
/// and propagates no carry: each call changes a limb by less than 2³², so that 2³⁰ products fit before the carries
/// have to be brought in, which the accumulator sees to itself.
///
/// **Width.** Products of two float32 stand between 2⁻²⁹⁸ and 2²⁵⁶. As float64 numbers, which hold them exactly, they have
/// bits (zeros) down to 2⁻³⁵⁰; 20 limbs cover 2⁻³⁵² … 2²⁸⁸, and the highest one 31 bits more. Products of two
/// float64 stand between 2⁻²¹⁴⁸ and 2²⁰⁴⁸; 134 limbs cover 2⁻²¹⁷⁶ … 2²¹¹². No count of terms that fits an `Int` overflows.
///
/// Everything added must be finite.
public struct ExactAccumulator<let limbs: Int>: Sendable {
  @usableFromInline
  var limb = InlineArray<limbs, Int64>(repeating: 0)
  @usableFromInline
  var sinceCarry = 0

  /// Zero.
  @inlinable
  @inline(__always)
  public init() {}

  /// The exponent of the lowest bit.
  @inlinable
  static var lowest: Int { limbs == 20 ? -352 : -2176 }

  /// Adds `a · b`. For products of float32, both must be float32 numbers.
  @inlinable
  @inline(__always)
  public mutating func add(_ a: Double, times b: Double) {
    if limbs == 20 {
      add(a * b)
      return
    }
    if a == 0 || b == 0 { return }
    let (left, leftPlace) = Self.parts(a)
    let (right, rightPlace) = Self.parts(b)
    let product = left.multipliedFullWidth(by: right)
    let negative = (a < 0) != (b < 0)
    let place = leftPlace &+ rightPlace &- Self.lowest
    add(product.low, at: place, negative: negative)
    add(product.high, at: place &+ 64, negative: negative)
  }

  /// Adds one number; for products of float32 such a product or a float32 number.
  @inlinable
  @inline(__always)
  public mutating func add(_ term: Double) {
    if term == 0 { return }
    let (significand, place) = Self.parts(term)
    add(significand, at: place &- Self.lowest, negative: term < 0)
  }

  /// The integer and the exponent whose product with a power of two `x` is, apart from its sign.
  @inlinable
  @inline(__always)
  static func parts(_ x: Double) -> (significand: UInt64, place: Int) {
    let exponent = Int(x.exponentBitPattern)
    let fraction = x.significandBitPattern
    return exponent == 0 ? (fraction, -1074) : (fraction | 1 << 52, exponent &- 1075)
  }

  /// Adds `significand · 2^place`, counted from the lowest bit.
  @inlinable
  @inline(__always)
  mutating func add(_ significand: UInt64, at place: Int, negative: Bool) {
    if sinceCarry == 1 << 30 { carry() }
    sinceCarry &+= 1
    let index = place >> 5
    let shift = UInt64(truncatingIfNeeded: place & 31)
    let low = significand << shift
    let high = (significand >> 1) >> (63 &- shift)
    let sign: Int64 = negative ? -1 : 0
    limb[index] &+= (Int64(truncatingIfNeeded: low & 0xFFFF_FFFF) ^ sign) &- sign
    limb[index &+ 1] &+= (Int64(truncatingIfNeeded: low >> 32) ^ sign) &- sign
    limb[index &+ 2] &+= (Int64(truncatingIfNeeded: high) ^ sign) &- sign
  }

  /// Brings every limb but the highest into `0 ..< 2³²`; the highest carries the sign.
  @usableFromInline
  mutating func carry() {
    for index in 0..<limbs - 1 {
      limb[index + 1] &+= limb[index] >> 32
      limb[index] &= 0xFFFF_FFFF
    }
    sinceCarry = 1
  }

  private mutating func negate() {
    for index in 0..<limbs { limb[index] = 0 &- limb[index] }
    carry()
  }

  /// −1, 0 or 1.
  public var sign: Int {
    var sum = self
    sum.carry()
    if sum.limb[limbs - 1] < 0 { return -1 }
    for index in 0..<limbs where sum.limb[index] != 0 { return 1 }
    return 0
  }

  /// The sum rounded once, to the nearest number of `format`, ties to even: into the subnormal numbers, to infinity where
  /// it is too large, to a zero of its sign where it is too small. A sum of nothing but zero is +0.
  public func rounded(to format: DataType) -> Double {
    var sum = self
    sum.carry()
    let negative = sum.limb[limbs - 1] < 0
    if negative { sum.negate() }
    var top = limbs - 1
    while sum.limb[top] == 0 {
      if top == 0 { return 0 }
      top -= 1
    }
    func bits(_ index: Int) -> UInt128 { index < 0 ? 0 : UInt128(UInt64(bitPattern: sum.limb[index])) }
    let window = bits(top) << 64 | bits(top - 1) << 32 | bits(top - 2)
    let skipped = window.leadingZeroBitCount
    let normalized = window << UInt128(skipped)
    var isLonger = UInt64(truncatingIfNeeded: normalized) != 0
    var index = 0
    while !isLonger && index < top - 2 {
      isLonger = sum.limb[index] != 0
      index += 1
    }
    let magnitude = RoundingFormat(format).nearest(
      leading: UInt64(normalized >> 64), exponent: Self.lowest + 32 * (top - 2) + 127 - skipped,
      isLonger: isLonger)
    return negative ? -magnitude : magnitude
  }

  /// `value − Σ`, rounded once to float64.
  public func error(of value: Double) -> Double {
    // Negative zero would read as an error with a sign.
    let difference = widened(negated: true, plus: value).rounded(to: .float64)
    return difference == 0 ? difference.magnitude : difference
  }

  /// Whether `|value − Σ| ≤ bound`, decided exactly.
  public func isWithin(_ bound: Double, of value: Double) -> Bool {
    for negated in [false, true] {
      var room = widened(negated: negated, plus: negated ? value : -value)
      room.add(bound)
      if room.sign < 0 { return false }
    }
    return true
  }

  /// `Σ + value` or `value − Σ`, with room for any float64.
  private func widened(negated: Bool, plus value: Double) -> ExactAccumulator<134> {
    var sum = self
    sum.carry()
    var wide = ExactAccumulator<134>()
    wide.take(sum, negated: negated)
    wide.add(value)
    return wide
  }

  private mutating func take<let others: Int>(_ other: ExactAccumulator<others>, negated: Bool) {
    let offset = (ExactAccumulator<others>.lowest - Self.lowest) / 32
    for index in 0..<others { limb[index + offset] = negated ? 0 &- other.limb[index] : other.limb[index] }
    carry()
  }
}

/// Sums of products of float32 numbers: 640 bits.
public typealias SingleAccumulator = ExactAccumulator<20>
/// Sums of products of float64 numbers: 4 288 bits.
public typealias DoubleAccumulator = ExactAccumulator<134>
