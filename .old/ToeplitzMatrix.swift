import Buffers

/// The whole matrix `A` of the convolution, `(out_h·out_w) × (in_h·in_w)`, and its full product with the
/// flattened image: every zero is stored and multiplied.
///
/// The matrix is held column by column, because then the product runs along contiguous memory for all outputs
/// at once, and each output still sums its terms in the order of the pixels.
struct ToeplitzMatrix<Scalar: Ring>: ~Copyable, Sendable {
  /// Rows of the matrix: outputs.
  let outputs: Int
  /// Columns of the matrix: pixels of the image.
  let pixels: Int
  /// The entries, column after column.
  let entries: AlignedBuffer<Scalar>

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>) {
    let outputs = geometry.output.elementCount
    let pixels = geometry.image.elementCount
    self.outputs = outputs
    self.pixels = pixels
    let rows = geometry.rows
    let columns = geometry.columns
    let taps = UnsafePointer(filter.elements.base)
    entries = AlignedBuffer(count: outputs * pixels) { room in
      let base = room.baseAddress.unsafelyUnwrapped
      clear(base, count: outputs &* pixels)
      // Every (output, tap) on the image names one pixel, and no pixel twice for one output.
      for u in 0..<rows.filter {
        for v in 0..<columns.filter {
          let weight = taps[u &* columns.filter &+ v]
          let reached = columns.outputs(reachedBy: v)
          for a in rows.outputs(reachedBy: u) {
            let firstPixel = rows.pixel(output: a, tap: u) &* columns.image
            for b in reached {
              let pixel = firstPixel &+ columns.pixel(output: b, tap: v)
              base[pixel &* outputs &+ a &* columns.output &+ b] = weight
            }
          }
        }
      }
    }
  }

  /// Bytes the operator holds.
  var heldBytes: Int { entries.count * MemoryLayout<Scalar>.stride }

  /// The matrix as a tensor, row by row.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func matrix() -> Tensor<Scalar> {
    Tensor(
      shape: Shape(outputs, pixels),
      elements: AlignedBuffer(count: outputs * pixels) { room in
        let base = room.baseAddress.unsafelyUnwrapped
        for row in 0..<outputs {
          for column in 0..<pixels {
            base[row &* pixels &+ column] = entries.base[column &* outputs &+ row]
          }
        }
      })
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(to image: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>) {
    clear(output, count: outputs)
    accumulateProducts(
      into: output, count: outputs, stride: 1, weights: image, sources: UnsafePointer(entries.base),
      sourceStep: outputs, terms: pixels)
  }
}
