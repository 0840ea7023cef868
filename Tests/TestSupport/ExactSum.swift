/// A sum of products of finite float64 numbers without any rounding: a fixed-point number whose last bit is
/// 2⁻²¹⁴⁸, the product of the two smallest subnormals, in limbs of 32 bits.
public struct ExactSum: Sendable {
  // 2148 bits behind the point, 2048 before it, and 64 for carries.
  private var limbs = [Int64](repeating: 0, count: 134)

  /// Zero.
  public init() {}

  /// Adds `a · b`, or subtracts it.
  public mutating func add(_ a: Double, times b: Double = 1, negated: Bool = false) {
    if a == 0 || b == 0 { return }
    let (left, leftPlace) = Self.parts(a)
    let (right, rightPlace) = Self.parts(b)
    let product = left.multipliedFullWidth(by: right)
    let negative = ((a < 0) != (b < 0)) != negated
    let place = leftPlace + rightPlace + 2148
    // 106 bits at any place touch at most five limbs: three of the lower half, three of the upper one.
    for (half, limb) in [(product.low, place / 32), (UInt64(product.high), place / 32 + 2)] {
      let shifted = UInt128(half) << UInt128(place % 32)
      for index in 0..<3 {
        let part = Int64(truncatingIfNeeded: shifted >> UInt128(32 * index)) & 0xFFFF_FFFF
        limbs[limb + index] += negative ? -part : part
      }
    }
  }

  /// −1, 0 or 1.
  public var sign: Int {
    // Limbs have room for 2³⁰ products before they must be carried.
    var sum = self
    sum.carry()
    let limbs = sum.limbs
    if limbs[limbs.count - 1] < 0 { return -1 }
    return limbs.contains { $0 != 0 } ? 1 : 0
  }

  /// Brings all limbs but the last into `0 ..< 2³²`; the last carries the sign.
  private mutating func carry() {
    for index in 0..<limbs.count - 1 {
      let high = limbs[index] >> 32
      limbs[index] -= high << 32
      limbs[index + 1] += high
    }
  }

  /// The significand as an integer and the exponent of its last bit.
  private static func parts(_ x: Double) -> (UInt64, Int) {
    let exponent = Int(x.exponentBitPattern)
    let fraction = x.significandBitPattern
    return exponent == 0 ? (fraction, -1074) : (fraction | 1 << 52, exponent - 1075)
  }

  /// Whether `|value − Σ xᵢ·wᵢ| ≤ bound`, decided exactly.
  public static func isWithin(
    _ value: Double, of products: [(Double, Double)], bound: Double
  ) -> Bool {
    [true, false].allSatisfy { negated in
      // bound − (value − Σ) and bound + (value − Σ) are both at least zero.
      var sum = ExactSum()
      sum.add(bound)
      sum.add(value, negated: negated)
      for (x, w) in products { sum.add(x, times: w, negated: !negated) }
      return sum.sign >= 0
    }
  }
}
