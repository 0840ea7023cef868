extension AlignedBuffer where Element == UInt8 {
  /// Appends `value` as 16 hexadecimal digits in lower case.
  public mutating func append(hexadecimal value: UInt64) {
    append(upTo: 16) { room in
      let bytes = UnsafeMutableRawBufferPointer(room)
      bytes.storeBytes(of: Self.digits(of: UInt32(value >> 32)), as: UInt64.self)
      bytes.storeBytes(
        of: Self.digits(of: UInt32(truncatingIfNeeded: value)), toByteOffset: 8, as: UInt64.self)
      return 16
    }
  }

  /// The eight digits of `value`, the first in the first byte in memory: each nibble is moved to a byte of its own, and
  /// all eight become letters at once.
  private static func digits(of value: UInt32) -> UInt64 {
    var nibbles = UInt64(value)
    nibbles = (nibbles & 0xFFFF) | (nibbles & 0xFFFF_0000) << 16
    nibbles = (nibbles & 0x0000_00FF_0000_00FF) | (nibbles & 0x0000_FF00_0000_FF00) << 8
    nibbles = (nibbles & 0x000F_000F_000F_000F) | (nibbles & 0x00F0_00F0_00F0_00F0) << 4
    let ones: UInt64 = 0x0101_0101_0101_0101
    let areLetters = ((nibbles + 6 * ones) >> 4) & ones
    // `a` stands 0x27 behind where the digits would go on.
    return (nibbles + 0x30 * ones + areLetters * 0x27).bigEndian
  }
}
