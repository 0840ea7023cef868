/// What a formulation may do with its numbers: add and multiply.
///
/// Every formulation is written against this protocol alone, so that the same algorithm that runs on floats
/// runs on integers (where every result is exact) and on finite fields (where equality is a proof).
public protocol Ring: AdditiveArithmetic, BitwiseCopyable, Sendable {
  /// The product of two elements.
  static func * (left: Self, right: Self) -> Self
}

extension Int: Ring {}

/// A ring that has the quotients of integers, as Winograd's transforms need them.
public protocol RationalRing: Ring {
  /// The quotient, which floating-point types round once. Both are small; `denominator` is not zero.
  static func quotient(_ numerator: Int, _ denominator: Int) -> Self
}

extension Float: RationalRing {
  /// The nearest float32.
  public static func quotient(_ numerator: Int, _ denominator: Int) -> Float {
    Float(numerator) / Float(denominator)
  }
}

extension Double: RationalRing {
  /// The nearest float64.
  public static func quotient(_ numerator: Int, _ denominator: Int) -> Double {
    Double(numerator) / Double(denominator)
  }
}
