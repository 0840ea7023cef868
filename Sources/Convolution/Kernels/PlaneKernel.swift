import CKernels

/// The vectorised direct form of whole planes, for stride 1 and dilation 1, in float32 and float64: the same chains of sums as
/// the plain loops, with a fused multiply-add where the processor has one.
///
/// Products with the zeros of the padding are added too, so that it serves padded images by finite taps only.
struct PlaneKernel: @unchecked Sendable {
  // The tables are constants of the program, which all threads may read.
  private let floats: UnsafePointer<CKPlaneF32>
  private let doubles: UnsafePointer<CKPlaneF64>
  private let plane: CKPlane
  /// From the first tap of one plane's filter to the one that the kernel begins with.
  private let firstTap: Int

  /// The kernel of the variant that is selected, for one output plane of `geometry`; nil where it is made for other geometries
  /// or numbers.
  @inline(__always)
  init?<Scalar: Ring>(_ geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    self.init(
      CKPlane(
        channels: geometry.channels.imagePerGroup, height: rows.image, width: columns.image,
        filterHeight: rows.filter, filterWidth: columns.filter, filterStep: geometry.taps, tapStep: 1,
        outputHeight: rows.output, outputWidth: columns.output, top: rows.before, left: columns.before,
        streams: false),
      geometry, filter)
  }

  /// The kernel of the adjoint, for one image plane: the output planes of its group by the filters turned by 180°.
  @inline(__always)
  init?<Scalar: Ring>(adjointOf geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    self.init(
      CKPlane(
        channels: geometry.channels.outputPerGroup, height: rows.output, width: columns.output,
        filterHeight: rows.filter, filterWidth: columns.filter,
        filterStep: geometry.taps * geometry.channels.imagePerGroup, tapStep: -1,
        outputHeight: rows.image, outputWidth: columns.image, top: rows.filter - 1 - rows.before,
        left: columns.filter - 1 - columns.before, streams: false),
      geometry, filter)
  }

  @inline(__always)
  private init?<Scalar: Ring>(
    _ plane: CKPlane, _ geometry: ConvolutionGeometry, _ filter: UnsafePointer<Scalar>
  ) {
    if Scalar.self != Float.self && Scalar.self != Double.self { return nil }
    let (rows, columns) = (geometry.rows, geometry.columns)
    if rows.stride != 1 || columns.stride != 1 || rows.dilation != 1 || columns.dilation != 1 { return nil }
    if geometry.paddingMode != .zeros { return nil }
    // Padding beyond the filter has outputs that meet no pixel at all.
    if plane.top < 0 || plane.left < 0 { return nil }
    var plane = plane
    if !ck_plane_takes(&plane) { return nil }
    // A number less itself is zero, or NaN where it is not finite.
    if ck_plane_is_padded(&plane) {
      for tap in 0..<geometry.weights where filter[tap] - filter[tap] != .zero { return nil }
    }
    self.plane = plane
    firstTap = plane.tapStep < 0 ? geometry.taps - 1 : 0
    let variant = ck_selected()
    floats = ck_plane_f32(variant)
    doubles = ck_plane_f64(variant)
  }

  /// Writes `rows` of the plane at `output`: the products of `filter`, the first plane of the filter that it meets, and `image`,
  /// the first plane given, and those behind them.
  @inline(__always)
  func apply<Scalar: Ring>(
    _ filter: UnsafePointer<Scalar>, to image: UnsafePointer<Scalar>, bias: Scalar,
    into output: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    let (filter, image) = (UnsafeRawPointer(filter + firstTap), UnsafeRawPointer(image))
    let output = UnsafeMutableRawPointer(output)
    withUnsafePointer(to: plane) { plane in
      if Scalar.self == Float.self {
        floats.pointee.rows(
          plane, filter.assumingMemoryBound(to: Float.self), image.assumingMemoryBound(to: Float.self),
          unsafeBitCast(bias, to: Float.self), output.assumingMemoryBound(to: Float.self), rows.lowerBound,
          rows.upperBound)
      } else if Scalar.self == Double.self {
        doubles.pointee.rows(
          plane, filter.assumingMemoryBound(to: Double.self), image.assumingMemoryBound(to: Double.self),
          unsafeBitCast(bias, to: Double.self), output.assumingMemoryBound(to: Double.self), rows.lowerBound,
          rows.upperBound)
      }
    }
  }
}
