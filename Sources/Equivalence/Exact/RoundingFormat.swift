import Convolution

/// The numbers of a floating-point format, and how an exact value is rounded to the nearest of them, ties to even.
struct RoundingFormat: Hashable, Sendable {
  /// Bits of the significand.
  let precision: Int
  /// The exponent of the smallest positive number, 2 to that power.
  let least: Int
  /// The exponent of the largest power of two.
  let greatest: Int

  /// The format of a data type.
  init(_ dataType: DataType) {
    switch dataType {
    case .float16: (precision, least, greatest) = (11, -24, 15)
    case .bfloat16: (precision, least, greatest) = (8, -133, 127)
    case .float32: (precision, least, greatest) = (24, -149, 127)
    case .float64: (precision, least, greatest) = (53, -1074, 1023)
    }
  }

  /// The nearest number of the format, which float64 holds exactly, to a positive one.
  ///
  /// - Parameters:
  ///   - leading: its first 64 bits, the highest of them set.
  ///   - exponent: the power of two of that highest bit.
  ///   - isLonger: whether any bit behind the 64 is set.
  func nearest(leading: UInt64, exponent: Int, isLonger: Bool) -> Double {
    // Below the smallest normal number the last place stays where it is, and fewer bits are kept.
    let place = max(exponent - precision + 1, least)
    let kept = exponent - place + 1
    if kept < 0 { return 0 }
    let rest = leading << UInt64(kept)
    var significand = leading >> UInt64(64 - kept)
    let half: UInt64 = 1 << 63
    if rest > half || rest == half && (isLonger || significand & 1 == 1) { significand += 1 }
    let value = Double(sign: .plus, exponent: place, significand: Double(significand))
    return value >= Double(sign: .plus, exponent: greatest, significand: 2) ? .infinity : value
  }

  /// The number of the format nearest to a float64.
  func nearest(_ x: Double) -> Double {
    if precision == 53 || x == 0 || !x.isFinite { return x }
    if precision == 24 { return Double(Float(x)) }
    let magnitude = x.magnitude
    // Far below the smallest numbers of all shorter formats, the exponent alone decides.
    let leading = UInt64(1) << 63 | magnitude.significandBitPattern << 11
    let exponent = magnitude.isNormal ? Int(magnitude.exponent) : -1023
    let rounded = nearest(leading: leading, exponent: exponent, isLonger: false)
    return x < 0 ? -rounded : rounded
  }
}

// MARK: - Short formats

extension RoundingFormat {
  /// The format of `dataType` where that is shorter than float32; nil where it is not.
  init?(short dataType: DataType) {
    self.init(dataType)
    if precision > 11 { return nil }
  }

  /// The largest finite number.
  var largest: Double { overflow - Double(sign: .plus, exponent: greatest - precision, significand: 1) }

  /// The least magnitude that rounds to infinity: half way from the largest number to where the next one would be.
  var overflow: Double {
    Double(
      sign: .plus, exponent: greatest,
      significand: 2 - Double(sign: .plus, exponent: -precision, significand: 1))
  }

  /// How many numbers of a short format lie between two of its finite ones, one of them included.
  func unitsBetween(_ a: Double, _ b: Double) -> UInt64 { (place(a) - place(b)).magnitude }

  /// The place of a finite number among those of the format, zero standing at 0.
  private func place(_ x: Double) -> Int64 {
    let magnitude = x.magnitude
    if magnitude == 0 { return 0 }
    // Below the smallest normal number the last place stays where it is.
    let last = max(Int(magnitude.exponent) - precision + 1, least)
    let steps = Int64((magnitude / Double(sign: .plus, exponent: last, significand: 1)).rounded())
    // The places of one binade begin where those of the one before it end.
    let place = Int64(last - least) << Int64(precision - 1) + steps
    return x < 0 ? -place : place
  }
}
