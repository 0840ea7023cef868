import Buffers
import CKernels

/// The gradient of a convolution with many channels by its filter, on the kernels of `CKFilterGradient`: the derivative by the
/// results times the pixels under each tap, summed over rows of results that stay in the cache. Products on padding are left
/// out.
struct FilterGradientKernel {
  private let geometry: ConvolutionGeometry
  private let shape: Shape

  /// The sizes that follow from a geometry.
  private struct Shape {
    let rowBlock: Int
    let channelBlock: Int
    let scratch: Int

    /// Results of a block of channels, and bytes of their weights' sums, that stay in the second-level cache.
    private static var blockResults: Int { 1024 }
    private static var sumBytes: Int { 1 << 15 }
    /// Fewer made channels waste most of a vector: then pairs of planes are faster, where there is a kernel for these.
    private static var fewestMade: Int { 4 }

    /// Nil where few channels are made, or a row of results or a plane of taps is too large to be taken at once.
    init?(_ geometry: ConvolutionGeometry, scalarByteCount: Int) {
      let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
      if columns.output > 4096 || geometry.taps > 4096 { return nil }
      let steps = [rows.stride, columns.stride, rows.dilation, columns.dilation]
      if channels.outputPerGroup < (steps.allSatisfy { $0 == 1 } ? Self.fewestMade : 2) { return nil }
      let block = LanePlan.blockChannels(scalarByteCount: scalarByteCount)
      rowBlock = min(rows.output, max(1, Self.blockResults / columns.output))
      let near = Self.sumBytes / (geometry.taps * block * scalarByteCount)
      // Sixteen channels' sums fill whole squares when they are turned, whatever the filter.
      channelBlock = min(channels.imagePerGroup, near >= 16 ? near / 16 * 16 : max(1, near))
      // The fewest taps at a time make the most parts of a row of them; each has two numbers of eight bytes for a column of results.
      let parts = (columns.filter + 5) / 6
      scratch =
        block * (1 + rowBlock * columns.output + channelBlock * geometry.taps) + parts * columns.output * 16
        / scalarByteCount
    }
  }

  /// Nil where a group has one plane on both sides, or sizes that the kernel does not take.
  init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, of type: Scalar.Type) {
    guard ChannelTable.supports(Scalar.self),
      let shape = Shape(geometry, scalarByteCount: MemoryLayout<Scalar>.stride)
    else { return nil }
    self.geometry = geometry
    self.shape = shape
  }

  /// Bytes that one use takes; 0 where there is no kernel.
  static func heldBytes(_ geometry: ConvolutionGeometry, scalarByteCount: Int) -> Int {
    guard let shape = Shape(geometry, scalarByteCount: scalarByteCount) else { return 0 }
    return saturatingProduct(shape.scratch, scalarByteCount)
  }

  /// Adds the gradient.
  @inline(__always)
  func add<Scalar: Ring>(
    outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
    into gradient: UnsafeMutablePointer<Scalar>
  ) {
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let (given, made) = (channels.imagePerGroup, channels.outputPerGroup)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let kernelShape = CKFilterShape(
      channels: given, rows: rows.image, columns: columns.image, made: made, madeRows: rows.output,
      madeColumns: columns.output, tapRows: rows.filter, tapColumns: columns.filter,
      rowStride: rows.stride, columnStride: columns.stride, rowDilation: rows.dilation,
      columnDilation: columns.dilation, above: rows.before, before: columns.before,
      rowBlock: shape.rowBlock, channelBlock: shape.channelBlock)
    let table = LaneTable()
    let width = table.blockChannels(Scalar.self)
    let blocks = ChannelPlan.blocks(of: made, width)
    // Each part adds to weights of its own, over all images of the batch.
    Parallel.forEachPiece(of: channels.groups &* blocks, least: 1, multiplyAdds: geometry.multiplyAdds) {
      pieces in
      let scratch = AlignedBuffer<Scalar>(capacity: shape.scratch)
      for piece in pieces {
        let (group, block) = piece.quotientAndRemainder(dividingBy: blocks)
        for n in 0..<channels.batch {
          let number = n &* channels.groups &+ group
          table.addFilterGradient(
            kernelShape, images + number &* given &* imagePlane, outputs + number &* made &* outputPlane,
            into: gradient + group &* made &* given &* geometry.taps, scratch.base,
            blocks: block..<block &+ 1)
        }
      }
    }
  }
}
