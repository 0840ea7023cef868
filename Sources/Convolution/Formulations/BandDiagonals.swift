import Buffers

/// The banded formulation in band storage: of each `B_kcv` only its `kh` diagonals, each one weight, and the
/// sum `Y_k = Σ_c Σ_v B_kcv · X_c · S_vᵀ` in its own order: the filter's columns outside, its rows inside.
final class BandDiagonals<Scalar: Ring>: LinearMap {
  private let geometry: ConvolutionGeometry
  /// For each filter plane the weights of the diagonals of `B_0`, then of `B_1`, …: the plane column by column.
  private let diagonals: AlignedBuffer<Scalar>
  /// What computes a plane where it can.
  private let kernel: BandKernel?

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    self.geometry = geometry
    kernel = BandKernel(geometry, Scalar.self)
    let height = geometry.rows.filter
    let width = geometry.columns.filter
    diagonals = AlignedBuffer(count: geometry.weights) { room in
      let base = room.baseAddress.unsafelyUnwrapped
      for plane in 0..<geometry.channels.output * geometry.channels.imagePerGroup {
        let taps = filter + plane &* geometry.taps
        let target = base + plane &* geometry.taps
        for v in 0..<width {
          for u in 0..<height { target[v &* height &+ u] = taps[u &* width &+ v] }
        }
      }
    }
  }

  var heldBytes: Int { diagonals.count * MemoryLayout<Scalar>.stride }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let outputPlane = geometry.output.elementCount
    if let kernel {
      geometry.forEachPlane(of: channels.output, rows: rows.output, multiplyAdds: geometry.multiplyAdds) {
        n, k, rows in
        let first = n &* channels.image &+ channels.firstImageChannel(of: k)
        kernel.apply(
          UnsafePointer(diagonals.base) + k &* channels.imagePerGroup &* geometry.taps,
          to: image + first &* geometry.image.elementCount, bias: bias[k],
          into: output + (n &* channels.output &+ k) &* outputPlane, rows: rows)
      }
      return
    }
    fillPlanes(output, batch: channels.batch, channels: channels.output, plane: outputPlane, with: bias)
    channels.forEachMeeting { outputNumber, imageNumber, filterNumber in
      let target = output + outputNumber &* outputPlane
      let plane = image + imageNumber &* geometry.image.elementCount
      for v in 0..<columns.filter {
        let reached = columns.outputs(reachedBy: v)
        if reached.isEmpty { continue }
        let firstColumn = columns.pixel(output: reached.lowerBound, tap: v)
        let weights = UnsafePointer(diagonals.base) + (filterNumber &* columns.filter &+ v) &* rows.filter
        for a in 0..<rows.output {
          let taps = rows.taps(of: a)
          if taps.isEmpty { continue }
          let firstRow = rows.pixel(output: a, tap: taps.lowerBound)
          accumulateProducts(
            into: target + (a &* columns.output &+ reached.lowerBound), count: reached.count,
            stride: columns.stride, weights: weights + taps.lowerBound,
            sources: plane + (firstRow &* columns.image &+ firstColumn),
            sourceStep: rows.dilation &* columns.image, terms: taps.count)
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
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let imagePlane = geometry.image.elementCount
    fillPlanes(image, batch: channels.batch, channels: channels.image, plane: imagePlane, with: bias)
    channels.forEachMeeting { outputNumber, imageNumber, filterNumber in
      let upstream = output + outputNumber &* geometry.output.elementCount
      let plane = image + imageNumber &* imagePlane
      for v in 0..<columns.filter {
        let reached = columns.outputs(reachedBy: v)
        if reached.isEmpty { continue }
        let firstColumn = columns.pixel(output: reached.lowerBound, tap: v)
        let weights = UnsafePointer(diagonals.base) + (filterNumber &* columns.filter &+ v) &* rows.filter
        for a in 0..<rows.output {
          for u in rows.taps(of: a) {
            spread(
              weights[u], upstream + (a &* columns.output &+ reached.lowerBound), count: reached.count,
              into: plane + (rows.pixel(output: a, tap: u) &* columns.image &+ firstColumn),
              stride: columns.stride)
          }
        }
      }
    }
  }
}
