import CKernels

/// The vectorised rows of a sparse Toeplitz matrix: each row of outputs by all entries of its stencil, in their order. For
/// outputs that stand on pixels side by side, in float32 and float64; the rows' stride and all dilations are free.
struct StencilKernel: Sendable {
  private let tables: PlaneTables
  private let stencil: CKStencil

  /// Nil where it is made for other geometries or numbers.
  @inline(__always)
  init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, _: Scalar.Type) {
    guard let tables = PlaneTables(for: Scalar.self), geometry.columns.stride == 1 else { return nil }
    // The loops read the entries as they are stored.
    let size = MemoryLayout<ToeplitzStencil<Scalar>.Entry>.stride
    precondition(
      size == MemoryLayout<CKStencilEntryF32>.stride && size == MemoryLayout<CKStencilEntryF64>.stride
        && MemoryLayout<StencilBlock>.stride == MemoryLayout<CKStencilBlock>.stride, "another layout")
    self.tables = tables
    stencil = CKStencil(
      channels: geometry.channels.imagePerGroup, height: geometry.rows.image, width: geometry.columns.image,
      outputWidth: geometry.columns.output, rowStride: geometry.rows.stride)
  }

  /// Writes `rows` of the plane at `output`; `blocks` are those of its row of blocks in the matrix, and `image` is the first
  /// plane that they meet.
  @inline(__always)
  func apply<Scalar: Ring>(
    _ entries: UnsafePointer<ToeplitzStencil<Scalar>.Entry>, _ blocks: UnsafePointer<StencilBlock>,
    to image: UnsafePointer<Scalar>, bias: Scalar, into output: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    let blocks: UnsafePointer<CKStencilBlock> = reinterpreted(blocks)
    withUnsafePointer(to: stencil) { stencil in
      if Scalar.self == Float.self {
        tables.floats.pointee.stencil(
          stencil, reinterpreted(entries), blocks, reinterpreted(image),
          unsafeBitCast(bias, to: Float.self), reinterpreted(output), rows.lowerBound, rows.upperBound)
      } else if Scalar.self == Double.self {
        tables.doubles.pointee.stencil(
          stencil, reinterpreted(entries), blocks, reinterpreted(image),
          unsafeBitCast(bias, to: Double.self), reinterpreted(output), rows.lowerBound, rows.upperBound
        )
      }
    }
  }
}
