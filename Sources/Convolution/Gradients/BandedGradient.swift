import Buffers

/// Adds to each weight's gradient the sum along its diagonal of `∂B_kcv = Σ_n G_nk · (X_nc · S_vᵀ)ᵀ`, formed whole,
/// out_h × in_h, for one column of one filter plane and one image at a time.
@inline(__always)
func accumulateBandGradient<Scalar: Ring>(
  _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
  into gradient: UnsafeMutablePointer<Scalar>
) {
  let (rows, channels) = (geometry.rows, geometry.channels)
  let gathered = PaddedColumns(geometry)
  let columns = gathered.axis
  let room: AlignedBuffer<Scalar> = gathered.makeRoom()
  let band = AlignedBuffer<Scalar>(repeating: .zero, count: rows.output * rows.image)
  for number in 0..<channels.batch &* channels.image {
    let plane = gathered.padded(images + number &* geometry.image.elementCount, in: room.base)
    let n = number / channels.image
    let channel = number &- n &* channels.image
    for k in channels.outputChannels(of: channel) {
      let upstream = outputs + (n &* channels.output &+ k) &* geometry.output.elementCount
      let weights =
        gradient + (k &* channels.imagePerGroup &+ channel % channels.imagePerGroup) &* geometry.taps
      for v in 0..<columns.filter {
        let reached = columns.outputs(reachedBy: v)
        if reached.isEmpty { continue }
        let sources = plane + columns.pixel(output: reached.lowerBound, tap: v)
        for a in 0..<rows.output {
          for i in 0..<rows.image {
            band.base[a &* rows.image &+ i] = dotProduct(
              upstream + (a &* columns.output &+ reached.lowerBound), sources + i &* columns.image,
              count: reached.count, stride: columns.stride)
          }
        }
        for u in 0..<rows.filter {
          for a in 0..<rows.output {
            guard let i = rows.source(of: rows.pixel(output: a, tap: u)) else { continue }
            let index = u &* columns.filter &+ v
            weights[index] = weights[index] + band.base[a &* rows.image &+ i]
          }
        }
      }
    }
  }
}

/// Adds to each weight's gradient the sum along its diagonal of `G_nk · (X_nc · S_vᵀ)ᵀ`, of which only the `kh` diagonals
/// are formed: the filter's columns outside, its rows inside.
@inline(__always)
func accumulateDiagonalGradient<Scalar: Ring>(
  _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
  into gradient: UnsafeMutablePointer<Scalar>
) {
  let (rows, columns) = (geometry.rows, geometry.columns)
  geometry.channels.forEachMeeting { outputNumber, imageNumber, filterNumber in
    let upstream = outputs + outputNumber &* geometry.output.elementCount
    let plane = images + imageNumber &* geometry.image.elementCount
    let weights = gradient + filterNumber &* geometry.taps
    for v in 0..<columns.filter {
      let reached = columns.outputs(reachedBy: v)
      if reached.isEmpty { continue }
      let firstColumn = columns.pixel(output: reached.lowerBound, tap: v)
      for u in 0..<rows.filter {
        // The trace of one diagonal.
        var trace = Scalar.zero
        for a in rows.outputs(reachedBy: u) {
          trace =
            trace
            + dotProduct(
              upstream + (a &* columns.output &+ reached.lowerBound),
              plane + (rows.pixel(output: a, tap: u) &* columns.image &+ firstColumn), count: reached.count,
              stride: columns.stride)
        }
        weights[u &* columns.filter &+ v] = weights[u &* columns.filter &+ v] + trace
      }
    }
  }
}
