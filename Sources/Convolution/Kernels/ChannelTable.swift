import CKernels

/// The kernels for many channels, of the variant that was in use when it was made.
struct ChannelTable: @unchecked Sendable {
  private let float = ck_channels_f32(ck_selected()).unsafelyUnwrapped
  private let double = ck_channels_f64(ck_selected()).unsafelyUnwrapped

  /// Whether there are kernels for a type.
  static func supports<Scalar: Ring>(_ type: Scalar.Type) -> Bool {
    type == Float.self || type == Double.self
  }

  /// The most made channels of a block of weights.
  func blockChannels<Scalar: Ring>(_ type: Scalar.Type) -> Int {
    type == Float.self ? float.pointee.blockChannels : double.pointee.blockChannels
  }

  /// Writes the results of some made rows; `scratch` is as large as the plan says.
  @inline(__always)
  func correlate<Scalar: Ring>(
    _ shape: CKCorrelation, _ image: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ bias: UnsafePointer<Scalar>, _ output: UnsafeMutablePointer<Scalar>,
    _ scratch: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    var shape = shape
    if Scalar.self == Float.self {
      float.pointee.correlate(
        &shape, reinterpreted(image), reinterpreted(weights), reinterpreted(bias), reinterpreted(output),
        reinterpreted(scratch), rows.lowerBound, rows.upperBound)
    } else {
      double.pointee.correlate(
        &shape, reinterpreted(image), reinterpreted(weights), reinterpreted(bias), reinterpreted(output),
        reinterpreted(scratch), rows.lowerBound, rows.upperBound)
    }
  }
}

/// The same memory under the type that it already has, which the compiler cannot see.
@inline(__always)
func reinterpreted<From, To>(_ pointer: UnsafePointer<From>) -> UnsafePointer<To> {
  UnsafeRawPointer(pointer).assumingMemoryBound(to: To.self)
}

/// The same for memory that is written.
@inline(__always)
func reinterpreted<From, To>(_ pointer: UnsafeMutablePointer<From>) -> UnsafeMutablePointer<To> {
  UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: To.self)
}
