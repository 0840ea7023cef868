/// The smallest kernel along one axis that covers given classes under a given stride.
struct AxisFit {
  let stride: Int
  /// Taps.
  let filter: Int
  let dilation: Int
  /// Padding before the first pixel.
  let before: Int
  /// Padding behind the last pixel: any of these makes the same outputs.
  let after: ClosedRange<Int>
  /// Whether the stride is but one of several that make the same matrix.
  let strideIsFree: Bool
  /// Whether the dilation is but one of several.
  let dilationIsFree: Bool
  /// Taps at the ends that are zero and needed only because padding can't be negative.
  let zeroTaps: Int
  /// Whether the stride reaches past the image, so that no entry is tied to another along this axis.
  let isUntied: Bool

  /// Pixels from the first tap to the last, both counted.
  var reach: Int { (filter - 1) * dilation + 1 }

  /// The fit of `keys` under `stride`, which is free where there is one output.
  init(_ axis: MatrixAxis, keys: KeyRange, stride: Int) {
    let span = keys.greatest - keys.least
    let single = axis.outputs == 1
    // One output: the least stride with which a second one would not fit any more.
    let stride = single ? max(1, axis.extent - keys.least - span) : stride
    // Padding is at least 0 on both sides: what is missing there becomes zero taps. Behind the image there is a play
    // of one stride.
    let leading = max(0, keys.least)
    let least = (axis.outputs - 1) * stride + span + 1 - axis.extent + keys.least
    let trailing = max(0, -(least + stride - 1))
    let dilation = keys.step > 0 ? keys.step : max(1, leading, trailing)
    let first = (leading + dilation - 1) / dilation
    let last = (trailing + dilation - 1) / dilation
    self.stride = stride
    self.dilation = dilation
    filter = span / dilation + 1 + first + last
    before = first * dilation - keys.least
    let after = least + last * dilation
    self.after = max(0, after)...(after + stride - 1)
    strideIsFree = single
    dilationIsFree = keys.step == 0
    zeroTaps = first + last
    isUntied = !single && stride >= axis.extent && axis.extent > 1
  }

  /// The fit of a matrix of zeros: one tap.
  init(zerosAlong axis: MatrixAxis) {
    stride = max(1, (axis.extent + axis.outputs - 1) / axis.outputs)
    dilation = 1
    filter = 1
    before = 0
    let least = (axis.outputs - 1) * stride + 1 - axis.extent
    after = max(0, least)...(least + stride - 1)
    strideIsFree = true
    dilationIsFree = true
    zeroTaps = 0
    isUntied = false
  }

  /// Whether this fit is to be preferred: fewer taps, then nearer ones, then the smaller stride.
  func isBetter(than other: AxisFit?) -> Bool {
    guard let other else { return true }
    return (filter, reach, stride) < (other.filter, other.reach, other.stride)
  }

  /// The tap of a class, nil where the kernel has none there.
  @inline(__always)
  func tap(of key: Int) -> Int? {
    let distance = key + before
    if distance < 0 || distance % dilation != 0 { return nil }
    let tap = distance / dilation
    return tap < filter ? tap : nil
  }
}
