import Buffers

/// The banded formulation with whole matrices: `Y_k = Σ_c Σ_v B_kcv · X_c · S_vᵀ`, each `B_kcv` (out_h × in_h) stored
/// with all its zeros and multiplied whole with the image's columns `b·s + v·d − p`.
///
/// Padding above and below that repeats rows stands in the matrices, where weights that meet are added; padding on the
/// left and right is gathered with the columns.
final class BandMatrices<Scalar: Ring>: LinearMap {
  private let geometry: ConvolutionGeometry
  private let columns: PaddedColumns
  /// `B_0, B_1, …` of each filter plane, each row by row.
  private let entries: AlignedBuffer<Scalar>
  /// What computes a plane where it can; of planes that are gathered there is one at a time.
  private let kernel: BandKernel?

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    self.geometry = geometry
    columns = PaddedColumns(geometry)
    let planesAtOnce = geometry.channels.imagePerGroup
    kernel =
      columns.areGathered && planesAtOnce > 1
      ? nil : BandKernel(rows: geometry.rows, columns: columns.axis, channels: planesAtOnce, Scalar.self)
    let rows = geometry.rows
    let size = rows.output * rows.image
    let width = geometry.columns.filter
    let planes = geometry.channels.output * geometry.channels.imagePerGroup
    entries = AlignedBuffer(count: planes * width * size) { room in
      let base = room.baseAddress.unsafelyUnwrapped
      clear(base, count: planes &* width &* size)
      for plane in 0..<planes {
        for v in 0..<width {
          let band = base + (plane &* width &+ v) &* size
          for u in 0..<rows.filter {
            let weight = filter[plane &* geometry.taps &+ u &* width &+ v]
            for a in 0..<rows.output {
              guard let row = rows.source(of: rows.pixel(output: a, tap: u)) else { continue }
              band[a &* rows.image &+ row] = band[a &* rows.image &+ row] + weight
            }
          }
        }
      }
    }
  }

  var heldBytes: Int {
    entries.count * MemoryLayout<Scalar>.stride
      + PaddedColumns.heldBytes(geometry, scalarByteCount: MemoryLayout<Scalar>.stride)
  }

  /// The products of all entries with all the columns they meet.
  private var multiplyAdds: Int {
    saturatingProduct(geometry.channels.batch, entries.count, geometry.columns.output)
  }

  /// `B_kcv`, those of one filter plane after those of the one before.
  func matrix(at index: Int) -> Tensor<Scalar>? {
    let rows = geometry.rows
    let size = rows.output * rows.image
    if index < 0 || index >= entries.count / size { return nil }
    var copy = AlignedBuffer<Scalar>(capacity: size)
    copy.append(contentsOf: UnsafeBufferPointer(start: entries.base + index * size, count: size))
    return Tensor(shape: Shape(rows.output, rows.image), elements: copy)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let (rows, axis, channels) = (geometry.rows, columns.axis, geometry.channels)
    let outputPlane = geometry.output.elementCount
    let room: AlignedBuffer<Scalar> = columns.makeRoom()
    if let kernel {
      let matrices = channels.imagePerGroup &* axis.filter &* rows.output &* rows.image
      // The room holds one gathered plane, so that no two threads may have one.
      let work = columns.areGathered ? 0 : multiplyAdds
      geometry.forEachPlane(of: channels.output, rows: rows.output, multiplyAdds: work) { n, k, rows in
        let first = n &* channels.image &+ channels.firstImageChannel(of: k)
        kernel.multiply(
          UnsafePointer(entries.base) + k &* matrices,
          by: columns.padded(image + first &* geometry.image.elementCount, in: room.base), bias: bias[k],
          into: output + (n &* channels.output &+ k) &* outputPlane, rows: rows)
      }
      return
    }
    fillPlanes(output, batch: channels.batch, channels: channels.output, plane: outputPlane, with: bias)
    for number in 0..<channels.batch &* channels.image {
      let plane = columns.padded(image + number &* geometry.image.elementCount, in: room.base)
      forEachBand(ofImagePlane: number) { outputNumber, v, band in
        let reached = axis.outputs(reachedBy: v)
        if reached.isEmpty { return }
        let sources = plane + axis.pixel(output: reached.lowerBound, tap: v)
        let target = output + (outputNumber &* outputPlane &+ reached.lowerBound)
        for a in 0..<rows.output {
          accumulateProducts(
            into: target + a &* axis.output, count: reached.count, stride: axis.stride,
            weights: band + a &* rows.image, sources: sources, sourceStep: axis.image, terms: rows.image)
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
    let (rows, axis, channels) = (geometry.rows, columns.axis, geometry.channels)
    let imagePlane = geometry.image.elementCount
    fillPlanes(image, batch: channels.batch, channels: channels.image, plane: imagePlane, with: bias)
    let room: AlignedBuffer<Scalar> = columns.makeRoom()
    for number in 0..<channels.batch &* channels.image {
      let given = image + number &* imagePlane
      let plane = columns.areGathered ? room.base : given
      clear(room.base, count: room.count)
      forEachBand(ofImagePlane: number) { outputNumber, v, band in
        let reached = axis.outputs(reachedBy: v)
        if reached.isEmpty { return }
        let target = plane + axis.pixel(output: reached.lowerBound, tap: v)
        let upstream = output + (outputNumber &* geometry.output.elementCount &+ reached.lowerBound)
        for i in 0..<rows.image {
          for a in 0..<rows.output {
            spread(
              band[a &* rows.image &+ i], upstream + a &* axis.output, count: reached.count,
              into: target + i &* axis.image, stride: axis.stride)
          }
        }
      }
      if columns.areGathered { columns.fold(UnsafePointer(room.base), into: given) }
    }
  }

  /// Calls `body` with each matrix that meets an image plane, the number of its output plane and its filter column.
  @inline(__always)
  private func forEachBand(
    ofImagePlane number: Int, _ body: (_ output: Int, _ v: Int, _ band: UnsafePointer<Scalar>) -> Void
  ) {
    let channels = geometry.channels
    let n = number / channels.image
    let channel = number &- n &* channels.image
    for k in channels.outputChannels(of: channel) {
      let plane = k &* channels.imagePerGroup &+ channel % channels.imagePerGroup
      for v in 0..<geometry.columns.filter {
        let index = plane &* geometry.columns.filter &+ v
        let band = UnsafePointer(entries.base) + index &* geometry.rows.output &* geometry.rows.image
        body(n &* channels.output &+ k, v, band)
      }
    }
  }
}
