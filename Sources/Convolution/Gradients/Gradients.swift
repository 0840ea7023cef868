/// The gradients of `⟨upstream, conv(image, filter) + bias⟩`.
public struct Gradients<Scalar: Ring>: ~Copyable, Sendable {
  /// By the image, in its shape.
  public let image: Tensor<Scalar>
  /// By the filter as it was given (before a flip), in its shape.
  public let filter: Tensor<Scalar>
  /// By the bias: one number for each channel of the result.
  public let bias: Tensor<Scalar>
}

extension Formulation {
  /// The gradients of `⟨upstream, result⟩`, computed by this formulation: `direct`, `toeplitz` or `banded`.
  ///
  /// - Parameter upstream: The derivative by the result, in its shape.
  /// - Throws: `unsupported`, `upstreamShape`, or what `check` throws.
  public func gradients<Scalar: TensorScalar>(
    of problem: borrowing ConvolutionProblem<Scalar>, upstream: borrowing Tensor<Scalar>, storage: Storage,
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> Gradients<Scalar> {
    preconditionFailure("not yet")
  }
}
