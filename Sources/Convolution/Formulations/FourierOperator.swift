import Buffers

/// Products of Fourier transforms, block by block.
///
/// The spectra of all filter planes are made once; for each block of the image those of its channels, then for each
/// output channel the sum of products and one inverse transform, whose points are added to the outputs. An output channel
/// is a correlation: its products are with the conjugate spectrum. The transposed map cuts what stands at the outputs
/// into blocks, spread by the stride, and its products, sums over output channels, are with the spectrum itself.
///
/// Dilation spreads the taps, stride keeps every s-th output, zeros around the image are never stored, blocks that
/// reach nothing are left out. All arithmetic is in `Scalar`.
package final class FourierOperator<Scalar: FourierRing>: LinearMap {
  /// How the image is cut.
  package let plan: FourierPlan
  private let geometry: ConvolutionGeometry
  private let transform: FourierTransform<Scalar>
  /// Spectra of the filter planes, in the filter's order.
  private let spectra: AlignedBuffer<Scalar>
  private let spectrumCount: Int
  /// `1/4n`, `n` the points of a transform: an exact power of two.
  private let scale: Scalar

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    let plan = FourierPlan(geometry)
    let transform = FourierCache.transform(Scalar.self, size: plan.size)
    let spectrumCount = FourierTransform<Scalar>.spectrumCount(plan.size)
    let planes = geometry.channels.output * geometry.channels.imagePerGroup
    let block = AlignedBuffer<Scalar>(repeating: .zero, count: FourierTransform<Scalar>.blockCount(plan.size))
    spectra = AlignedBuffer(count: planes * spectrumCount) { room in
      for plane in 0..<planes {
        clear(block.base, count: block.count)
        let taps = filter + plane &* geometry.taps
        for u in 0..<geometry.filter.height {
          let row = block.base + transform.offset(ofRow: u &* geometry.dilation.height)
          for v in 0..<geometry.filter.width {
            row[v &* geometry.dilation.width] = taps[u &* geometry.filter.width &+ v]
          }
        }
        transform.analyze(
          block.base, columns: plan.columns.extent,
          into: room.baseAddress.unsafelyUnwrapped + plane &* spectrumCount)
      }
    }
    self.plan = plan
    self.geometry = geometry
    self.transform = transform
    self.spectrumCount = spectrumCount
    scale = Scalar.quotient(1, 4 * plan.size.height * plan.size.width)
  }

  package var heldBytes: Int {
    spectra.count * MemoryLayout<Scalar>.stride
      + plan.placeBytes(scalarByteCount: MemoryLayout<Scalar>.stride)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    let (given, made) = (channels.imagePerGroup, channels.outputPerGroup)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    for plane in 0..<channels.batch &* channels.output {
      fill(output + plane &* outputPlane, count: outputPlane, with: bias[plane % channels.output])
    }
    let scratch = Scratch(blocks: given, plan.size)
    for group in 0..<channels.batch &* channels.groups {
      let images = image + group &* given &* imagePlane
      let outputs = output + group &* made &* outputPlane
      let filters = spectra.base + (group % channels.groups) &* made &* given &* spectrumCount
      for blockRow in 0..<plan.rows.blockCount(adjoint: false) {
        let rows = plan.rows.pixels(ofBlock: blockRow)
        let outputRows = plan.rows.outputs(reachedBy: rows)
        if outputRows.isEmpty { continue }
        for blockColumn in 0..<plan.columns.blockCount(adjoint: false) {
          let columns = plan.columns.pixels(ofBlock: blockColumn)
          let outputColumns = plan.columns.outputs(reachedBy: columns)
          if outputColumns.isEmpty { continue }
          for c in 0..<given {
            clear(scratch.block, count: scratch.blockCount)
            let plane = images + c &* imagePlane
            for row in rows {
              let source = plane + (row &* geometry.image.width &+ columns.lowerBound)
              (scratch.block + transform.offset(ofRow: row &- rows.lowerBound)).update(
                from: source, count: columns.count)
            }
            transform.analyze(
              scratch.block, columns: columns.count, into: scratch.spectra + c &* spectrumCount)
          }
          for k in 0..<made {
            transform.synthesize(
              scratch.spectra, UnsafePointer(filters + k &* given &* spectrumCount),
              filterStep: spectrumCount, terms: given, conjugate: true, into: scratch.block,
              scratch: scratch.sum)
            addOutputs(
              scratch.block, outputRows, outputColumns, rows.lowerBound, columns.lowerBound,
              into: outputs + k &* outputPlane)
          }
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    let (given, made) = (channels.outputPerGroup, channels.imagePerGroup)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    for plane in 0..<channels.batch &* channels.image {
      fill(image + plane &* imagePlane, count: imagePlane, with: bias[plane % channels.image])
    }
    let scratch = Scratch(blocks: given, plan.size)
    for group in 0..<channels.batch &* channels.groups {
      let outputs = output + group &* given &* outputPlane
      let images = image + group &* made &* imagePlane
      let filters = spectra.base + (group % channels.groups) &* made &* given &* spectrumCount
      for blockRow in 0..<plan.rows.blockCount(adjoint: true) {
        let rows = plan.rows.positions(ofBlock: blockRow)
        let (outputRows, imageRows) = (plan.rows.outputs(at: rows), plan.rows.pixels(reachedBy: rows))
        if outputRows.isEmpty || imageRows.isEmpty { continue }
        for blockColumn in 0..<plan.columns.blockCount(adjoint: true) {
          let columns = plan.columns.positions(ofBlock: blockColumn)
          let (outputColumns, imageColumns) = (
            plan.columns.outputs(at: columns), plan.columns.pixels(reachedBy: columns)
          )
          if outputColumns.isEmpty || imageColumns.isEmpty { continue }
          for k in 0..<given {
            clear(scratch.block, count: scratch.blockCount)
            let plane = outputs + k &* outputPlane
            for a in outputRows {
              let source = plane + a &* geometry.output.width
              let target =
                scratch.block + transform.offset(ofRow: plan.rows.position(of: a) &- rows.lowerBound)
              for b in outputColumns {
                target[plan.columns.position(of: b) &- columns.lowerBound] = source[b]
              }
            }
            transform.analyze(
              scratch.block, columns: columns.count, into: scratch.spectra + k &* spectrumCount)
          }
          for c in 0..<made {
            transform.synthesize(
              scratch.spectra, UnsafePointer(filters + c &* spectrumCount), filterStep: made &* spectrumCount,
              terms: given, conjugate: false, into: scratch.block, scratch: scratch.sum)
            addPixels(
              scratch.block, imageRows, imageColumns, rows.lowerBound, columns.lowerBound,
              into: images + c &* imagePlane)
          }
        }
      }
    }
  }

  /// Adds the points of a block whose first pixel stands at `top`, `left` to the outputs that it reaches.
  @inline(__always)
  private func addOutputs(
    _ block: UnsafePointer<Scalar>, _ rows: Range<Int>, _ columns: Range<Int>, _ top: Int, _ left: Int,
    into output: UnsafeMutablePointer<Scalar>
  ) {
    let step = geometry.stride.width
    // Outputs before the block's first pixel stand at the end of the circle.
    let inside = plan.columns.outputs(at: left..<left &+ 1).lowerBound
    let around = min(max(columns.lowerBound, inside), columns.upperBound)
    for a in rows {
      let source = block + transform.offset(ofRow: plan.rows.wrapped(plan.rows.position(of: a) &- top))
      let target = output + a &* geometry.output.width
      for part in [columns.lowerBound..<around, around..<columns.upperBound] where !part.isEmpty {
        let points = source + plan.columns.wrapped(plan.columns.position(of: part.lowerBound) &- left)
        let outputs = target + part.lowerBound
        if step == 1 {
          for b in 0..<part.count { outputs[b] = outputs[b] + scale * points[b] }
        } else {
          for b in 0..<part.count { outputs[b] = outputs[b] + scale * points[b &* step] }
        }
      }
    }
  }

  /// Adds the points of a block whose first position is `top`, `left` to the pixels that it reaches.
  @inline(__always)
  private func addPixels(
    _ block: UnsafePointer<Scalar>, _ rows: Range<Int>, _ columns: Range<Int>, _ top: Int, _ left: Int,
    into image: UnsafeMutablePointer<Scalar>
  ) {
    for row in rows {
      let source = block + (transform.offset(ofRow: row &- top) &+ columns.lowerBound &- left)
      let target = image + (row &* geometry.image.width &+ columns.lowerBound)
      for index in 0..<columns.count { target[index] = target[index] + scale * source[index] }
    }
  }

  /// The numbers that one application needs besides.
  private struct Scratch: ~Copyable {
    private let buffer: AlignedBuffer<Scalar>
    /// The spectra of a block's channels.
    let spectra: UnsafeMutablePointer<Scalar>
    /// Their products with a filter's, on the way back.
    let sum: UnsafeMutablePointer<Scalar>
    /// A block.
    let block: UnsafeMutablePointer<Scalar>
    let blockCount: Int

    init(blocks: Int, _ size: Extent) {
      let spectrumCount = FourierTransform<Scalar>.spectrumCount(size)
      let sumCount = FourierTransform<Scalar>.scratchCount(size)
      blockCount = FourierTransform<Scalar>.blockCount(size)
      buffer = AlignedBuffer(repeating: .zero, count: blocks * spectrumCount + sumCount + blockCount)
      spectra = buffer.base
      sum = spectra + blocks &* spectrumCount
      block = sum + sumCount
    }
  }
}
