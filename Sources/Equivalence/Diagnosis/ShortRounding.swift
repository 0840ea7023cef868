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

  /// To nearest, ties to even, with `bits` bits of significand, none below 2^`least` and none above `largest`.
  static func float8(_ value: Double, bits: Int, least: Int, largest: Double) -> Double {
    if !value.isFinite || value == 0 { return value }
    let exponent = max(Int(value.exponent) - bits + 1, least)
    let unit = Double(sign: .plus, exponent: exponent, significand: 1)
    let rounded = (value / unit).rounded(.toNearestOrEven) * unit
    return min(max(rounded, -largest), largest)
  }

  /// The multiples of the largest magnitude over `steps` next to each number.
  static func quantized(_ values: some Sequence<Double>, steps: Double) -> [Double] {
    let largest = values.reduce(0) { max($0, $1.magnitude) }
    if !(largest > 0 && largest.isFinite) { return Array(values) }
    let unit = largest / steps
    return values.map { ($0 / unit).rounded(.toNearestOrEven) * unit }
  }
}
