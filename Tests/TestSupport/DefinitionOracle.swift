public import Convolution

/// One convolution's parameters, as a test chooses them.
public struct Parameters: Sendable {
  /// Rows and columns of the image.
  public var image: Extent
  /// Rows and columns of the filter.
  public var filter: Extent
  /// Stride.
  public var stride: Extent
  /// Padding.
  public var padding: Padding
  /// Dilation.
  public var dilation: Extent

  /// Parameters as given.
  public init(image: Extent, filter: Extent, stride: Extent, padding: Padding, dilation: Extent) {
    self.image = image
    self.filter = filter
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
  }

  /// One line of JSON with which `POST /convolve` repeats the case.
  public func reproduction<Scalar>(
    _ image: [Scalar], _ filter: [Scalar], _ formulation: Formulation, _ storage: Storage
  ) -> String {
    func rows(_ values: [Scalar], _ size: Extent) -> String {
      let lines = (0..<size.height).map { row in
        "[" + (0..<size.width).map { "\(values[row * size.width + $0])" }.joined(separator: ",") + "]"
      }
      return "[" + lines.joined(separator: ",") + "]"
    }
    return """
      {"image":\(rows(image, self.image)),"filter":\(rows(filter, self.filter)),\
      "formulation":"\(formulation.rawValue)","storage":"\(storage.rawValue)",\
      "stride":[\(stride.height),\(stride.width)],\
      "padding":[\(padding.top),\(padding.left),\(padding.bottom),\(padding.right)],\
      "dilation":[\(dilation.height),\(dilation.width)]}
      """
  }
}

/// The definition as four loops over a padded image that is asked pixel by pixel, written without any part of the
/// library; nil where the filter does not fit.
public func definition<Scalar: AdditiveArithmetic>(
  _ image: [Scalar], _ filter: [Scalar], _ p: Parameters, multiply: (Scalar, Scalar) -> Scalar
) -> (output: [Scalar], height: Int, width: Int)? {
  let spanHeight = (p.filter.height - 1) * p.dilation.height + 1
  let spanWidth = (p.filter.width - 1) * p.dilation.width + 1
  let freeHeight = p.image.height + p.padding.top + p.padding.bottom - spanHeight
  let freeWidth = p.image.width + p.padding.left + p.padding.right - spanWidth
  if freeHeight < 0 || freeWidth < 0 { return nil }
  var output: [Scalar] = []
  for top in stride(from: 0, through: freeHeight, by: p.stride.height) {
    for left in stride(from: 0, through: freeWidth, by: p.stride.width) {
      var sum = Scalar.zero
      for u in 0..<p.filter.height {
        let row = top + u * p.dilation.height - p.padding.top
        if row < 0 || row >= p.image.height { continue }
        for v in 0..<p.filter.width {
          let column = left + v * p.dilation.width - p.padding.left
          if column < 0 || column >= p.image.width { continue }
          sum += multiply(filter[u * p.filter.width + v], image[row * p.image.width + column])
        }
      }
      output.append(sum)
    }
  }
  return (output, freeHeight / p.stride.height + 1, freeWidth / p.stride.width + 1)
}
