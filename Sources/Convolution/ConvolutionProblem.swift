/// An image and a filter that fit each other: past this type there is nothing left to check.
public struct ConvolutionProblem<Scalar: Ring>: ~Copyable {
  /// How the two meet.
  public let geometry: ConvolutionGeometry
  /// The image, H×W.
  public let image: Tensor<Scalar>
  /// The filter as it is applied, kh×kw (already rotated where a flip was asked for).
  public let filter: Tensor<Scalar>

  /// Checks that image and filter are matrices that meet, before anything is allocated.
  ///
  /// - Parameter flip: asks for the mathematician's convolution: the filter is rotated by 180°, once, here.
  /// - Throws: `wrongRank`, or what `ConvolutionGeometry` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init(
    image: consuming Tensor<Scalar>, filter: consuming Tensor<Scalar>, stride: Extent = Extent(1, 1),
    padding: PaddingRule = .valid, dilation: Extent = Extent(1, 1), flip: Bool = false,
    maximumOutputElements: Int = ConvolutionGeometry.defaultOutputLimit
  ) throws(ConvolutionError) {
    if image.shape.rank != 2 { throw .wrongRank(field: .image, rank: image.shape.rank) }
    if filter.shape.rank != 2 { throw .wrongRank(field: .filter, rank: filter.shape.rank) }
    geometry = try ConvolutionGeometry(
      image: Extent(image.shape[0], image.shape[1]), filter: Extent(filter.shape[0], filter.shape[1]),
      stride: stride, padding: padding, dilation: dilation, maximumOutputElements: maximumOutputElements)
    self.image = image
    if flip {
      // Reversing the row-major order is the rotation by 180°.
      var rotated = filter
      var taps = rotated.mutableValues
      taps.reverse()
      self.filter = rotated
    } else {
      self.filter = filter
    }
  }

  /// An output of the right shape, filled with zeros.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func makeOutput() -> Tensor<Scalar> {
    Tensor(shape: Shape(geometry.output.height, geometry.output.width), repeating: .zero)
  }
}

extension ConvolutionProblem: Sendable {}
