/// Holds gradients against finite differences along one direction, in float64.
///
/// `L(t) = ⟨g, conv(x + t·dx, w + t·dw) + b + t·db⟩` is a polynomial of degree 2 in `t`, so that the central difference
/// `(L(t) − L(−t)) / 2t` is `L′(0)` exactly, for any `t`, but for rounding.
public struct DirectionalCheck: Hashable, Sendable {
  /// `⟨∂x, dx⟩ + ⟨∂w, dw⟩ + ⟨∂b, db⟩` with the gradients that are checked.
  public let directional: Double
  /// The central difference of the direct computation.
  public let difference: Double
  /// `|directional − difference|` relative to the larger magnitude; 0 where both are 0.
  public let relativeDeviation: Double

  /// Computes the gradients of `problem` by `formulation` in float64 and checks them along a seeded random direction.
  ///
  /// - Throws: what `Formulation.gradients` throws.
  public init<Scalar: TensorScalar>(
    _ formulation: Formulation, storage: Storage, problem: borrowing ConvolutionProblem<Scalar>,
    upstream: borrowing Tensor<Scalar>, seed: UInt64 = 1, memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) {
    preconditionFailure("not yet")
  }
}
