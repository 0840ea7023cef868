public import Convolution

/// How far the results of a formulation may lie from the exact value.
public enum ResultBound: ~Copyable, Sendable {
  /// As any sum of the definition's products in the arithmetic of the problem: `γ_n·S` (see `ErrorBound`).
  case dotProduct
  /// By element, in the shape of the result: how far the result may lie from the exact value as it was computed, before
  /// it is rounded to a shorter format. An element that is not finite says that there is no bound.
  case elementwise(Tensor<Double>)

  /// The bound for what `prepared` computes from the image of `problem`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    of prepared: borrowing ConvolutionOperator<Scalar>, problem: borrowing ConvolutionProblem<Scalar>
  ) {
    if prepared.formulation.isDotProduct {
      self = .dotProduct
    } else if let map = prepared.map as? WinogradOperator<Scalar> {
      self = .elementwise(WinogradBound.evaluate(map, problem))
    } else if let map = prepared.map as? SeparableOperator<Scalar> {
      self = .elementwise(SeparableBound(map, problem).evaluate(problem))
    } else if let bound = FourierBound.elements(of: prepared, problem: problem) {
      self = .elementwise(bound)
    } else {
      self = .dotProduct
    }
  }

  /// The bounds by element, valid while this lives; nil for dot products. Another number of them than `count` is a
  /// programming error.
  borrowing func elements(count: Int) -> UnsafePointer<Double>? {
    switch self {
    case .dotProduct: return nil
    case .elementwise(let bounds):
      precondition(bounds.values.count == count, "another number of bounds")
      return bounds.values.baseAddress
    }
  }

  /// At least the norm of the bounds by element; nil for dot products.
  borrowing func norm() -> Double? {
    switch self {
    case .dotProduct: nil
    case .elementwise(let bounds): bounds.norm()
    }
  }
}
