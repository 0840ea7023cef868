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
  ///
  /// Its elements are sums of products, so that the bound is that of a dot product, `γ_n·S` with `n` the most products in
  /// one element. Other numbers of elements than the shapes say are a programming error.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    ofGradient target: GradientTarget, _ result: borrowing Tensor<Scalar>, direct: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, upstream: borrowing Tensor<Scalar>
  ) {
    precondition(upstream.values.count == problem.geometry.resultElementCount, "another upstream's shape")
    let shape =
      switch target {
      case .image: problem.geometry.imageShape
      case .filter: problem.filter.shape
      case .bias: Shape(problem.geometry.resultChannels)
      }
    precondition(result.values.count == shape.elementCount, "another gradient's shape")
    precondition(direct.values.count == shape.elementCount, "another direct gradient's shape")
    let (image, filter) = (Scan(problem.image.values), Scan(problem.filter.values))
    let given = Scan(upstream.values)
    let one = Tensor<Scalar>(shape: Shape(1), repeating: 1)
    let summands = Summands(
      target, of: problem, upstream: upstream.values.baseAddress.unsafelyUnwrapped,
      one: one.values.baseAddress.unsafelyUnwrapped)
    let allowance = Allowance(
      dataType: Scalar.dataType, terms: summands.contraction().terms, elementwise: nil,
      format: Scalar.dataType)
    var assessor = Assessor(
      result.values.baseAddress.unsafelyUnwrapped, direct: direct.values.baseAddress.unsafelyUnwrapped,
      summands,
      allowance)
    summands.formReference(
      fused: image.isTooLargeToSplit || filter.isTooLargeToSplit || given.isTooLargeToSplit, into: &assessor)
    self.init(
      assessor, shape: shape,
      (image.nonfinite, filter.nonfinite, Scan(problem.bias.values).nonfinite, given.nonfinite))
  }
}
