public import Convolution
import Synchronization

/// One at a time chooses a variant of the kernels, since the choice is the process's.
private let choosing = Mutex<Void>(())

/// Calls `body` for each variant that this processor can run, while that is the chosen one. What is made meanwhile keeps to it;
/// tests beside this one may be given any variant, which must not matter to them.
public func withEveryVariant<Failure: Error>(
  _ body: (KernelVariant) throws(Failure) -> Void
) throws(Failure) {
  try choosing.withLock { _ throws(Failure) in
    let before = KernelVariant.selected
    defer { before.select() }
    for variant in KernelVariant.available {
      variant.select()
      try body(variant)
    }
  }
}

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
