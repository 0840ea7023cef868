import Convolution

extension Float {
  /// The number whose bits in a short format are `bits`, exactly.
  init(shortBits bits: UInt16, of format: DataType) {
    if format == .bfloat16 {
      self.init(bitPattern: UInt32(bits) << 16)
    } else {
      let sign = UInt32(bits & 0x8000) << 16
      let exponent = UInt32(bits >> 10 & 31)
      let fraction = UInt32(bits & 0x3FF)
      switch exponent {
      case 0: self = Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
      case 31: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
      default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
      }
    }
  }

  /// The bits in a short format of a number that has this format's precision and range already.
  func shortBits(of format: DataType) -> UInt16 {
    let bits = bitPattern
    // A NaN stays one though its lower bits go.
    if format == .bfloat16 { return UInt16(bits >> 16) | (isNaN ? 0x40 : 0) }
    let sign = UInt16(bits >> 16 & 0x8000)
    if !isFinite { return sign | 0x7C00 | (isNaN ? 0x200 : 0) | UInt16(bits >> 13 & 0x3FF) }
    if magnitude < 0x1p-14 { return sign | UInt16(magnitude * 0x1p24) }
    return sign | UInt16(truncatingIfNeeded: (bits & 0x7FFF_FFFF) >> 13 &- 112 << 10)
  }
}
