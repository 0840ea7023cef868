/// How filter, image and output meet along one axis: tap `u` of output `a` reads pixel `a·stride + u·dilation
/// − before`, which is padding where it lies outside `0..<image`.
public struct AxisGeometry: Hashable, Sendable {
  /// Pixels of the image.
  public let image: Int
  /// Taps of the filter.
  public let filter: Int
  /// Pixels from one output to the next.
  public let stride: Int
  /// Pixels from one tap to the next.
  public let dilation: Int
  /// Zeros before the first pixel.
  public let before: Int
  /// Zeros behind the last pixel.
  public let after: Int
  /// Outputs: `⌊(before + image + after − dilation·(filter − 1) − 1) / stride⌋ + 1`.
  public let output: Int

  /// The most pixels, taps or steps along an axis: with it no sum or product of two of these numbers overflows.
  public static var maximumExtent: Int { Int(Int32.max) }

  init(
    axis: Axis, image: Int, filter: Int, stride: Int, dilation: Int, before: Int, after: Int
  ) throws(ConvolutionError) {
    let largest = Self.maximumExtent
    if max(max(image, filter, stride), max(dilation, before, after)) > largest {
      let parameters: [(ConvolutionError.Field, Int)] = [
        (.image, image), (.filter, filter), (.stride, stride), (.dilation, dilation), (.padding, before),
        (.padding, after),
      ]
      for (field, value) in parameters where value > largest {
        throw .parameterTooLarge(field: field, axis: axis, value: value, limit: largest)
      }
    }
    let extent = dilation * (filter - 1) + 1
    let padded = before + image + after
    if extent > padded {
      throw .filterExceedsImage(axis: axis, extent: extent, paddedExtent: padded)
    }
    self.image = image
    self.filter = filter
    self.stride = stride
    self.dilation = dilation
    self.before = before
    self.after = after
    self.output = (padded - extent) / stride + 1
  }

  /// The pixel that `tap` of `output` reads; outside `0..<image` it is padding.
  public func pixel(output: Int, tap: Int) -> Int { output * stride + tap * dilation - before }

  /// The outputs for which `tap` reads the image and not the padding.
  public func outputs(reachedBy tap: Int) -> Range<Int> {
    let offset = tap * dilation - before
    let lower = offset >= 0 ? 0 : min(output, (-offset + stride - 1) / stride)
    let last = image - 1 - offset
    let upper = last < 0 ? 0 : min(output, last / stride + 1)
    return lower..<max(lower, upper)
  }

  /// The outputs for which all taps read the image; empty, at the end of the outputs, where there are none.
  public var interior: Range<Int> {
    // Later taps reach earlier outputs: the first tap starts last and the last tap stops first.
    let lower = outputs(reachedBy: 0).lowerBound
    let upper = outputs(reachedBy: filter - 1).upperBound
    return lower < upper ? lower..<upper : output..<output
  }

  /// The taps with which output `position` reads the image and not the padding.
  public func taps(of position: Int) -> Range<Int> {
    let first = position * stride - before
    if first >= 0 && first + (filter - 1) * dilation < image { return 0..<filter }
    let lower = first >= 0 ? 0 : min(filter, (-first + dilation - 1) / dilation)
    let last = image - 1 - first
    let upper = last < 0 ? 0 : min(filter, last / dilation + 1)
    return lower..<max(lower, upper)
  }
}
