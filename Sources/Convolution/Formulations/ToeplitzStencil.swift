import Buffers

/// The matrix `A` of the convolution as the stencils that the rows of each block share: for each pair of an output and an
/// image channel the tied weights once, each with its distance from the row's first pixel. No zero is stored or
/// multiplied: weights that are zero are dropped, and where a row reaches the padding its range of columns ends.
final class ToeplitzStencil<Scalar: Ring>: LinearMap {
  /// A nonzero weight of the matrix and where it stands.
  struct Entry: BitwiseCopyable, Sendable {
    let weight: Scalar
    /// Rows of the image from the row `a · stride`.
    let rowOffset: Int
    /// Columns of the image from the column `b · stride`.
    let columnOffset: Int
    /// The outputs of a row for which the entry stands on the image: `lower ..< upper`.
    let lower: Int
    let upper: Int
  }

  private let geometry: ConvolutionGeometry
  /// The entries, block after block, in the order of the matrix's columns.
  private let entries: AlignedBuffer<Entry>
  private let blocks: AlignedBuffer<StencilBlock>
  /// What computes the rows where it can.
  private let kernel: StencilKernel?

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    self.geometry = geometry
    kernel = StencilKernel(geometry, Scalar.self)
    let rows = geometry.rows
    let columns = geometry.columns
    let planes = geometry.channels.output * geometry.channels.imagePerGroup
    var entries = AlignedBuffer<Entry>(capacity: geometry.weights)
    var blocks = AlignedBuffer<StencilBlock>(capacity: planes)
    for plane in 0..<planes {
      let first = entries.count
      var lower = 0
      var upper = columns.output
      for u in 0..<rows.filter {
        for v in 0..<columns.filter {
          let weight = filter[plane &* geometry.taps &+ u &* columns.filter &+ v]
          if weight == .zero { continue }
          let reached = columns.outputs(reachedBy: v)
          lower = max(lower, reached.lowerBound)
          upper = min(upper, reached.upperBound)
          entries.append(
            Entry(
              weight: weight, rowOffset: u * rows.dilation - rows.before,
              columnOffset: v * columns.dilation - columns.before, lower: reached.lowerBound,
              upper: reached.upperBound))
        }
      }
      let isEmpty = lower >= upper
      blocks.append(
        StencilBlock(
          first: first, end: entries.count, lower: isEmpty ? columns.output : lower,
          upper: isEmpty ? columns.output : upper))
    }
    self.entries = entries
    self.blocks = blocks
  }

  var heldBytes: Int {
    entries.count * MemoryLayout<Entry>.stride + blocks.count * MemoryLayout<StencilBlock>.stride
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let entries = UnsafePointer(self.entries.base)
    let imagePlane = geometry.image.elementCount
    geometry.forEachPlane(of: channels.output, rows: rows.output, multiplyAdds: geometry.multiplyAdds) {
      n, k, outputRows in
      let outputPlane = output + (n &* channels.output &+ k) &* geometry.output.elementCount
      let firstPlane = image + (n &* channels.image &+ channels.firstImageChannel(of: k)) &* imagePlane
      let blocks = UnsafePointer(self.blocks.base) + k &* channels.imagePerGroup
      if let kernel {
        kernel.apply(entries, blocks, to: firstPlane, bias: bias[k], into: outputPlane, rows: outputRows)
        return
      }
      for a in outputRows {
        let outputRow = outputPlane + a &* columns.output
        fill(outputRow, count: columns.output, with: bias[k])
        for c in 0..<channels.imagePerGroup {
          accumulate(
            entries, blocks[c], row: a &* rows.stride, of: firstPlane + c &* imagePlane, into: outputRow)
        }
      }
    }
  }

  /// Adds one row of one block, times its image plane, to one row of outputs.
  @inline(__always)
  private func accumulate(
    _ entries: UnsafePointer<Entry>, _ block: StencilBlock, row top: Int, of plane: UnsafePointer<Scalar>,
    into outputRow: UnsafeMutablePointer<Scalar>
  ) {
    let columns = geometry.columns
    let (first, end) = onImage(entries, block, row: top)
    if block.lower < block.upper {
      let origin = plane + (top &* columns.image &+ block.lower &* columns.stride)
      accumulate(
        entries, first, end, origin, into: outputRow + block.lower, count: block.upper &- block.lower)
    }
    if block.upper &- block.lower < columns.output {
      let origin = plane + top &* columns.image
      for index in first..<end {
        let entry = entries[index]
        accumulateEdge(entry, entry.lower, min(entry.upper, block.lower), origin, outputRow)
        accumulateEdge(entry, max(entry.lower, block.upper), entry.upper, origin, outputRow)
      }
    }
  }

  /// The entries of a block whose rows, counted from `top`, stand on the image: they are in the order of their rows.
  @inline(__always)
  private func onImage(
    _ entries: UnsafePointer<Entry>, _ block: StencilBlock, row top: Int
  ) -> (first: Int, end: Int) {
    var (first, end) = (block.first, block.end)
    while first < end && top &+ entries[first].rowOffset < 0 { first &+= 1 }
    while end > first && top &+ entries[end &- 1].rowOffset >= geometry.rows.image { end &-= 1 }
    return (first, end)
  }

  /// Adds the entries `first ..< end` to the outputs that all of them reach, four at a time and in order.
  @inline(__always)
  private func accumulate(
    _ entries: UnsafePointer<Entry>, _ first: Int, _ end: Int, _ origin: UnsafePointer<Scalar>,
    into output: UnsafeMutablePointer<Scalar>, count: Int
  ) {
    let stride = geometry.columns.stride
    let width = geometry.columns.image
    func source(_ index: Int) -> UnsafePointer<Scalar> {
      origin + (entries[index].rowOffset &* width &+ entries[index].columnOffset)
    }
    func weight(_ index: Int) -> Scalar { entries[index].weight }
    var i = first
    while i &+ 4 <= end {
      Convolution.accumulate(
        into: output, count: count, stride: stride, weight(i), source(i), weight(i &+ 1), source(i &+ 1),
        weight(i &+ 2), source(i &+ 2), weight(i &+ 3), source(i &+ 3))
      i &+= 4
    }
    switch end &- i {
    case 3:
      Convolution.accumulate(
        into: output, count: count, stride: stride, weight(i), source(i), weight(i &+ 1), source(i &+ 1),
        weight(i &+ 2), source(i &+ 2))
    case 2:
      Convolution.accumulate(
        into: output, count: count, stride: stride, weight(i), source(i), weight(i &+ 1), source(i &+ 1))
    case 1:
      Convolution.accumulate(into: output, count: count, stride: stride, weight(i), source(i))
    default: break
    }
  }

  /// Adds one entry to the outputs `start ..< end` of a row, if there are any.
  @inline(__always)
  private func accumulateEdge(
    _ entry: Entry, _ start: Int, _ end: Int, _ origin: UnsafePointer<Scalar>,
    _ outputRow: UnsafeMutablePointer<Scalar>
  ) {
    if start >= end { return }
    let columns = geometry.columns
    let offset = entry.rowOffset &* columns.image &+ entry.columnOffset &+ start &* columns.stride
    Convolution.accumulate(
      into: outputRow + start, count: end &- start, stride: columns.stride, entry.weight, origin + offset)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let entries = UnsafePointer(self.entries.base)
    let blocks = UnsafePointer(self.blocks.base)
    fillPlanes(image, batch: channels.batch, channels: channels.image, plane: imagePlane, with: bias)
    channels.forEachMeeting { outputNumber, imageNumber, filterNumber in
      let upstream = output + outputNumber &* outputPlane
      let plane = image + imageNumber &* imagePlane
      for a in 0..<rows.output {
        let top = a &* rows.stride
        let (first, end) = onImage(entries, blocks[filterNumber], row: top)
        for index in first..<end {
          let entry = entries[index]
          if entry.lower >= entry.upper { continue }
          let target =
            (top &+ entry.rowOffset) &* columns.image &+ entry.columnOffset &+ entry.lower &* columns.stride
          spread(
            entry.weight, upstream + (a &* columns.output &+ entry.lower), count: entry.upper &- entry.lower,
            into: plane + target, stride: columns.stride)
        }
      }
    }
  }
}

/// The stencil of one block of the matrix: one output channel and one image channel of its group.
struct StencilBlock: BitwiseCopyable, Sendable {
  /// Its entries: `first ..< end`.
  let first: Int
  let end: Int
  /// The outputs of a row that every entry reaches: `lower ..< upper`, empty at the row's end where none is.
  let lower: Int
  let upper: Int
}
