import Buffers
import CKernels

/// The gradient of a convolution with many channels by its filter, on the kernels of `CKFilterGradient`: the derivative by the
/// results times the pixels under each tap, summed over rows of results that stay in the cache.
struct FilterGradientKernel {
  private let geometry: ConvolutionGeometry
  private let shape: Shape

  /// The sizes that follow from a geometry.
  private struct Shape {
    /// Columns from the first that a tap meets to the last, on the padding or not.
    let paddedColumns: Int
    let rowBlock: Int
    let scratch: Int
    let sums: Int

    /// Nil where a row of results is too large to be taken at once.
    init?(_ geometry: ConvolutionGeometry, scalarByteCount: Int) {
      let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
      let (given, made) = (channels.imagePerGroup, channels.outputPerGroup)
      paddedColumns = (columns.output - 1) * columns.stride + (columns.filter - 1) * columns.dilation + 1
      let upstream = saturatingProduct(columns.output, made)
      let pixels = saturatingProduct(paddedColumns, given)
      func room(_ block: Int) -> Int {
        let lines = (block - 1) * rows.stride + (rows.filter - 1) * rows.dilation + 1
        return saturatingSum(saturatingProduct(block, upstream), saturatingProduct(lines, pixels))
      }
      let limit = (1 << 19) / scalarByteCount
      if room(1) > 4 * limit { return nil }
      var block = 1
      while block < min(rows.output, 64), room(block + 1) <= limit { block += 1 }
      rowBlock = block
      scratch = room(block) + 16
      sums = saturatingProduct(given, made, geometry.taps)
    }
  }

  /// Nil where a group has one plane on both sides, or sizes that the kernel does not take.
  init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, of type: Scalar.Type) {
    let channels = geometry.channels
    guard ChannelTable.supports(Scalar.self), channels.imagePerGroup > 1 || channels.outputPerGroup > 1,
      let shape = Shape(geometry, scalarByteCount: MemoryLayout<Scalar>.stride)
    else { return nil }
    self.geometry = geometry
    self.shape = shape
  }

  /// Bytes that one use takes; 0 where there is no kernel.
  static func heldBytes(_ geometry: ConvolutionGeometry, scalarByteCount: Int) -> Int {
    let channels = geometry.channels
    guard channels.imagePerGroup > 1 || channels.outputPerGroup > 1,
      let shape = Shape(geometry, scalarByteCount: scalarByteCount)
    else { return 0 }
    let scalars = saturatingSum(shape.scratch, shape.sums)
    return saturatingSum(
      saturatingProduct(scalars, scalarByteCount), geometry.columns.output * MemoryLayout<Int>.stride)
  }

  /// Adds the gradient; false, and nothing is done, where a zero on the padding would meet a derivative that is not finite.
  @inline(__always)
  func add<Scalar: Ring>(
    outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
    into gradient: UnsafeMutablePointer<Scalar>
  ) -> Bool {
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let isPadded = rows.before > 0 || rows.after > 0 || columns.before > 0 || columns.after > 0
    if isPadded, !areFinite(outputs, count: geometry.outputElementCount) { return false }
    let (given, made) = (channels.imagePerGroup, channels.outputPerGroup)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    var places = AlignedBuffer<Int>(capacity: columns.output)
    for b in 0..<columns.output { places.append(b &* columns.stride &* given) }
    let scratch = AlignedBuffer<Scalar>(capacity: shape.scratch)
    let sums = AlignedBuffer<Scalar>(repeating: .zero, count: shape.sums)
    for group in 0..<channels.groups {
      if group > 0 { clear(sums.base, count: shape.sums) }
      for n in 0..<channels.batch {
        let number = n &* channels.groups &+ group
        var kernelShape = CKFilterShape(
          channels: given, rows: rows.image, columns: columns.image, made: made, madeRows: rows.output,
          madeColumns: columns.output, tapRows: rows.filter, tapColumns: columns.filter,
          rowStride: rows.stride, rowDilation: rows.dilation, columnDilation: columns.dilation,
          above: rows.before, before: columns.before, paddedColumns: shape.paddedColumns, places: places.base,
          rowBlock: shape.rowBlock)
        let image = images + number &* given &* imagePlane
        let upstream = outputs + number &* made &* outputPlane
        if Scalar.self == Float.self {
          ck_filter_gradient_f32(ck_selected()).unsafelyUnwrapped.pointee.add(
            &kernelShape, reinterpreted(image), reinterpreted(upstream), reinterpreted(sums.base),
            reinterpreted(scratch.base))
        } else {
          ck_filter_gradient_f64(ck_selected()).unsafelyUnwrapped.pointee.add(
            &kernelShape, reinterpreted(image), reinterpreted(upstream), reinterpreted(sums.base),
            reinterpreted(scratch.base))
        }
      }
      collect(UnsafePointer(sums.base), into: gradient + group &* shape.sums)
    }
    return true
  }

  /// Adds the sums of a group, whose channels stand side by side, to the weights' gradients, whose taps do.
  @inline(__always)
  private func collect<Scalar: Ring>(
    _ sums: UnsafePointer<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
  ) {
    let (given, made) = (geometry.channels.imagePerGroup, geometry.channels.outputPerGroup)
    let (height, width) = (geometry.rows.filter, geometry.columns.filter)
    // A row of taps is one run of sums, or each of its taps is.
    let isOneRun = geometry.columns.dilation == 1
    for k in 0..<made {
      let weights = gradient + k &* given &* geometry.taps
      for u in 0..<height {
        for v in 0..<width {
          let run = isOneRun ? (u &* made &+ k) &* width &+ v : (u &* width &+ v) &* made &+ k
          let source = sums + run &* given
          let target = weights + (u &* width &+ v)
          for c in 0..<given { target[c &* geometry.taps] = target[c &* geometry.taps] + source[c] }
        }
      }
    }
  }
}
