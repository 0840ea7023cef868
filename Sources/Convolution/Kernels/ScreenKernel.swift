private import CKernels

/// One look at many elements of a result: which blocks of them are quiet, that is, hold nothing that is not known already.
///
/// An element is quiet where its sum of magnitudes is small enough that nothing overflows, its distances from the reference and from
/// the direct result exceed neither what was seen nor their bounds, and the rounding of its exact value is certain. Every
/// operation rounds as it does where an element is judged by itself.
package struct ScreenKernel<Scalar: TensorScalar>: Sendable {
  /// What a distance must not exceed: itself, its ratio to the bound, and in units of the format.
  package struct Threshold: Sendable {
    package var largest = -1.0
    package var factor = 0.0
    package var ulp: UInt64 = 0

    /// What no distance is below.
    package init() {}

    /// What has been seen.
    package init(largest: Double, factor: Double, ulp: UInt64) {
      self.largest = largest
      self.factor = factor
      self.ulp = ulp
    }
  }

  /// What is multiplied by the sum of magnitudes, and what is added to that.
  package typealias Line = (relative: Double, absolute: Double)

  /// The tables of the two element types.
  private enum Table: @unchecked Sendable {
    case single(CKScreenF32)
    case double(CKScreenF64)
  }

  /// The elements looked at together.
  package static var blockLength: Int { CK_SCREEN_BLOCK }

  private let table: Table
  private let bound: Line
  private let reference: Line
  private let outward: Double

  /// - Parameters:
  ///   - bound: The bound of a dot product.
  ///   - reference: The reference's own error, which bounds by element lack.
  ///   - outward: The factor for the roundings in their sum.
  package init(bound: Line, reference: Line, outward: Double) {
    self.bound = bound
    self.reference = reference
    self.outward = outward
    switch Scalar.precision {
    case .single: table = .single(ck_screen_f32(ck_selected()).unsafelyUnwrapped)
    case .double: table = .double(ck_screen_f64(ck_selected()).unsafelyUnwrapped)
    }
  }

  /// How many elements, in whole blocks from the first on, are quiet, and how many of them are the rounded exact value, and the
  /// direct result, bit by bit.
  ///
  /// - Parameters:
  ///   - direct: The direct result; nil where the result is that itself.
  ///   - elementwise: The bounds of the result's elements; nil where they are those of a dot product.
  ///   - radius: How far the exact value may lie from the reference, and below which sums it does not; for float32 with
  ///     what its evaluation rounds.
  package func quiet(
    _ result: UnsafePointer<Scalar>, direct: UnsafePointer<Scalar>?, value: UnsafePointer<Double>,
    tail: UnsafePointer<Double>, absolute: UnsafePointer<Double>, elementwise: UnsafePointer<Double>?,
    count: Int,
    radius: Line, exactBelow: Double, error: Threshold, distance: Threshold
  ) -> (elements: Int, toReference: Int, toDirect: Int) {
    var screen = CKScreen(
      // Sums below have finite bounds, and references that are finite in the format.
      most: Scalar.precision == .single ? 0x1p126 : 0x1p1000, boundRelative: bound.relative,
      boundAbsolute: bound.absolute, radiusRelative: radius.relative, radiusAbsolute: radius.absolute,
      exactBelow: exactBelow, referenceRelative: reference.relative, referenceAbsolute: reference.absolute,
      outward: outward, error: CKThreshold(largest: error.largest, factor: error.factor, ulp: error.ulp),
      distance: CKThreshold(largest: distance.largest, factor: distance.factor, ulp: distance.ulp))
    var identical = CKIdentical(toReference: 0, toDirect: 0)
    let elements: Int
    switch table {
    case .single(let look):
      elements = look(
        &screen, rebound(result), direct.map(rebound), value, absolute, elementwise, count, &identical)
    case .double(let look):
      elements = look(
        &screen, rebound(result), direct.map(rebound), value, tail, absolute, elementwise, count, &identical)
    }
    return (elements, Int(identical.toReference), Int(identical.toDirect))
  }

  private func rebound<Number>(_ start: UnsafePointer<Scalar>) -> UnsafePointer<Number> {
    UnsafeRawPointer(start).assumingMemoryBound(to: Number.self)
  }
}
