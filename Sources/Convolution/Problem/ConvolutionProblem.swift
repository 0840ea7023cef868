/// An image, a filter and a bias that fit each other: past this type there is nothing left to check.
public struct ConvolutionProblem<Scalar: Ring>: ~Copyable {
  /// How they meet.
  public let geometry: ConvolutionGeometry
  /// The image: H×W, C×H×W or N×C×H×W.
  public let image: Tensor<Scalar>
  /// The filter as it is applied: kh×kw or K×C/g×kh×kw (already rotated where a flip was asked for).
  public let filter: Tensor<Scalar>
  /// One number for each channel of the result, zeros where there is no bias.
  public let bias: Tensor<Scalar>
  /// Whether a bias was given: one more term in every sum.
  public let hasBias: Bool

  /// Whether `filter` is the given one rotated.
  public let isFlipped: Bool

  /// Checks that image, filter and bias meet, before anything is allocated.
  ///
  /// - Parameter bias: one number for each channel of the result, or a single one for all of them.
  /// - Throws: `biasLength`, or what `ConvolutionGeometry` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init(
    image: consuming Tensor<Scalar>, filter: consuming Tensor<Scalar>, bias: consuming Tensor<Scalar>? = nil,
    options: ConvolutionOptions = ConvolutionOptions(),
    maximumOutputElements: Int = ConvolutionGeometry.defaultOutputLimit
  ) throws(ConvolutionError) {
    let geometry = try ConvolutionGeometry(
      image: image.shape, filter: filter.shape, options: options, maximumOutputElements: maximumOutputElements
    )
    let channels = geometry.resultChannels
    if let bias {
      let count = bias.values.count
      if bias.shape.rank != 1 || count != 1 && count != channels {
        throw .biasLength(count, channels: channels)
      }
      self.bias =
        count == channels ? bias : Tensor(shape: Shape(channels), repeating: bias.values[0])
      hasBias = true
    } else {
      self.bias = Tensor(shape: Shape(channels), repeating: .zero)
      hasBias = false
    }
    self.geometry = geometry
    self.image = image
    isFlipped = options.flip
    if options.flip {
      var rotated = filter
      rotated.rotatePlanes(ofTaps: geometry.taps)
      self.filter = rotated
    } else {
      self.filter = filter
    }
  }

  /// The most terms that are added in one element of the result.
  public var terms: Int { saturatingSum(geometry.terms, hasBias ? 1 : 0) }

  /// An output of the right shape, filled with zeros.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func makeOutput() -> Tensor<Scalar> {
    Tensor(shape: geometry.resultShape, repeating: .zero)
  }
}

extension ConvolutionProblem: Sendable {}

extension Tensor {
  /// Rotates each plane of `taps` elements by 180°, which reverses their row-major order.
  package mutating func rotatePlanes(ofTaps taps: Int) {
    let values = mutableValues
    for start in stride(from: 0, to: values.count, by: taps) { values[start..<start + taps].reverse() }
  }
}
