/// Integers modulo the prime 2⁶¹ − 1: a scalar without rounding in which every number but zero has an inverse.
///
/// Two different polynomials of degree 2 in its elements agree at a random point with a probability of at most 2/p ≈ 2⁻⁶⁰
/// (Schwartz, J. ACM 27, 1980; Zippel, EUROSAM 1979): a formulation that gives the definition's results for a random image,
/// filter and bias is the definition, but for that chance.
public struct PrimeField: RationalRing, Hashable {
  /// p = 2⁶¹ − 1.
  public static var modulus: UInt64 { 1 << 61 - 1 }
  /// The representative in `0 ..< modulus`.
  public let value: UInt64

  /// The class of `value`.
  @inlinable
  @inline(__always)
  public init(_ value: UInt64) { self.init(reducing: (value & Self.modulus) &+ (value >> 61)) }

  /// The class of `value`, which may be negative.
  public init(_ value: Int) {
    let magnitude = PrimeField(UInt64(value.magnitude))
    self = value < 0 ? .zero - magnitude : magnitude
  }

  /// The class of a number below twice the modulus.
  @inlinable
  @inline(__always)
  init(reducing sum: UInt64) { value = sum >= Self.modulus ? sum &- Self.modulus : sum }

  /// The class of 0.
  @inlinable
  public static var zero: PrimeField { PrimeField(reducing: 0) }

  /// The sum.
  @inlinable
  @inline(__always)
  public static func + (left: PrimeField, right: PrimeField) -> PrimeField {
    PrimeField(reducing: left.value &+ right.value)
  }

  /// The difference.
  @inlinable
  @inline(__always)
  public static func - (left: PrimeField, right: PrimeField) -> PrimeField {
    PrimeField(reducing: left.value &+ modulus &- right.value)
  }

  /// The product. As 2⁶¹ is 1 here, the high part of the full product is added to the low one.
  @inlinable
  @inline(__always)
  public static func * (left: PrimeField, right: PrimeField) -> PrimeField {
    let product = left.value.multipliedFullWidth(by: right.value)
    let high = product.high << 3 | product.low >> 61
    return PrimeField(reducing: (product.low & modulus) &+ high)
  }

  /// The number whose product with this one is 1; zero has none, which is a programming error.
  public var inverse: PrimeField {
    precondition(value != 0, "zero has no inverse")
    // The power p − 2 (Fermat), from its highest bit on.
    var power = self
    for bit in stride(from: 59, through: 0, by: -1) {
      power = power * power
      if (Self.modulus - 2) >> UInt64(bit) & 1 == 1 { power = power * self }
    }
    return power
  }

  /// The quotient, exactly.
  public static func quotient(_ numerator: Int, _ denominator: Int) -> PrimeField {
    PrimeField(numerator) * PrimeField(denominator).inverse
  }
}
