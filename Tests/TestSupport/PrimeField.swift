public import Convolution

/// Integers modulo the prime 2⁶¹ − 1: a scalar whose sums are exact in any order, on which a formulation that agrees
/// with the definition for random elements is the same bilinear map but for a chance of 2⁻⁶⁰.
public struct PrimeField: Ring, Hashable {
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
}
