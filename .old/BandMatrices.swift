import Buffers

/// The banded formulation with whole matrices: `Y = Σ_v B_v · X · S_vᵀ`, each `B_v` (out_h × in_h) stored with
/// all its zeros and multiplied whole with the image's columns `b·s + v·d − p`.
struct BandMatrices<Scalar: Ring>: ~Copyable, Sendable {
  let geometry: ConvolutionGeometry
  /// `B_0, B_1, …`, each row by row.
  let entries: AlignedBuffer<Scalar>

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>) {
    self.geometry = geometry
    let rows = geometry.rows
    let size = rows.output * rows.image
    let width = geometry.columns.filter
    let taps = UnsafePointer(filter.elements.base)
    entries = AlignedBuffer(count: width * size) { room in
      let base = room.baseAddress.unsafelyUnwrapped
      clear(base, count: width &* size)
      for v in 0..<width {
        for u in 0..<rows.filter {
          for a in rows.outputs(reachedBy: u) {
            base[v &* size &+ a &* rows.image &+ rows.pixel(output: a, tap: u)] = taps[u &* width &+ v]
          }
        }
      }
    }
  }

  /// Bytes the operator holds.
  var heldBytes: Int { entries.count * MemoryLayout<Scalar>.stride }

  /// The matrix `B_v` of one column of the filter.
  func matrix(_ v: Int) -> Tensor<Scalar> {
    let rows = geometry.rows
    let size = rows.output * rows.image
    var copy = AlignedBuffer<Scalar>(capacity: size)
    copy.append(contentsOf: UnsafeBufferPointer(start: entries.base + v * size, count: size))
    return Tensor(shape: Shape(rows.output, rows.image), elements: copy)
  }

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
      let sources = image + columns.pixel(output: reached.lowerBound, tap: v)
      let band = UnsafePointer(entries.base + v &* rows.output &* rows.image)
      for a in 0..<rows.output {
        accumulateProducts(
          into: output + (a &* columns.output &+ reached.lowerBound), count: reached.count,
          stride: columns.stride, weights: band + a &* rows.image, sources: sources,
          sourceStep: columns.image, terms: rows.image)
      }
    }
  }
}
