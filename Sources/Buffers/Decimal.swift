extension AlignedBuffer where Element == UInt8 {
  /// Appends `value` in decimal.
  public mutating func append(decimal value: Int) {
    append(upTo: UInt64.decimalRoom + 1) { room in
      let target = room.baseAddress.unsafelyUnwrapped
      target.pointee = 0x2D
      let sign = value < 0 ? 1 : 0
      return sign &+ UInt64(value.magnitude).writeDecimal(to: target + sign)
    }
  }

  /// Appends `value / 10^places` in decimal, with exactly `places` digits, 1 to 18, behind the point. `value` must not be
  /// negative.
  public mutating func append(decimal value: Int, places: Int) {
    precondition(value >= 0 && places >= 1 && places <= 18, "no such fixed-point number")
    append(upTo: UInt64.decimalRoom + 1) { room in
      let target = room.baseAddress.unsafelyUnwrapped
      let count = UInt64(value).writeDecimal(to: target, atLeast: places + 1)
      let fraction = target + (count - places)
      (fraction + 1).update(from: fraction, count: places)
      fraction.pointee = 0x2E
      return count + 1
    }
  }
}

extension UInt64 {
  /// The most bytes that `writeDecimal` touches: whole words, where the largest number has twenty digits.
  static var decimalRoom: Int { 24 }

  /// Writes the digits, with zeros before them where they are fewer than `least`, and returns how many they are.
  func writeDecimal(to target: UnsafeMutablePointer<UInt8>, atLeast least: Int = 1) -> Int {
    if self >= 100_000_000 || least > 8 {
      let upper = self / 100_000_000
      let count = upper.writeDecimal(to: target, atLeast: Swift.max(1, least &- 8))
      Self.store((self &- upper &* 100_000_000).eightDecimalDigits, target + count)
      return count &+ 8
    }
    let digits = eightDecimalDigits
    // The first digit is the lowest byte, and a zero digit a zero byte.
    let skipped = Swift.min(digits.trailingZeroBitCount &>> 3, 8 &- least)
    Self.store(digits &>> UInt64(8 &* skipped), target)
    return 8 &- skipped
  }

  /// The eight digits of a number below 10^8 as numbers, one a byte, the first in the lowest byte.
  ///
  /// Four digits are split into pairs and those into digits in all lanes at once, by multiplication with the
  /// rounded up reciprocals 10486 / 2^20 of 100 and 103 / 2^10 of 10: their quotients are exact below 10^4
  /// and 100, because there the excess stays below one hundredth and one tenth.
  @inlinable
  public var eightDecimalDigits: UInt64 {
    let upper = self / 10_000
    let halves = upper | (self &- upper &* 10_000) &<< 32
    let hundreds = (halves &* 10486) &>> 20 & 0x0000_007F_0000_007F
    let pairs = hundreds | (halves &- hundreds &* 100) &<< 16
    let tens = (pairs &* 103) &>> 10 & 0x000F_000F_000F_000F
    return tens | (pairs &- tens &* 10) &<< 8
  }

  private static func store(_ digits: UInt64, _ target: UnsafeMutablePointer<UInt8>) {
    let text = digits | 0x3030_3030_3030_3030
    UnsafeMutableRawPointer(target).storeBytes(of: text.littleEndian, as: UInt64.self)
  }
}
