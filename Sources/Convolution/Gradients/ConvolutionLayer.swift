/// A convolutional layer that learns: a filter, a bias, and the formulation by which it computes and learns.
///
/// Whatever the formulation, what is learnt are the filter's weights and the bias. The matrix `A` of the layer has a
/// fixed zero wherever no weight stands, and one weight at many places; a step moves the weight, and with it all its places
/// at once. So zeros stay zero and ties stay tied, not by a projection afterwards, but because nothing else is a parameter.
public struct ConvolutionLayer<Scalar: TensorScalar>: ~Copyable {
  /// The weights: kh×kw or K×C/g×kh×kw (of a transposed layer C_in×C_out/g×kh×kw), before a flip.
  public private(set) var filter: Tensor<Scalar>
  /// One number for each channel of the result.
  public private(set) var bias: Tensor<Scalar>
  /// Stride, padding and all else.
  public let options: ConvolutionOptions
  /// How it computes and, where the formulation has gradients, learns.
  public let formulation: Formulation
  /// How its matrices are stored.
  public let storage: Storage
  /// The most bytes that the operator of a pass may hold.
  public let memoryLimit: Int

  /// A layer that starts from `filter` and `bias`; a bias that is nil starts from zeros.
  ///
  /// - Throws: `unsupportedStorage`; `wrongRank`, `notPositive` or `groupsDoNotDivide` for a filter that fits no image;
  ///   `biasLength` where the bias has neither one number nor one for each channel of the result.
  public init(
    filter: consuming Tensor<Scalar>, bias: consuming Tensor<Scalar>? = nil,
    options: ConvolutionOptions = ConvolutionOptions(), formulation: Formulation = .direct,
    storage: Storage = .sparse, memoryLimit: Int = .max
  ) throws(ConvolutionError) {
    if !formulation.supports(storage) {
      throw .unsupportedStorage(formulation: formulation, storage: storage)
    }
    let rank = filter.shape.rank
    if rank != 2 && rank != 4 { throw .wrongRank(field: .filter, rank: rank) }
    let (filters, planes) = rank == 4 ? (filter.shape[0], filter.shape[1]) : (1, 1)
    if options.groups < 1 { throw .notPositive(field: .groups, axis: nil, value: options.groups) }
    if filters % options.groups != 0 {
      throw .groupsDoNotDivide(filters: filters, groups: options.groups)
    }
    let channels = options.transposed ? saturatingProduct(planes, options.groups) : filters
    if let bias {
      let count = bias.values.count
      if bias.shape.rank != 1 || count != 1 && count != channels {
        throw .biasLength(count, channels: channels)
      }
      self.bias = count == channels ? bias : Tensor(shape: Shape(channels), repeating: bias.values[0])
    } else {
      self.bias = Tensor(shape: Shape(channels), repeating: 0)
    }
    self.filter = filter
    self.options = options
    self.formulation = formulation
    self.storage = storage
    self.memoryLimit = memoryLimit
  }

  /// How many numbers it learns: the weights and the biases, whatever the size of the image and of `A`.
  public var parameterCount: Int { filter.values.count + bias.values.count }

  /// The result for `image`, H×W, C×H×W or N×C×H×W, plus the bias.
  ///
  /// - Throws: what `ConvolutionGeometry` and `Formulation.check` throw.
  public func forward(_ image: borrowing Tensor<Scalar>) throws(ConvolutionError) -> Tensor<Scalar> {
    let geometry = try geometry(for: image)
    var output = Tensor<Scalar>(shape: geometry.resultShape, repeating: 0)
    try formulation.makeOperator(
      storage: storage, geometry: geometry, filter: appliedFilter(taps: geometry.taps), bias: bias,
      memoryLimit: memoryLimit
    ).apply(to: image, into: &output)
    return output
  }

  /// The gradients of a loss whose derivative by `forward(image)` is `upstream`, in that result's shape.
  ///
  /// - Throws: `unsupported` where the formulation has no gradients, `upstreamShape`, or what `forward` throws.
  public func back(
    _ image: borrowing Tensor<Scalar>, upstream: borrowing Tensor<Scalar>
  ) throws(ConvolutionError) -> Gradients<Scalar> {
    let geometry = try geometry(for: image)
    return try formulation.gradients(
      geometry: geometry, image: image, filter: appliedFilter(taps: geometry.taps), isFlipped: options.flip,
      upstream: upstream, storage: storage, memoryLimit: memoryLimit, workLimit: .max)
  }

  /// One step of gradient descent: every weight and every bias moves by `−rate` times its gradient. Gradients of another
  /// layer's shapes are a programming error.
  public mutating func step(_ gradients: borrowing Gradients<Scalar>, rate: Scalar) {
    precondition(
      gradients.filter.shape == filter.shape && gradients.bias.shape == bias.shape,
      "another layer's gradients")
    descend(filter.mutableValues, gradients.filter.values, rate)
    descend(bias.mutableValues, gradients.bias.values, rate)
  }

  private func geometry(for image: borrowing Tensor<Scalar>) throws(ConvolutionError) -> ConvolutionGeometry {
    try ConvolutionGeometry(image: image.shape, filter: filter.shape, options: options)
  }

  /// The filter as it is applied.
  private func appliedFilter(taps: Int) -> Tensor<Scalar> {
    var applied = Tensor<Scalar>(shape: filter.shape, repeating: 0)
    _ = applied.mutableValues.update(from: filter.values)
    if options.flip { rotatePlanes(applied.mutableValues, taps: taps) }
    return applied
  }

  private func descend(
    _ parameters: UnsafeMutableBufferPointer<Scalar>, _ gradient: UnsafeBufferPointer<Scalar>, _ rate: Scalar
  ) {
    for index in 0..<parameters.count { parameters[index] -= rate * gradient[index] }
  }
}

extension ConvolutionLayer: Sendable {}
