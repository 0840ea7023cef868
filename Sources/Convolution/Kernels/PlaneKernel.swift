import CKernels

/// The vectorised direct form of whole planes, and its adjoint for stride 1 and dilation 1, in float32 and float64: the same
/// chains of sums as the plain loops, with a fused multiply-add where the processor has one.
///
/// Products with the zeros of the padding are added too, so that it serves padded images by finite taps only.
package struct PlaneKernel: Sendable {
  private let tables: PlaneTables
  private let plane: CKPlane
  /// From the first tap of a plane's filter to the one that the kernel begins with.
  private let firstTap: Int

  /// The kernel of the variant that is selected, for one output plane of `geometry`; nil where it is made for other geometries
  /// or numbers.
  @inline(__always)
  package init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    if geometry.paddingMode != .zeros { return nil }
    let channels = geometry.channels.imagePerGroup
    self.init(CKPlane(geometry, channels: channels), geometry, filter)
  }

  /// The kernel of the adjoint, for one image plane: the output planes of its group by the filters turned by 180°.
  @inline(__always)
  package init?<Scalar: Ring>(adjointOf geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    if !geometry.isUnit { return nil }
    let (rows, columns) = (geometry.rows, geometry.columns)
    self.init(
      CKPlane(
        channels: geometry.channels.outputPerGroup, height: rows.output, width: columns.output,
        filterHeight: rows.filter, filterWidth: columns.filter,
        filterStep: geometry.taps * geometry.channels.imagePerGroup, tapStep: -1,
        outputHeight: rows.image, outputWidth: columns.image, top: rows.filter - 1 - rows.before,
        left: columns.filter - 1 - columns.before, rowStep: 1, columnStep: 1, rowDilation: 1,
        columnDilation: 1),
      geometry, filter)
  }

  @inline(__always)
  private init?<Scalar: Ring>(
    _ plane: CKPlane, _ geometry: ConvolutionGeometry, _ filter: UnsafePointer<Scalar>
  ) {
    guard let tables = PlaneTables(for: Scalar.self) else { return nil }
    // Padding beyond the filter has outputs that meet no pixel at all.
    if plane.top < 0 || plane.left < 0 { return nil }
    var plane = plane
    if !ck_plane_takes(&plane) { return nil }
    if ck_plane_is_padded(&plane), !areFinite(filter, count: geometry.weights) { return nil }
    self.tables = tables
    self.plane = plane
    firstTap = plane.tapStep < 0 ? geometry.taps - 1 : 0
  }

  /// Writes `rows` of the plane at `output`: the products of `filter`, the first plane of the filter that it meets, and `image`,
  /// the first plane given, and those behind them. Whatever the parts are in which a plane is computed, it is the same.
  @inline(__always)
  package func apply<Scalar: Ring>(
    _ filter: UnsafePointer<Scalar>, to image: UnsafePointer<Scalar>, bias: Scalar,
    into output: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    let filter = filter + firstTap
    withUnsafePointer(to: plane) { plane in
      if Scalar.self == Float.self {
        tables.floats.pointee.rows(
          plane, reinterpreted(filter), reinterpreted(image), unsafeBitCast(bias, to: Float.self),
          reinterpreted(output), rows.lowerBound, rows.upperBound)
      } else if Scalar.self == Double.self {
        tables.doubles.pointee.rows(
          plane, reinterpreted(filter), reinterpreted(image),
          unsafeBitCast(bias, to: Double.self),
          reinterpreted(output), rows.lowerBound, rows.upperBound)
      }
    }
  }
}

/// The vectorised gradient of a filter's plane, for stride 1 and dilation 1, in float32 and float64.
struct PlaneDots: Sendable {
  private let tables: PlaneTables
  private let plane: CKPlane

  /// Nil where it is made for other geometries or numbers.
  @inline(__always)
  init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, _: Scalar.Type) {
    guard let tables = PlaneTables(for: Scalar.self), geometry.isUnit else { return nil }
    self.tables = tables
    plane = CKPlane(geometry, channels: 1)
  }

  /// Adds to each tap the products of `outputs` with the pixels of `image` that it brought to them, those on padding left out.
  @inline(__always)
  func accumulate<Scalar: Ring>(
    outputs: UnsafePointer<Scalar>, image: UnsafePointer<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
  ) {
    withUnsafePointer(to: plane) { plane in
      if Scalar.self == Float.self {
        tables.floats.pointee.dots(
          plane, reinterpreted(outputs), reinterpreted(image), reinterpreted(gradient))
      } else if Scalar.self == Double.self {
        tables.doubles.pointee.dots(
          plane, reinterpreted(outputs), reinterpreted(image), reinterpreted(gradient))
      }
    }
  }
}

extension CKPlane {
  /// One output plane of `geometry`.
  fileprivate init(_ geometry: ConvolutionGeometry, channels: Int) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    self.init(
      channels: channels, height: rows.image, width: columns.image, filterHeight: rows.filter,
      filterWidth: columns.filter, filterStep: geometry.taps, tapStep: 1, outputHeight: rows.output,
      outputWidth: columns.output, top: rows.before, left: columns.before, rowStep: rows.stride,
      columnStep: columns.stride, rowDilation: rows.dilation, columnDilation: columns.dilation)
  }
}

extension ConvolutionGeometry {
  /// Whether outputs and taps stand on pixels side by side, and all else is zeros.
  fileprivate var isUnit: Bool {
    rows.stride == 1 && columns.stride == 1 && rows.dilation == 1 && columns.dilation == 1
      && paddingMode == .zeros
  }
}
