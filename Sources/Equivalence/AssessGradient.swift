public import Convolution

/// The three gradients of `⟨upstream, conv(image, filter) + bias⟩`.
public enum GradientTarget: String, CaseIterable, Sendable {
  /// By the image.
  case image
  /// By the filter.
  case filter
  /// By the bias.
  case bias
}

extension Assessment {
  /// Judges a gradient of `problem`, in the shape of what it is the gradient by (a filter's as it was given, before a
  /// flip), against the exact value and against the one that the direct formulation computed.
  public init<Scalar: TensorScalar>(
    ofGradient target: GradientTarget, _ result: borrowing Tensor<Scalar>, direct: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, upstream: borrowing Tensor<Scalar>
  ) {
    preconditionFailure("not yet")
  }
}
