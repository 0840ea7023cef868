public import Convolution

/// A float that the kernels do not know, so that it takes their plain twins: every product and every sum rounded.
public struct PlainFloat: RationalRing, Equatable {
  /// The number.
  public var value: Float

  /// A number.
  public init(_ value: Float) { self.value = value }

  /// No number.
  public static var zero: PlainFloat { PlainFloat(0) }
  /// The rounded sum.
  public static func + (left: PlainFloat, right: PlainFloat) -> PlainFloat {
    PlainFloat(left.value + right.value)
  }
  /// The rounded difference.
  public static func - (left: PlainFloat, right: PlainFloat) -> PlainFloat {
    PlainFloat(left.value - right.value)
  }
  /// The rounded product.
  public static func * (left: PlainFloat, right: PlainFloat) -> PlainFloat {
    PlainFloat(left.value * right.value)
  }
  /// The rounded quotient.
  public static func quotient(_ numerator: Int, _ denominator: Int) -> PlainFloat {
    PlainFloat(.quotient(numerator, denominator))
  }
}
