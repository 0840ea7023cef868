import Convolution

/// What a claim has to know of the numbers it is given: whether they are of a format already, and whether they leave its
/// range. Numbers that are not finite don't count.
struct InputNumbers {
  /// The largest magnitude.
  let largest: Double
  /// The smallest magnitude but zero; infinite where there is none.
  let least: Double
  /// The bits of all significands, as float64 has them.
  private let bits: UInt64
  /// Whether all numbers below the range of normal float16 are multiples of its smallest one, 2⁻²⁴.
  private let areFloat16Subnormals: Bool

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  init<Scalar: TensorScalar>(_ values: UnsafeBufferPointer<Scalar>) {
    let base = UnsafeRawPointer(values.baseAddress.unsafelyUnwrapped)
    let found: (bits: UInt64, largest: Double, least: Double)
    switch Scalar.precision {
    case .single: found = Self.scan(base.assumingMemoryBound(to: Float.self), values.count)
    case .double: found = Self.scan(base.assumingMemoryBound(to: Double.self), values.count)
    }
    (bits, largest, least) = found
    areFloat16Subnormals =
      least < 0x1p-14 && bits << 22 == 0
      && values.allSatisfy { value in
        let steps = Double(value) * 0x1p24
        return !value.isFinite || steps.rounded() == steps
      }
  }

  /// Whether all numbers are of `format`, so that rounding changes none.
  func are(_ format: Claim.InputFormat) -> Bool {
    if largest >= format.overflow { return false }
    let isNormal = least >= format.leastNormal
    switch format {
    case .float64: return true
    case .float32: return bits << 35 == 0 && isNormal
    case .tf32: return bits << 22 == 0 && isNormal
    case .bfloat16: return bits << 19 == 0 && isNormal
    case .float16: return bits << 22 == 0 && (isNormal || areFloat16Subnormals)
    }
  }

  private static func scan(
    _ values: UnsafePointer<Float>, _ count: Int
  ) -> (bits: UInt64, largest: Double, least: Double) {
    let infinity: Int32 = 0x7F80_0000
    var (bits, largest, least) = (Int32(0), Int32(0), Int32.max)
    // Without a branch or a call, so that it runs on whole vectors: zeros, less one and without the sign, become the
    // largest number of all.
    for index in 0..<count {
      let magnitude = Int32(bitPattern: values[index].bitPattern) & .max
      let finite = magnitude & ((magnitude &- infinity) >> 31)
      bits |= finite
      largest = max(largest, finite)
      least = min(least, (finite &- 1) & .max)
    }
    least = least < infinity ? least &+ 1 : infinity
    func number(_ bits: Int32) -> Double { Double(Float(bitPattern: UInt32(bitPattern: bits))) }
    return (UInt64(UInt32(bits & 0x7F_FFFF)) << 29, number(largest), number(least))
  }

  private static func scan(
    _ values: UnsafePointer<Double>, _ count: Int
  ) -> (bits: UInt64, largest: Double, least: Double) {
    var (bits, largest, least) = (UInt64(0), 0.0, Double.infinity)
    for index in 0..<count {
      let magnitude = values[index].magnitude
      if !(magnitude < .infinity) || magnitude == 0 { continue }
      bits |= magnitude.significandBitPattern
      largest = max(largest, magnitude)
      least = min(least, magnitude)
    }
    return (bits, largest, least)
  }
}
