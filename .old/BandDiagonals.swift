import Buffers

/// The banded formulation in band storage: of each `B_v` only its `kh` diagonals, each one weight, and the
/// sum `Y = Σ_v B_v · X · S_vᵀ` in its own order: the filter's columns outside, its rows inside.
struct BandDiagonals<Scalar: Ring>: ~Copyable, Sendable {
  let geometry: ConvolutionGeometry
  /// The weights of the diagonals of `B_0`, then of `B_1`, …: the filter column by column.
  let diagonals: AlignedBuffer<Scalar>

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>) {
    self.geometry = geometry
    let height = geometry.rows.filter
    let width = geometry.columns.filter
    let taps = UnsafePointer(filter.elements.base)
    diagonals = AlignedBuffer(count: height * width) { room in
      for v in 0..<width {
        for u in 0..<height { room[v &* height &+ u] = taps[u &* width &+ v] }
      }
    }
  }

  /// Bytes the operator holds.
  var heldBytes: Int { diagonals.count * MemoryLayout<Scalar>.stride }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(to image: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>) {
    let rows = geometry.rows
    let columns = geometry.columns
    clear(output, count: rows.output &* columns.output)
    for v in 0..<columns.filter {
      let reached = columns.outputs(reachedBy: v)
      if reached.isEmpty { continue }
      let firstColumn = columns.pixel(output: reached.lowerBound, tap: v)
      let weights = UnsafePointer(diagonals.base + v &* rows.filter)
      for a in 0..<rows.output {
        let taps = rows.taps(of: a)
        if taps.isEmpty { continue }
        let firstRow = rows.pixel(output: a, tap: taps.lowerBound)
        accumulateProducts(
          into: output + (a &* columns.output &+ reached.lowerBound), count: reached.count,
          stride: columns.stride, weights: weights + taps.lowerBound,
          sources: image + (firstRow &* columns.image &+ firstColumn),
          sourceStep: rows.dilation &* columns.image, terms: taps.count)
      }
    }
  }
}
