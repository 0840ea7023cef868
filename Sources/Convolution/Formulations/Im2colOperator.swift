import Buffers

/// The filters of a group as one matrix `W`, (K/g) × (C/g·kh·kw), times the matrix `P` whose columns are the patches
/// of the image that one output each sees (K. Chellapilla, S. Puri and P. Simard, High Performance Convolutional Neural
/// Networks for Document Processing, 2006). The adjoint is `Wᵀ·g`, whose columns are added back to where the patches
/// were taken.
///
/// The patches of one group of one image are formed at a time, and the product goes through them in blocks of columns
/// that stay in the cache for all filters.
final class Im2colOperator<Scalar: Ring>: LinearMap {
  private let geometry: ConvolutionGeometry
  private let filter: AlignedBuffer<Scalar>
  /// Columns of the patches that are multiplied at a time.
  private let blockWidth: Int
  /// What multiplies blocks of patches, where the problem is the convolution itself.
  private let kernel: ChannelKernel<Scalar>?

  /// Bytes of a block of patches: half of a common second-level cache.
  private static var blockBytes: Int { 1 << 18 }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    self.geometry = geometry
    var taps = AlignedBuffer<Scalar>(capacity: geometry.weights)
    taps.append(contentsOf: UnsafeBufferPointer(start: filter, count: geometry.weights))
    self.filter = taps
    let rowBytes = geometry.channels.imagePerGroup * geometry.taps * MemoryLayout<Scalar>.stride
    blockWidth = min(max(Self.blockBytes / rowBytes, 64), geometry.output.elementCount)
    kernel =
      geometry.isTransposed ? nil : ChannelKernel(geometry, filter: filter, isAdjoint: false, isPatches: true)
  }

  /// Numbers in the patches of one group of one image.
  static func patchCount(_ geometry: ConvolutionGeometry) -> Int {
    saturatingProduct(geometry.channels.imagePerGroup, geometry.taps, geometry.output.elementCount)
  }

  /// The patches are counted whole, though a kernel forms some columns of them at a time.
  var heldBytes: Int {
    (filter.count + Self.patchCount(geometry)) * MemoryLayout<Scalar>.stride + (kernel?.heldBytes ?? 0)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    if let kernel { return kernel.apply(to: image, bias: bias, into: output) }
    let channels = geometry.channels
    let outputs = geometry.output.elementCount
    let terms = channels.imagePerGroup &* geometry.taps
    fillPlanes(output, batch: channels.batch, channels: channels.output, plane: outputs, with: bias)
    let patches = AlignedBuffer<Scalar>(repeating: .zero, count: Self.patchCount(geometry))
    forEachGroup { images, outputPlane, filterPlane in
      gather(image + images &* geometry.image.elementCount, into: patches.base)
      var start = 0
      while start < outputs {
        let count = min(blockWidth, outputs &- start)
        for k in 0..<channels.outputPerGroup {
          accumulateProducts(
            into: output + ((outputPlane &+ k) &* outputs &+ start), count: count, stride: 1,
            weights: UnsafePointer(filter.base) + (filterPlane &* geometry.taps &+ k &* terms),
            sources: UnsafePointer(patches.base) + start, sourceStep: outputs, terms: terms)
        }
        start &+= count
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    let outputs = geometry.output.elementCount
    let terms = channels.imagePerGroup &* geometry.taps
    let imagePlane = geometry.image.elementCount
    fillPlanes(image, batch: channels.batch, channels: channels.image, plane: imagePlane, with: bias)
    let patches = AlignedBuffer<Scalar>(repeating: .zero, count: Self.patchCount(geometry))
    forEachGroup { images, outputPlane, filterPlane in
      clear(patches.base, count: patches.count)
      var start = 0
      while start < outputs {
        let count = min(blockWidth, outputs &- start)
        for term in 0..<terms {
          accumulateProducts(
            into: patches.base + (term &* outputs &+ start), count: count, stride: 1,
            weights: UnsafePointer(filter.base) + (filterPlane &* geometry.taps &+ term), weightStep: terms,
            sources: output + (outputPlane &* outputs &+ start), sourceStep: outputs,
            terms: channels.outputPerGroup)
        }
        start &+= count
      }
      scatter(UnsafePointer(patches.base), into: image + images &* imagePlane)
    }
  }

  /// Calls `body` for each group of each image, with the numbers of its first image, output and filter plane.
  @inline(__always)
  private func forEachGroup(_ body: (_ image: Int, _ output: Int, _ filter: Int) -> Void) {
    let channels = geometry.channels
    for n in 0..<channels.batch {
      for group in 0..<channels.groups {
        body(
          n &* channels.image &+ group &* channels.imagePerGroup,
          n &* channels.output &+ group &* channels.outputPerGroup,
          group &* channels.outputPerGroup &* channels.imagePerGroup)
      }
    }
  }

  /// Writes the patches of the planes from `image` on: a row for each tap of each plane, a column for each output.
  @inline(__always)
  private func gather(_ image: UnsafePointer<Scalar>, into patches: UnsafeMutablePointer<Scalar>) {
    let columns = geometry.columns
    forEachRun { row, imageRow, v in
      let target = patches + row
      let reached = columns.outputs(reachedBy: v)
      guard let imageRow, !reached.isEmpty else {
        clear(target, count: columns.output)
        return
      }
      clear(target, count: reached.lowerBound)
      let source = image + (imageRow &+ columns.pixel(output: reached.lowerBound, tap: v))
      let inner = target + reached.lowerBound
      if columns.stride == 1 {
        for b in 0..<reached.count { inner[b] = source[b] }
      } else {
        for b in 0..<reached.count { inner[b] = source[b &* columns.stride] }
      }
      clear(target + reached.upperBound, count: columns.output &- reached.upperBound)
    }
  }

  /// Adds each patch to the pixels it was taken from: the adjoint of `gather`.
  @inline(__always)
  private func scatter(_ patches: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>) {
    let columns = geometry.columns
    forEachRun { row, imageRow, v in
      let reached = columns.outputs(reachedBy: v)
      guard let imageRow, !reached.isEmpty else { return }
      let source = patches + (row &+ reached.lowerBound)
      let target = image + (imageRow &+ columns.pixel(output: reached.lowerBound, tap: v))
      for b in 0..<reached.count {
        target[b &* columns.stride] = target[b &* columns.stride] + source[b]
      }
    }
  }

  /// Calls `body` for each row of outputs under each tap, with the place of that run in the patches, the place of its
  /// image row, nil where that is padding, and the tap's column.
  @inline(__always)
  private func forEachRun(_ body: (_ row: Int, _ imageRow: Int?, _ v: Int) -> Void) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    var row = 0
    for c in 0..<geometry.channels.imagePerGroup {
      for u in 0..<rows.filter {
        let reached = rows.outputs(reachedBy: u)
        for v in 0..<columns.filter {
          for a in 0..<rows.output {
            let pixel = c &* rows.image &+ rows.pixel(output: a, tap: u)
            body(row, reached.contains(a) ? pixel &* columns.image : nil, v)
            row &+= columns.output
          }
        }
      }
    }
  }
}
