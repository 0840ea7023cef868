import Convolution

/// A format shorter than float32 to which results are rounded once, at the end.
///
/// All its numbers are float64 numbers, so that float64 arithmetic by powers of two rounds to it exactly.
struct RoundedFormat {
  /// The unit roundoff: half the distance from 1 to the next number.
  let unitRoundoff: Double
  /// The distance between the numbers next to zero.
  let least: Double
  /// The largest finite number.
  let largest: Double
  /// Bits of a significand behind the first.
  private let fraction: Int
  /// The exponent of the smallest normal number.
  private let leastNormal: Int

  /// The format of `dataType`; nil where that is no short one.
  init?(_ dataType: DataType) {
    let greatest: Int
    switch dataType {
    case .float16: (fraction, leastNormal, greatest) = (10, -14, 15)
    case .bfloat16: (fraction, leastNormal, greatest) = (7, -126, 127)
    case .float32, .float64: return nil
    }
    unitRoundoff = dataType.unitRoundoff
    least = dataType.leastNonzeroMagnitude
    largest = Double(sign: .plus, exponent: greatest, significand: 2 - 2 * dataType.unitRoundoff)
  }

  /// The least magnitude that rounds to infinity: half way from the largest number to where the next one would be.
  var overflow: Double { largest + largest.ulp(of: fraction) / 2 }

  /// The nearest number of the format, ties to even; what overflows is infinite.
  func round(_ x: Double) -> Double {
    if !x.isFinite { return x }
    if x.magnitude >= overflow { return x < 0 ? -.infinity : .infinity }
    let spacing = max(x.ulp(of: fraction), least)
    return (x / spacing).rounded(.toNearestOrEven) * spacing
  }

  /// How many numbers of the format lie between two of its finite ones, one of them included.
  func unitsBetween(_ a: Double, _ b: Double) -> UInt64 {
    (place(a) - place(b)).magnitude
  }

  /// The place of a finite number among those of the format, zero standing at 0.
  private func place(_ x: Double) -> Int64 {
    let normal = Double(sign: .plus, exponent: leastNormal, significand: 1)
    let magnitude = x.magnitude
    var place = Int64((min(magnitude, 2 * normal) / least).rounded())
    if magnitude >= 2 * normal {
      // The places of one binade begin where those of the one before it end.
      let binade = Int(magnitude.exponent) - leastNormal
      let steps = magnitude / magnitude.ulp(of: fraction)
      place = Int64(binade) << Int64(fraction) + Int64(steps.rounded())
    }
    return x < 0 ? -place : place
  }
}

extension Double {
  /// The distance between neighbours of this number's binade in a format of `fraction` fractional bits; 0 for 0.
  fileprivate func ulp(of fraction: Int) -> Double {
    self == 0 ? 0 : Double(sign: .plus, exponent: Int(exponent) - fraction, significand: 1)
  }
}
