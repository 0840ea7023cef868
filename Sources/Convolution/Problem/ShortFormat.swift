extension Tensor where Scalar == Float {
  /// Rounds every element to the nearest number of `format`, ties to even; what overflows becomes infinite. float32
  /// itself changes nothing.
  public mutating func round(to format: DataType) {
    let values = mutableValues
    switch format {
    case .float32: return
    case .float64: preconditionFailure("float64 is no shorter format")
    case .float16:
      for index in 0..<values.count { values[index] = Float(float16Bits: values[index].float16Bits) }
    case .bfloat16:
      for index in 0..<values.count { values[index] = Float(bfloat16Bits: values[index].bfloat16Bits) }
    }
  }
}

/// float16 (IEEE 754 binary16) and bfloat16 (the upper half of a float32) by their bits, so that nothing depends on what
/// the processor has instructions for.
extension Float {
  /// The number that these bits are in float16, exactly; a NaN keeps its sign and payload.
  public init(float16Bits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      // Subnormal or zero: a multiple of 2⁻²⁴, normal in float32.
      self = Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
    case 0x1F: self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The bits of the nearest float16, ties to even: from 65520 on infinite, a NaN stays a NaN.
  public var float16Bits: UInt16 {
    let sign = UInt16(bitPattern >> 16 & 0x8000)
    let magnitude = bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 {
      let payload = UInt16(magnitude >> 13 & 0x3FF)
      return sign | 0x7C00 | (payload == 0 ? 0x200 : payload)
    }
    // From 2¹⁶ on; below it the carry of a rounding up from 65520 makes the exponent that of infinity by itself.
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude >= 0x3880_0000 {
      return sign | UInt16(Self.roundedShift(magnitude - 0x3800_0000, by: 13))
    }
    // Below 2⁻¹⁴ in units of 2⁻²⁴; half a unit and less is zero.
    if magnitude <= 0x3300_0000 { return sign }
    let significand = magnitude & 0x7F_FFFF | 0x80_0000
    return sign | UInt16(Self.roundedShift(significand, by: 126 - magnitude >> 23))
  }

  /// The number that these bits are in bfloat16, exactly.
  public init(bfloat16Bits bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

  /// The bits of the nearest bfloat16, ties to even; a NaN stays a NaN.
  public var bfloat16Bits: UInt16 {
    let sign = UInt16(bitPattern >> 16 & 0x8000)
    let magnitude = bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 {
      let upper = UInt16(magnitude >> 16)
      return sign | (upper & 0x7F == 0 ? upper | 0x40 : upper)
    }
    return sign | UInt16(Self.roundedShift(magnitude, by: 16))
  }

  /// `bits / 2^shift` to the nearest integer, ties to even.
  @inline(__always)
  private static func roundedShift(_ bits: UInt32, by shift: UInt32) -> UInt32 {
    let odd = bits >> shift & 1
    return (bits + (1 << (shift - 1)) - 1 + odd) >> shift
  }
}
