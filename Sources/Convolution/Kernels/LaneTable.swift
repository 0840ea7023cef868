import CKernels

/// The kernels with vectors of made channels, of the variant that was in use when it was made.
struct LaneTable: @unchecked Sendable {
  private let float = ck_lanes_f32(ck_selected()).unsafelyUnwrapped
  private let double = ck_lanes_f64(ck_selected()).unsafelyUnwrapped
  private let floatGradient = ck_filter_gradient_f32(ck_selected()).unsafelyUnwrapped
  private let doubleGradient = ck_filter_gradient_f64(ck_selected()).unsafelyUnwrapped

  /// The made channels of a block.
  func blockChannels<Scalar: Ring>(_ type: Scalar.Type) -> Int {
    type == Float.self ? float.pointee.channels : double.pointee.channels
  }

  /// Writes the weights of a block of made channels, from all given ones.
  @inline(__always)
  func pack<Scalar: Ring>(
    _ filter: CKLaneFilter, _ weights: UnsafePointer<Scalar>, block: Int,
    into packed: UnsafeMutablePointer<Scalar>
  ) {
    var filter = filter
    if Scalar.self == Float.self {
      float.pointee.pack(
        &filter, reinterpreted(weights), block, 0, filter.given, reinterpreted(packed))
    } else {
      double.pointee.pack(
        &filter, reinterpreted(weights), block, 0, filter.given, reinterpreted(packed))
    }
  }

  /// Writes the results of some made rows of some blocks of channels, from weights that are packed, or that stand as `filter` says.
  @inline(__always)
  func correlate<Scalar: Ring>(
    _ shape: CKLanes, _ image: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ filter: CKLaneFilter?, _ bias: UnsafePointer<Scalar>, _ output: UnsafeMutablePointer<Scalar>,
    _ scratch: UnsafeMutablePointer<Scalar>, rows: Range<Int>, blocks: Range<Int>
  ) {
    var shape = shape
    func call(_ filter: UnsafePointer<CKLaneFilter>?) {
      if Scalar.self == Float.self {
        float.pointee.correlate(
          &shape, reinterpreted(image), reinterpreted(weights), filter, reinterpreted(bias),
          reinterpreted(output), reinterpreted(scratch), rows.lowerBound, rows.upperBound,
          blocks.lowerBound, blocks.upperBound)
      } else {
        double.pointee.correlate(
          &shape, reinterpreted(image), reinterpreted(weights), filter, reinterpreted(bias),
          reinterpreted(output), reinterpreted(scratch), rows.lowerBound, rows.upperBound,
          blocks.lowerBound, blocks.upperBound)
      }
    }
    if let filter { withUnsafePointer(to: filter) { call($0) } } else { call(nil) }
  }

  /// Adds the gradient of one group of one image by the weights of some blocks of made channels.
  @inline(__always)
  func addFilterGradient<Scalar: Ring>(
    _ shape: CKFilterShape, _ image: UnsafePointer<Scalar>, _ upstream: UnsafePointer<Scalar>,
    into gradient: UnsafeMutablePointer<Scalar>, _ scratch: UnsafeMutablePointer<Scalar>, blocks: Range<Int>
  ) {
    var shape = shape
    if Scalar.self == Float.self {
      floatGradient.pointee.add(
        &shape, reinterpreted(image), reinterpreted(upstream), reinterpreted(gradient),
        reinterpreted(scratch), blocks.lowerBound, blocks.upperBound)
    } else {
      doubleGradient.pointee.add(
        &shape, reinterpreted(image), reinterpreted(upstream), reinterpreted(gradient),
        reinterpreted(scratch), blocks.lowerBound, blocks.upperBound)
    }
  }
}
