import Buffers

/// The whole matrix `A` of the convolution, `(K·out_h·out_w) × (C·in_h·in_w)`, and its full product with each
/// flattened image: every zero is stored and multiplied, those between groups too.
///
/// The matrix is held column by column, because then the product runs along contiguous memory for all outputs
/// at once, and each output still sums its terms in the order of the pixels. Padding that repeats pixels puts several
/// taps on one of them; their weights are added.
final class ToeplitzMatrix<Scalar: Ring>: LinearMap {
  private let geometry: ConvolutionGeometry
  /// Rows of the matrix: outputs of one image.
  private let outputs: Int
  /// Columns of the matrix: pixels of one image.
  private let pixels: Int
  /// The entries, column after column.
  private let entries: AlignedBuffer<Scalar>

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    self.geometry = geometry
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let outputs = channels.output * geometry.output.elementCount
    let pixels = channels.image * geometry.image.elementCount
    self.outputs = outputs
    self.pixels = pixels
    entries = AlignedBuffer(count: outputs * pixels) { room in
      let base = room.baseAddress.unsafelyUnwrapped
      clear(base, count: outputs &* pixels)
      for k in 0..<channels.output {
        for c in 0..<channels.imagePerGroup {
          let plane = channels.firstImageChannel(of: k) &+ c
          let taps = filter + (k &* channels.imagePerGroup &+ c) &* geometry.taps
          for u in 0..<rows.filter {
            for a in 0..<rows.output {
              guard let row = rows.source(of: rows.pixel(output: a, tap: u)) else { continue }
              let firstPixel = (plane &* rows.image &+ row) &* columns.image
              let firstOutput = (k &* rows.output &+ a) &* columns.output
              for v in 0..<columns.filter {
                for b in 0..<columns.output {
                  guard let column = columns.source(of: columns.pixel(output: b, tap: v)) else { continue }
                  let index = (firstPixel &+ column) &* outputs &+ firstOutput &+ b
                  base[index] = base[index] + taps[u &* columns.filter &+ v]
                }
              }
            }
          }
        }
      }
    }
  }

  var heldBytes: Int { entries.count * MemoryLayout<Scalar>.stride }

  /// `A` row by row, as matrix 0.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func matrix(at index: Int) -> Tensor<Scalar>? {
    if index != 0 { return nil }
    return Tensor(
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
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    fillPlanes(
      output, batch: channels.batch, channels: channels.output, plane: geometry.output.elementCount,
      with: bias)
    for n in 0..<channels.batch {
      if let tables = PlaneTables(for: Scalar.self) {
        Parallel.forEachPiece(of: outputs, least: 1024, multiplyAdds: entries.count) { rows in
          tables.accumulate(
            columns: pixels, of: UnsafePointer(entries.base) + rows.lowerBound, step: outputs,
            by: image + n &* pixels, into: output + (n &* outputs &+ rows.lowerBound), rows: rows.count)
        }
        continue
      }
      accumulateProducts(
        into: output + n &* outputs, count: outputs, stride: 1, weights: image + n &* pixels,
        sources: UnsafePointer(entries.base), sourceStep: outputs, terms: pixels)
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    let plane = geometry.image.elementCount
    let base = UnsafePointer(entries.base)
    for n in 0..<geometry.channels.batch {
      for c in 0..<geometry.channels.image {
        for pixel in c &* plane..<(c &+ 1) &* plane {
          // A column of the matrix is contiguous: a row of its transpose.
          image[n &* pixels &+ pixel] =
            bias[c] + dotProduct(output + n &* outputs, base + pixel &* outputs, count: outputs, stride: 1)
        }
      }
    }
  }
}
