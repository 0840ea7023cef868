import Buffers

/// The matrix `A` of the convolution as the stencil that all its rows share: the tied weights once, each with
/// its distance from the row's first pixel. No zero is stored or multiplied: taps that are zero are dropped,
/// and where a row reaches the padding its range of columns ends.
struct ToeplitzStencil<Scalar: Ring>: ~Copyable, Sendable {
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

  let geometry: ConvolutionGeometry
  /// The entries in the order of the matrix's columns.
  let entries: AlignedBuffer<Entry>
  /// The outputs of a row that every entry reaches: `lower ..< upper`, empty at the row's end where none is.
  let lower: Int
  let upper: Int

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>) {
    self.geometry = geometry
    let rows = geometry.rows
    let columns = geometry.columns
    var entries = AlignedBuffer<Entry>(capacity: geometry.taps)
    var lower = 0
    var upper = columns.output
    for u in 0..<rows.filter {
      for v in 0..<columns.filter {
        let weight = filter.elements.base[u * columns.filter + v]
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
    self.entries = entries
    self.lower = lower < upper ? lower : columns.output
    self.upper = lower < upper ? upper : columns.output
  }

  /// Bytes the operator holds.
  var heldBytes: Int { entries.count * MemoryLayout<Entry>.stride }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(to image: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>) {
    let rows = geometry.rows
    let columns = geometry.columns
    let entries = UnsafePointer(self.entries.base)
    let total = self.entries.count
    for a in 0..<rows.output {
      let outputRow = output + a &* columns.output
      clear(outputRow, count: columns.output)
      // The matrix row's range: entries stand in the order of their image rows.
      let top = a &* rows.stride
      var first = 0
      while first < total && top &+ entries[first].rowOffset < 0 { first &+= 1 }
      var end = total
      while end > first && top &+ entries[end &- 1].rowOffset >= rows.image { end &-= 1 }
      if lower < upper {
        let origin = image + (top &* columns.image &+ lower &* columns.stride)
        accumulate(entries, first, end, origin, into: outputRow + lower, count: upper &- lower)
      }
      if upper &- lower < columns.output {
        let origin = image + top &* columns.image
        for index in first..<end {
          let entry = entries[index]
          accumulateEdge(entry, entry.lower, min(entry.upper, lower), origin, outputRow)
          accumulateEdge(entry, max(entry.lower, upper), entry.upper, origin, outputRow)
        }
      }
    }
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
}
