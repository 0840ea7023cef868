import Buffers

/// The definition: `y[k, a, b] = Σ_c Σ_u Σ_v w[k, c, u, v] · x[c, a·s + u·d − p, b·s + v·d − p]`, one chain an output,
/// channels and taps in row-major order, taps on padding left out.
final class DirectOperator<Scalar: Ring>: LinearMap {
  private let geometry: ConvolutionGeometry
  private let filter: AlignedBuffer<Scalar>
  private let pieces: ColumnPieces
  /// What computes a plane where a group has but one on each side.
  private let planeKernel: PlaneKernel?
  /// What computes the direction of the problem where a group has several planes.
  private let kernel: ChannelKernel<Scalar>?

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    self.geometry = geometry
    var taps = AlignedBuffer<Scalar>(capacity: geometry.weights)
    taps.append(contentsOf: UnsafeBufferPointer(start: filter, count: geometry.weights))
    self.filter = taps
    self.pieces = ColumnPieces(geometry.columns)
    self.planeKernel = PlaneKernel(geometry, filter: filter)
    self.kernel = ChannelKernel(geometry, filter: filter, isAdjoint: geometry.isTransposed)
  }

  var heldBytes: Int {
    filter.count * MemoryLayout<Scalar>.stride + pieces.pieces.count * MemoryLayout<ColumnPieces.Piece>.stride
      + (kernel?.heldBytes ?? 0)
  }

  /// The kernel of a direction: the prepared one, or one that is made for this call.
  @inline(__always)
  private func kernel(isAdjoint: Bool) -> ChannelKernel<Scalar>? {
    if isAdjoint == geometry.isTransposed { return kernel }
    return ChannelKernel(
      geometry, filter: UnsafePointer(filter.base), isAdjoint: isAdjoint, isPrepared: false)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    if let kernel = kernel(isAdjoint: false) { return kernel.apply(to: image, bias: bias, into: output) }
    if let planeKernel {
      geometry.forEachPlane(
        of: geometry.channels.output, rows: geometry.rows.output, multiplyAdds: geometry.multiplyAdds
      ) { n, k, rows in
        let first = n &* geometry.channels.image &+ geometry.channels.firstImageChannel(of: k)
        planeKernel.apply(
          UnsafePointer(filter.base) + k &* geometry.channels.imagePerGroup &* geometry.taps,
          to: image + first &* geometry.image.elementCount, bias: bias[k],
          into: output + (n &* geometry.channels.output &+ k) &* geometry.output.elementCount, rows: rows)
      }
      return
    }
    let channels = geometry.channels
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let planes = channels.imagePerGroup
    for n in 0..<channels.batch {
      for k in 0..<channels.output {
        let first = n &* channels.image &+ channels.firstImageChannel(of: k)
        let filters = UnsafePointer(filter.base) + k &* planes &* geometry.taps
        let target = output + (n &* channels.output &+ k) &* outputPlane
        apply(
          filters: filters, planes: planes, images: image + first &* imagePlane, bias: bias[k], into: target)
      }
    }
  }

  /// Writes one output plane.
  @inline(__always)
  private func apply(
    filters: UnsafePointer<Scalar>, planes: Int, images: UnsafePointer<Scalar>, bias: Scalar,
    into output: UnsafeMutablePointer<Scalar>
  ) {
    let rows = geometry.rows
    let columns = geometry.columns
    let interior = pieces.interior
    let interiorCount = interior.count
    for a in 0..<rows.output {
      let outputRow = output + a &* columns.output
      fill(outputRow, count: columns.output, with: bias)
      for c in 0..<planes {
        let plane = images + c &* rows.image &* columns.image
        for u in rows.taps(of: a) {
          let weights = filters + (c &* rows.filter &+ u) &* columns.filter
          let imageRow = plane + rows.pixel(output: a, tap: u) &* columns.image
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

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    if let kernel = kernel(isAdjoint: true) { return kernel.apply(to: output, bias: bias, into: image) }
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    if let kernel = PlaneKernel(adjointOf: geometry, filter: UnsafePointer(filter.base)) {
      geometry.forEachPlane(of: channels.image, rows: rows.image, multiplyAdds: geometry.multiplyAdds) {
        n, c, rows in
        let group = c / channels.imagePerGroup
        let first = group &* channels.outputPerGroup
        let plane = first &* channels.imagePerGroup &+ (c &- group &* channels.imagePerGroup)
        kernel.apply(
          UnsafePointer(filter.base) + plane &* geometry.taps,
          to: output + (n &* channels.output &+ first) &* outputPlane, bias: bias[c],
          into: image + (n &* channels.image &+ c) &* imagePlane, rows: rows)
      }
      return
    }
    for n in 0..<channels.batch {
      for c in 0..<channels.image {
        fill(image + (n &* channels.image &+ c) &* imagePlane, count: imagePlane, with: bias[c])
      }
      for k in 0..<channels.output {
        let upstream = output + (n &* channels.output &+ k) &* outputPlane
        let first = n &* channels.image &+ channels.firstImageChannel(of: k)
        for c in 0..<channels.imagePerGroup {
          let plane = image + (first &+ c) &* imagePlane
          let taps = filter.base + (k &* channels.imagePerGroup &+ c) &* geometry.taps
          for a in 0..<rows.output {
            for u in rows.taps(of: a) {
              let imageRow = plane + rows.pixel(output: a, tap: u) &* columns.image
              for v in 0..<columns.filter {
                let reached = columns.outputs(reachedBy: v)
                if reached.isEmpty { continue }
                spread(
                  taps[u &* columns.filter &+ v], upstream + (a &* columns.output &+ reached.lowerBound),
                  count: reached.count, into: imageRow + columns.pixel(output: reached.lowerBound, tap: v),
                  stride: columns.stride)
              }
            }
          }
        }
      }
    }
  }
}
