import Buffers

/// The definition: `y[a, b] = Σ_u Σ_v w[u, v] · x[a·s + u·d − p, b·s + v·d − p]`, one chain an output, its taps
/// in row-major order, taps on padding left out.
struct DirectOperator<Scalar: Ring>: ~Copyable, Sendable {
  let geometry: ConvolutionGeometry
  let filter: AlignedBuffer<Scalar>
  let pieces: ColumnPieces

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>) {
    self.geometry = geometry
    var taps = AlignedBuffer<Scalar>(capacity: geometry.taps)
    taps.append(contentsOf: filter.values)
    self.filter = taps
    self.pieces = ColumnPieces(geometry.columns)
  }

  /// Bytes the operator holds.
  var heldBytes: Int {
    filter.count * MemoryLayout<Scalar>.stride + pieces.pieces.count * MemoryLayout<ColumnPieces.Piece>.stride
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(to image: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>) {
    let rows = geometry.rows
    let columns = geometry.columns
    let interior = pieces.interior
    let interiorCount = interior.count
    for a in 0..<rows.output {
      let outputRow = output + a &* columns.output
      clear(outputRow, count: columns.output)
      for u in rows.taps(of: a) {
        let weights = UnsafePointer(filter.base + u &* columns.filter)
        let imageRow = image + rows.pixel(output: a, tap: u) &* columns.image
        if interiorCount > 0 {
          accumulateProducts(
            into: outputRow + interior.lowerBound, count: interiorCount, stride: columns.stride,
            weights: weights,
            sources: imageRow + columns.pixel(output: interior.lowerBound, tap: 0),
            sourceStep: columns.dilation,
            terms: columns.filter)
        }
        if interiorCount < columns.output {
          for v in 0..<columns.filter {
            pieces.forEachEdge(of: v) { start, count in
              accumulate(
                into: outputRow + start, count: count, stride: columns.stride, weights[v],
                imageRow + columns.pixel(output: start, tap: v))
            }
          }
        }
      }
    }
  }
}
