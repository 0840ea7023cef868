/// What a formulation may do with its numbers: add and multiply.
///
/// Every formulation is written against this protocol alone, so that the same algorithm that runs on floats
/// runs on integers (where every result is exact) and on finite fields (where equality is a proof).
public protocol Ring: AdditiveArithmetic, BitwiseCopyable, Sendable {
  /// The product of two elements.
  static func * (left: Self, right: Self) -> Self
}

extension Float: Ring {}
extension Double: Ring {}
extension Int: Ring {}
