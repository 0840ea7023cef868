public import Convolution

/// Integers modulo the prime 2⁶¹ − 1: a scalar whose sums are exact in any order, on which a formulation that agrees
/// with the definition for random elements is the same bilinear map but for a chance of 2⁻⁶⁰.
public struct PrimeField: RationalRing, Hashable {
  /// 2⁶¹ − 1.
  public static let modulus: UInt64 = (1 << 61) - 1
  /// The representative in `0 ..< modulus`.
  public let value: UInt64

  /// The class of `value`.
  public init(_ value: UInt64) { self.value = value % Self.modulus }

  /// The class of 0.
  public static var zero: PrimeField { PrimeField(0) }
  /// The sum.
  public static func + (left: PrimeField, right: PrimeField) -> PrimeField {
    PrimeField(left.value + right.value)
  }
  /// The difference.
  public static func - (left: PrimeField, right: PrimeField) -> PrimeField {
    PrimeField(left.value + modulus - right.value)
  }
  /// The product.
  public static func * (left: PrimeField, right: PrimeField) -> PrimeField {
    let product = left.value.multipliedFullWidth(by: right.value)
    return PrimeField(modulus.dividingFullWidth(product).remainder)
  }

  /// `numerator` times the inverse of `denominator`, which by Fermat is its power `modulus − 2`.
  public static func quotient(_ numerator: Int, _ denominator: Int) -> PrimeField {
    var result = PrimeField(integer: numerator)
    var power = PrimeField(integer: denominator)
    var exponent = modulus - 2
    while exponent > 0 {
      if exponent & 1 == 1 { result = result * power }
      power = power * power
      exponent >>= 1
    }
    return result
  }

  /// The class of an integer of either sign.
  public init(integer: Int) {
    let magnitude = PrimeField(UInt64(integer.magnitude))
    self = integer < 0 ? .zero - magnitude : magnitude
  }
}
