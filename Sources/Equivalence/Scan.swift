import Convolution

/// What the assessment has to know of numbers themselves before it starts.
struct Scan {
  /// Factors from here on overflow when they are split (2⁹⁹⁶ times 2²⁷ + 1); below, they and their halves do not.
  private static var splitLimit: Double { 0x1p995 }

  /// Numbers that are not finite.
  let nonfinite: Int
  /// Whether a finite number is too large to be split into halves.
  let isTooLargeToSplit: Bool

  @inline(__always)
  init<Scalar: TensorScalar>(_ values: UnsafeBufferPointer<Scalar>) {
    nonfinite = Self.count(values, from: magnitudeBits(Scalar.infinity))
    // Nothing in float32 is; a float64 power of two converts exactly.
    isTooLargeToSplit =
      Scalar.dataType == .float64
      && Self.count(values, from: magnitudeBits(Scalar(Self.splitLimit))) > nonfinite
  }

  /// Whether numbers of `type` up to `largest` include one too large to be split.
  static func isTooLargeToSplit<Scalar: TensorScalar>(_ largest: Double, as type: Scalar.Type) -> Bool {
    type.dataType == .float64 && largest >= splitLimit
  }

  /// The least magnitude other than zero, as float64; infinite where there is none.
  static func least(_ values: UnsafeBufferPointer<Float>) -> Double {
    // Less 1, the bits of zeros are more than all others.
    var least = UInt32.max
    for index in 0..<values.count { least = min(least, values[index].magnitude.bitPattern &- 1) }
    return Double(Float(bitPattern: least &+ 1 == 0 ? Float.infinity.bitPattern : least &+ 1))
  }

  /// How many magnitudes have at least these bits: magnitudes order like their bits, without regard to NaN.
  @inline(__always)
  private static func count<Scalar: TensorScalar>(
    _ values: UnsafeBufferPointer<Scalar>, from least: UInt64
  ) -> Int {
    let base = values.baseAddress.unsafelyUnwrapped
    var count: UInt64 = 0
    // A subtraction below zero shows in the highest bit, and vectorises where a 64-bit comparison does not.
    for index in 0..<values.count { count &+= (least &- 1 &- magnitudeBits(base[index])) >> 63 }
    return Int(count)
  }
}
