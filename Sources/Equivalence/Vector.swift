/// Eight float64 numbers side by side: four registers of the oldest x86-64, one of the newest.
typealias Vector = SIMD8<Double>

extension SIMD8<Double> {
  /// Eight neighbours in memory.
  @inline(__always)
  init(_ start: UnsafePointer<Double>) {
    self = UnsafeRawPointer(start).loadUnaligned(as: Self.self)
  }

  /// The numbers without their signs.
  @inline(__always)
  var magnitudes: Self {
    let bits = unsafeBitCast(self, to: SIMD8<UInt64>.self) & 0x7FFF_FFFF_FFFF_FFFF
    return unsafeBitCast(bits, to: Self.self)
  }
}

extension SIMD8<Float> {
  /// Eight numbers, each rounded to the nearest float32.
  @inline(__always)
  init(rounding x: Vector) {
    self.init(
      Float(x[0]), Float(x[1]), Float(x[2]), Float(x[3]), Float(x[4]), Float(x[5]), Float(x[6]), Float(x[7]))
  }
}

/// Whether eight comparisons all hold.
@inline(__always)
func allHold(_ mask: SIMDMask<SIMD8<Int64>>) -> Bool {
  let lanes = SIMD8<Int64>(repeating: 0).replacing(with: -1, where: mask)
  let half = lanes.lowHalf & lanes.highHalf
  let quarter = half.lowHalf & half.highHalf
  return quarter[0] & quarter[1] != 0
}

/// Whether eight comparisons all hold.
@inline(__always)
func allHold(_ mask: SIMDMask<SIMD8<Int32>>) -> Bool {
  let lanes = SIMD8<Int32>(repeating: 0).replacing(with: -1, where: mask)
  let half = unsafeBitCast(lanes.lowHalf & lanes.highHalf, to: SIMD2<Int64>.self)
  return half[0] & half[1] == -1
}

/// How many of eight comparisons hold.
@inline(__always)
func count(_ mask: SIMDMask<SIMD8<Int32>>) -> Int {
  let lanes = SIMD8<Int32>(repeating: 0).replacing(with: 1, where: mask)
  let half = unsafeBitCast(lanes.lowHalf &+ lanes.highHalf, to: SIMD2<UInt64>.self)
  let pair = half[0] &+ half[1]
  return Int(truncatingIfNeeded: (pair &+ pair >> 32) & 0xFFFF_FFFF)
}

/// The places of eight float32 numbers, given as bits, among the representable ones: they grow with the number, and
/// both zeros stand at 0.
@inline(__always)
func places(_ bits: SIMD8<Int32>) -> SIMD8<Int32> {
  let sign = bits &>> 31
  return ((bits & 0x7FFF_FFFF) ^ sign) &- sign
}

/// Whether eight pairs of places lie at most `limit` apart.
@inline(__always)
func liesWithin(_ limit: UInt64, _ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMDMask<SIMD8<Int32>> {
  // The difference may wrap; its magnitude, read without a sign, does not. With the highest bit turned over, numbers
  // with a sign compare as those without one: only for them has the oldest x86-64 an instruction.
  let difference = a &- b
  let negative = SIMD8<Int32>(repeating: 0).replacing(with: -1, where: a .< b)
  let magnitude = (difference ^ negative) &- negative
  let threshold = SIMD8(repeating: Int32(truncatingIfNeeded: limit) ^ .min)
  return (magnitude ^ SIMD8(repeating: .min)) .<= threshold
}
