import Convolution

/// Numbers rounded to fewer bits; float64 numbers of a float32 problem are float32 numbers.
enum ShortRounding {
  static func float16(_ value: Double) -> Double { Double(Float(float16Bits: Float(value).float16Bits)) }

  static func bfloat16(_ value: Double) -> Double { Double(Float(bfloat16Bits: Float(value).bfloat16Bits)) }

  /// To nearest, ties to even, with 11 bits of significand and the exponents of float32.
  static func tf32(_ value: Double) -> Double {
    let single = Float(value)
    if !single.isFinite { return Double(single) }
    let bits = single.bitPattern
    return Double(Float(bitPattern: (bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFF))
  }

  /// The first `bits` bits of a float32's significand.
  static func truncated(_ value: Double, bits: Int) -> Double {
    Double(Float(bitPattern: Float(value).bitPattern & ~((1 << UInt32(24 - bits)) - 1)))
  }
}
