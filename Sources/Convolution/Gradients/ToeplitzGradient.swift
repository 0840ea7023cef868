import Buffers

/// Adds to each weight's gradient the sum over all its places in the matrix of `∂A = Σ_n g_n · x_nᵀ`, formed whole, each
/// entry between groups and off the stencil too, but one row at a time: a row of `∂A` is as long as an image.
///
/// The places are the ties: an entry that no weight stands at is dropped (its zero is fixed), and all entries of one
/// weight end in one sum. That sum is the gradient of the loss by the weight, because the weight moves all of them.
@inline(__always)
func accumulateMatrixGradient<Scalar: Ring>(
  _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
  into gradient: UnsafeMutablePointer<Scalar>
) {
  let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
  let imagePlane = geometry.image.elementCount
  let pixels = channels.image &* imagePlane
  let outputsOfImage = channels.output &* geometry.output.elementCount
  let row = AlignedBuffer<Scalar>(repeating: .zero, count: pixels)
  for k in 0..<channels.output {
    for a in 0..<rows.output {
      for b in 0..<columns.output {
        let output = (k &* rows.output &+ a) &* columns.output &+ b
        clear(row.base, count: pixels)
        accumulateProducts(
          into: row.base, count: pixels, stride: 1, weights: outputs + output, weightStep: outputsOfImage,
          sources: images, sourceStep: pixels, terms: channels.batch)
        for c in 0..<channels.imagePerGroup {
          let plane = row.base + (channels.firstImageChannel(of: k) &+ c) &* imagePlane
          let weights = gradient + (k &* channels.imagePerGroup &+ c) &* geometry.taps
          for u in 0..<rows.filter {
            guard let i = rows.source(of: rows.pixel(output: a, tap: u)) else { continue }
            for v in 0..<columns.filter {
              guard let j = columns.source(of: columns.pixel(output: b, tap: v)) else { continue }
              let index = u &* columns.filter &+ v
              weights[index] = weights[index] + plane[i &* columns.image &+ j]
            }
          }
        }
      }
    }
  }
}

/// Adds to each weight's gradient the entries of `g · xᵀ` at its places, without forming any other: row of outputs by row
/// of outputs, each with all the stencil's entries, as the sparse matrix is applied.
@inline(__always)
func accumulateStencilGradient<Scalar: Ring>(
  _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
  into gradient: UnsafeMutablePointer<Scalar>
) {
  let (rows, columns) = (geometry.rows, geometry.columns)
  geometry.channels.forEachMeeting { outputNumber, imageNumber, filterNumber in
    let upstream = outputs + outputNumber &* geometry.output.elementCount
    let plane = images + imageNumber &* geometry.image.elementCount
    let weights = gradient + filterNumber &* geometry.taps
    for a in 0..<rows.output {
      for u in rows.taps(of: a) {
        let imageRow = plane + rows.pixel(output: a, tap: u) &* columns.image
        for v in 0..<columns.filter {
          let reached = columns.outputs(reachedBy: v)
          if reached.isEmpty { continue }
          let index = u &* columns.filter &+ v
          weights[index] =
            weights[index]
            + dotProduct(
              upstream + (a &* columns.output &+ reached.lowerBound),
              imageRow + columns.pixel(output: reached.lowerBound, tap: v), count: reached.count,
              stride: columns.stride)
        }
      }
    }
  }
}
