/// How filter, image and output meet along one axis: tap `u` of output `a` reads pixel `a·stride + u·dilation
/// − before`, which is padding where it lies outside `0..<image`.
///
/// A transposed convolution goes the other way over the same meeting: what it is given stands at the outputs,
/// and what it makes stands at the pixels.
public struct AxisGeometry: Hashable, Sendable {
  /// Pixels of the image.
  public let image: Int
  /// Taps of the filter.
  public let filter: Int
  /// Pixels from one output to the next.
  public let stride: Int
  /// Pixels from one tap to the next.
  public let dilation: Int
  /// Padding before the first pixel.
  public let before: Int
  /// Padding behind the last pixel.
  public let after: Int
  /// What stands on the padding.
  public let mode: PaddingMode
  /// Outputs: `⌊(before + image + after − dilation·(filter − 1) − 1) / stride⌋ + 1`; where the geometry is a
  /// transposed one, at most as many.
  public let output: Int

  /// The most pixels, taps or steps along an axis: with it no sum or product of two of these numbers
  /// overflows.
  public static var maximumExtent: Int { Int(Int32.max) }

  /// The axis of an ordinary convolution, all numbers at least what the rule for them says.
  init(
    axis: Axis, image: Int, filter: Int, stride: Int, dilation: Int, before: Int, after: Int,
    mode: PaddingMode = .zeros
  ) throws(ConvolutionError) {
    // All else is within the limits already; padding may have been worked out.
    try Self.check(padding: before, after, axis)
    try Self.check(mode, axis, before: before, after: after, image: image)
    let extent = dilation * (filter - 1) + 1
    let padded = before + image + after
    if extent > padded {
      throw .filterExceedsImage(axis: axis, extent: extent, paddedExtent: padded)
    }
    self.init(
      image: image, filter: filter, stride: stride, dilation: dilation, before: before, after: after,
      mode: mode,
      output: (padded - extent) / stride + 1)
  }

  /// The axis of a transposed convolution that is given `output` elements and makes
  /// `(output − 1)·stride − before − after + dilation·(filter − 1) + outputPadding + 1`.
  init(
    axis: Axis, transposing output: Int, filter: Int, stride: Int, dilation: Int, before: Int, after: Int,
    outputPadding: Int
  ) throws(ConvolutionError) {
    try Self.check(padding: before, after, axis)
    let limit = max(stride, dilation)
    if outputPadding >= limit {
      throw .outputPaddingTooLarge(axis: axis, value: outputPadding, limit: limit - 1)
    }
    let full = (output - 1) * stride + dilation * (filter - 1) + 1 + outputPadding
    if full - before - after < 1 {
      throw .paddingExceedsResult(axis: axis, padding: before + after, limit: full - 1)
    }
    self.init(
      image: full - before - after, filter: filter, stride: stride, dilation: dilation, before: before,
      after: after,
      mode: .zeros, output: output)
  }

  /// One pixel, one tap and one output, which meet.
  static func single(_ mode: PaddingMode) -> AxisGeometry {
    AxisGeometry(
      image: 1, filter: 1, stride: 1, dilation: 1, before: 0, after: 0, mode: mode, output: 1)
  }

  private init(
    image: Int, filter: Int, stride: Int, dilation: Int, before: Int, after: Int, mode: PaddingMode,
    output: Int
  ) {
    self.image = image
    self.filter = filter
    self.stride = stride
    self.dilation = dilation
    self.before = before
    self.after = after
    self.mode = mode
    self.output = output
  }

  /// Refuses padding with which a sum or a product of two sizes could overflow.
  static func check(padding before: Int, _ after: Int, _ axis: Axis) throws(ConvolutionError) {
    let value = before > maximumExtent ? before : after
    if value > maximumExtent {
      throw .parameterTooLarge(field: .padding, axis: axis, value: value, limit: maximumExtent)
    }
  }

  /// Refuses padding that the image is too small to fill: a mirror image has `image − 1` pixels, another
  /// round `image`.
  private static func check(
    _ mode: PaddingMode, _ axis: Axis, before: Int, after: Int, image: Int
  ) throws(ConvolutionError) {
    let limit: Int
    switch mode {
    case .zeros, .replicate: return
    case .reflect: limit = image - 1
    case .circular: limit = image
    }
    for (side, value) in [(axis.sides.before, before), (axis.sides.after, after)] where value > limit {
      throw .paddingExceedsImage(mode: mode, side: side, value: value, limit: limit)
    }
  }

  /// The same axis over the image with its padding already around it.
  public var padded: AxisGeometry {
    AxisGeometry(
      image: before + image + after, filter: filter, stride: stride, dilation: dilation, before: 0, after: 0,
      mode: .zeros, output: output)
  }

  /// The axis along which the transposed map is a convolution: of what stands at the outputs, `stride` apart with zeros in
  /// between, by the filter turned round. The padding, which must be zeros, may come out negative.
  package var turned: AxisGeometry {
    let spread = (output - 1) * stride + 1
    let reach = dilation * (filter - 1)
    return AxisGeometry(
      image: spread, filter: filter, stride: 1, dilation: dilation, before: reach - before,
      after: image + before - spread, mode: .zeros, output: image)
  }

  /// The axis along which the filter's gradient is a convolution of the image by what stands at the outputs.
  package var contractedToTaps: AxisGeometry {
    AxisGeometry(
      image: image, filter: output, stride: dilation, dilation: stride, before: before, after: after,
      mode: mode,
      output: filter)
  }

  /// The pixel whose value stands at `position`, which may lie outside of the image by at most the padding;
  /// nil for a zero.
  public func source(of position: Int) -> Int? {
    if position >= 0 && position < image { return position }
    switch mode {
    case .zeros: return nil
    case .replicate: return position < 0 ? 0 : image - 1
    case .circular: return position < 0 ? position + image : position - image
    case .reflect: return position < 0 ? -position : 2 * (image - 1) - position
    }
  }

  /// The position that `tap` of `output` reads; outside `0..<image` it is padding, for `source(of:)` to
  /// resolve.
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

  /// The most taps with which outputs reach one pixel, the padding being zeros: taps that stand on the same
  /// pixel are whole steps apart, `stride / gcd(stride, dilation)` taps each.
  var tapsPerPixel: Int {
    var (a, b) = (stride, dilation)
    while b != 0 { (a, b) = (b, a % b) }
    let apart = stride / a
    return min(output, (filter + apart - 1) / apart)
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
