/// The shape of a convolution without its numbers, valid by construction: every way to compute it, and every
/// cost, follows from these few integers.
///
/// `y[a, b] = Σ_u Σ_v w[u, v] · x[a·s + u·d − p, b·s + v·d − p]`, with zeros outside the image: the
/// cross-correlation of `torch.conv2d`.
public struct ConvolutionGeometry: Hashable, Sendable {
  /// The meeting of the rows.
  public let rows: AxisGeometry
  /// The meeting of the columns.
  public let columns: AxisGeometry

  /// The most output elements where a caller sets no limit: 1 GiB of float64.
  public static var defaultOutputLimit: Int { 1 << 27 }

  /// A checked geometry. Nothing is allocated, whatever the numbers are.
  ///
  /// - Throws: the first of `emptyDimension`, `notPositive`, `negativePadding`, `samePaddingWithStride`,
  ///   `parameterTooLarge`, `filterExceedsImage`, `resultTooLarge` that applies.
  public init(
    image: Extent, filter: Extent, stride: Extent = Extent(1, 1), padding: PaddingRule = .valid,
    dilation: Extent = Extent(1, 1), maximumOutputElements: Int = ConvolutionGeometry.defaultOutputLimit
  ) throws(ConvolutionError) {
    try Self.check(.height, image, filter, stride, dilation)
    try Self.check(.width, image, filter, stride, dilation)
    let sides = try Self.sides(padding, filter: filter, stride: stride, dilation: dilation)
    if min(sides.top, sides.left, sides.bottom, sides.right) < 0 {
      for side in Padding.Side.allCases where sides[side] < 0 {
        throw .negativePadding(side: side, value: sides[side])
      }
    }
    rows = try AxisGeometry(
      axis: .height, image: image.height, filter: filter.height, stride: stride.height,
      dilation: dilation.height, before: sides.top, after: sides.bottom)
    columns = try AxisGeometry(
      axis: .width, image: image.width, filter: filter.width, stride: stride.width,
      dilation: dilation.width, before: sides.left, after: sides.right)
    let elements = saturatingProduct(rows.output, columns.output)
    if elements > maximumOutputElements {
      throw .resultTooLarge(elements: elements, limit: maximumOutputElements)
    }
  }

  private static func check(
    _ axis: Axis, _ image: Extent, _ filter: Extent, _ stride: Extent, _ dilation: Extent
  ) throws(ConvolutionError) {
    if image[axis] < 1 { throw .emptyDimension(field: .image, axis: axis) }
    if filter[axis] < 1 { throw .emptyDimension(field: .filter, axis: axis) }
    if stride[axis] < 1 { throw .notPositive(field: .stride, axis: axis, value: stride[axis]) }
    if dilation[axis] < 1 { throw .notPositive(field: .dilation, axis: axis, value: dilation[axis]) }
  }

  private static func sides(
    _ rule: PaddingRule, filter: Extent, stride: Extent, dilation: Extent
  ) throws(ConvolutionError) -> Padding {
    switch rule {
    case .sides(let padding): return padding
    case .valid: return .none
    case .same:
      if stride != Extent(1, 1) { throw .samePaddingWithStride(stride: stride) }
      let vertical = saturatingProduct(dilation.height, filter.height - 1)
      let horizontal = saturatingProduct(dilation.width, filter.width - 1)
      return Padding(
        top: vertical / 2, left: horizontal / 2, bottom: vertical - vertical / 2,
        right: horizontal - horizontal / 2)
    }
  }

  /// Rows and columns of the image.
  public var image: Extent { Extent(rows.image, columns.image) }
  /// Rows and columns of the filter.
  public var filter: Extent { Extent(rows.filter, columns.filter) }
  /// Rows and columns of the output.
  public var output: Extent { Extent(rows.output, columns.output) }
  /// Pixels from one output to the next.
  public var stride: Extent { Extent(rows.stride, columns.stride) }
  /// Pixels from one tap to the next.
  public var dilation: Extent { Extent(rows.dilation, columns.dilation) }
  /// Zeros on each side of the image.
  public var padding: Padding {
    Padding(top: rows.before, left: columns.before, bottom: rows.after, right: columns.after)
  }
  /// The products in one output: `kh · kw`.
  public var taps: Int { filter.elementCount }
}
