import CKernels

/// The vectorised products of bands with shifted images: column by column of the filter, each with all its diagonals, or its
/// whole matrix. For outputs that stand on pixels side by side, in float32 and float64; the rows' stride and all dilations are
/// free.
struct BandKernel: Sendable {
  private let tables: PlaneTables
  private let bands: CKBands

  /// Nil where it is made for other geometries or numbers.
  @inline(__always)
  init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, _: Scalar.Type) {
    self.init(
      rows: geometry.rows, columns: geometry.columns, channels: geometry.channels.imagePerGroup, Scalar.self)
  }

  /// The kernel of axes whose columns may be padded already, for so many image planes of an output plane.
  @inline(__always)
  init?<Scalar: Ring>(rows: AxisGeometry, columns: AxisGeometry, channels: Int, _: Scalar.Type) {
    guard let tables = PlaneTables(for: Scalar.self), columns.stride == 1 else { return nil }
    self.tables = tables
    bands = CKBands(
      channels: channels, height: rows.image, width: columns.image,
      filterHeight: rows.filter, filterWidth: columns.filter, outputHeight: rows.output,
      outputWidth: columns.output, top: rows.before,
      left: columns.before, rowStride: rows.stride, rowDilation: rows.dilation,
      columnDilation: columns.dilation)
  }

  /// Writes `rows` of the plane at `output`: the products of `diagonals`, the first filter plane that it meets, column by
  /// column, and `image`, the first plane given, and those behind them.
  @inline(__always)
  func apply<Scalar: Ring>(
    _ diagonals: UnsafePointer<Scalar>, to image: UnsafePointer<Scalar>, bias: Scalar,
    into output: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    withUnsafePointer(to: bands) { bands in
      if Scalar.self == Float.self {
        tables.floats.pointee.bands(
          bands, reinterpreted(diagonals), reinterpreted(image),
          unsafeBitCast(bias, to: Float.self),
          reinterpreted(output), rows.lowerBound, rows.upperBound)
      } else if Scalar.self == Double.self {
        tables.doubles.pointee.bands(
          bands, reinterpreted(diagonals), reinterpreted(image),
          unsafeBitCast(bias, to: Double.self),
          reinterpreted(output), rows.lowerBound, rows.upperBound)
      }
    }
  }

  /// The same by whole matrices, those of the first filter plane that the output plane meets and those behind them.
  @inline(__always)
  func multiply<Scalar: Ring>(
    _ matrices: UnsafePointer<Scalar>, by image: UnsafePointer<Scalar>, bias: Scalar,
    into output: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    withUnsafePointer(to: bands) { bands in
      if Scalar.self == Float.self {
        tables.floats.pointee.products(
          bands, reinterpreted(matrices), reinterpreted(image),
          unsafeBitCast(bias, to: Float.self),
          reinterpreted(output), rows.lowerBound, rows.upperBound)
      } else if Scalar.self == Double.self {
        tables.doubles.pointee.products(
          bands, reinterpreted(matrices), reinterpreted(image),
          unsafeBitCast(bias, to: Double.self),
          reinterpreted(output), rows.lowerBound, rows.upperBound)
      }
    }
  }
}
