/// How an axis is cut into blocks for transforms of one length.
///
/// Everything is written in stride-1 positions: output `a` stands at `o = a·stride − before`, and tap `e` of the filter
/// spread over `extent = dilation·(filter − 1) + 1` takes pixel `j = o + e` to it.
package struct FourierAxis: Hashable, Sendable {
  /// Points of a transform, a power of two.
  package let length: Int
  /// Pixels over which the filter is spread.
  package let extent: Int
  /// The pixels that some output may reach.
  let pixels: Range<Int>
  /// The outputs that may reach a pixel.
  let outputs: Range<Int>
  /// The positions of those outputs, from the first to the last.
  let positions: Range<Int>
  /// Pixels, or positions, of a block.
  package let block: Int
  private let stride: Int
  private let before: Int

  /// Blocks of `length`, or one block of at least `least` points; nil where the filter does not fit in.
  init?(_ axis: AxisGeometry, length: Int?, least: Int) {
    extent = axis.dilation * (axis.filter - 1) + 1
    stride = axis.stride
    before = axis.before
    let first = max(0, Self.quotient(axis.before - extent + axis.stride, axis.stride))
    let last = min(axis.output - 1, (axis.image - 1 + axis.before) / axis.stride)
    outputs = first..<max(first, last + 1)
    let full: Int
    if outputs.isEmpty {
      (pixels, positions) = (0..<0, 0..<0)
      full = Self.powerOfTwo(max(extent, least))
    } else {
      positions = first * stride - before..<last * stride - before + 1
      pixels = max(0, positions.lowerBound)..<min(axis.image, saturatingSum(positions.upperBound - 1, extent))
      // In a circle of fewer points an output would meet what belongs to another one.
      let ahead = pixels.upperBound - positions.lowerBound
      let behind = saturatingSum(positions.upperBound - 1 - pixels.lowerBound, extent)
      full = Self.powerOfTwo(max(ahead, behind, extent, least))
    }
    self.length = min(length ?? full, full)
    if self.length < extent { return nil }
    block = self.length == full ? full : self.length - extent + 1
  }

  /// Blocks that are transformed on the way to the outputs, or back to the pixels.
  package func blockCount(adjoint: Bool) -> Int {
    let count = adjoint ? positions.count : pixels.count
    return count / block + (count % block == 0 ? 0 : 1)
  }

  /// The most blocks that add to one and the same output, or pixel.
  package func overlap(adjoint: Bool) -> Int {
    min(blockCount(adjoint: adjoint), (block - 1 + extent - 1) / block + 1)
  }

  /// The pixels of a block.
  package func pixels(ofBlock index: Int) -> Range<Int> {
    let start = pixels.lowerBound + index * block
    return start..<min(start + block, pixels.upperBound)
  }

  /// The positions of a block.
  package func positions(ofBlock index: Int) -> Range<Int> {
    let start = positions.lowerBound + index * block
    return start..<min(start + block, positions.upperBound)
  }

  /// The outputs at `positions`.
  package func outputs(at positions: Range<Int>) -> Range<Int> {
    let lower = max(outputs.lowerBound, Self.quotient(positions.lowerBound + before + stride - 1, stride))
    let upper = min(outputs.upperBound, Self.quotient(positions.upperBound - 1 + before, stride) + 1)
    return lower..<max(lower, upper)
  }

  /// The outputs to which pixels reach.
  package func outputs(reachedBy pixels: Range<Int>) -> Range<Int> {
    outputs(at: pixels.lowerBound - extent + 1..<pixels.upperBound)
  }

  /// The pixels to which positions reach.
  package func pixels(reachedBy positions: Range<Int>) -> Range<Int> {
    let lower = max(pixels.lowerBound, positions.lowerBound)
    return lower..<max(lower, min(pixels.upperBound, positions.upperBound + extent - 1))
  }

  /// The position of an output.
  @inline(__always)
  func position(of output: Int) -> Int { output * stride - before }

  /// The point of the circle at `offset` from its start.
  @inline(__always)
  func wrapped(_ offset: Int) -> Int { offset & (length - 1) }

  /// `⌊a/b⌋`, `b` positive.
  @inline(__always)
  private static func quotient(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }

  /// The least power of two not below `count`; 2⁶² at most, with which no count of bytes fits.
  static func powerOfTwo(_ count: Int) -> Int {
    var power = 1
    while power < count && power < 1 << 62 { power *= 2 }
    return power
  }
}
