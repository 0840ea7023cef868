import Buffers
private import CKernels

/// Which products meet in the outputs that a reference kernel forms: tap (`c`, `u`, `v`) of output (`a`, `b`) of plane `k` is pixel
/// `c·planeStep + u·rowStep + columns[v] + a·outputStep + b` times weight
/// `k·weightStep + c·weightPlaneStep + u·weightRowStep + v`.
package struct ReferenceTaps {
  /// Channels that are summed over.
  package let planes: Int
  /// Rows of the filter.
  package let rows: Int
  /// Where the pixels of each column of the filter stand.
  package let columns: UnsafeBufferPointer<Int>
  /// From a channel's pixels to the next one's.
  package let planeStep: Int
  /// From the pixels of one row of the filter to those of the next.
  package let rowStep: Int
  /// From the pixels of one row of outputs to those of the next.
  package let outputStep: Int
  /// From the weights of a plane of outputs to the next one's.
  package let weightStep: Int
  /// From a channel's weights to the next one's.
  package let weightPlaneStep: Int
  /// From one row of weights to the next.
  package let weightRowStep: Int

  /// What meets where; all counts are at least 1.
  package init(
    planes: Int, rows: Int, columns: UnsafeBufferPointer<Int>, planeStep: Int, rowStep: Int, outputStep: Int,
    weightStep: Int, weightPlaneStep: Int, weightRowStep: Int
  ) {
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.planeStep = planeStep
    self.rowStep = rowStep
    self.outputStep = outputStep
    self.weightStep = weightStep
    self.weightPlaneStep = weightPlaneStep
    self.weightRowStep = weightRowStep
  }
}

/// Where a reference kernel writes the sums of output (`a`, `b`) of plane `k`: `k·planeStep + a·step + b` behind each pointer.
package struct ReferenceTarget {
  let value: UnsafeMutablePointer<Double>
  let tail: UnsafeMutablePointer<Double>
  let absolute: UnsafeMutablePointer<Double>
  let step: Int
  let planeStep: Int

  /// The leading parts, what these have lost, and the sums of magnitudes.
  package init(
    value: UnsafeMutablePointer<Double>, tail: UnsafeMutablePointer<Double>,
    absolute: UnsafeMutablePointer<Double>, step: Int, planeStep: Int
  ) {
    self.value = value
    self.tail = tail
    self.absolute = absolute
    self.step = step
    self.planeStep = planeStep
  }
}

/// Weights as a reference kernel takes them, valid while the given ones live: where it forms several planes together those of float32
/// stand in float64 beside them, and their magnitudes.
package final class ReferenceWeights<Scalar: TensorScalar>: @unchecked Sendable {
  fileprivate let plain: UnsafePointer<Scalar>
  fileprivate let wide: AlignedBuffer<Double>
  fileprivate let magnitudes: AlignedBuffer<Float>

  /// Those of `weights`, for up to so many planes together.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package init(_ weights: UnsafeBufferPointer<Scalar>, planes: Int) {
    plain = weights.baseAddress.unsafelyUnwrapped
    let count = planes > 1 ? weights.count : 0
    wide = AlignedBuffer(count: count) { wide in
      for index in 0..<count { wide[index] = Double(weights[index]) }
    }
    magnitudes = AlignedBuffer(count: count) { magnitudes in
      for index in 0..<count { magnitudes[index] = Float(weights[index].magnitude) }
    }
  }
}

/// The inner loops of the reference: sums of products in more precision than their factors have, and of the products'
/// magnitudes, in the instruction set that is in use.
///
/// Products of float32 are summed in float64, in which they are exact, in the order of the taps, and their magnitudes to no less
/// than they are. Products of float64 are summed as `value + tail` within the error of a doubled sum. How stands with the code
/// (`Bodies/Reference.h`).
package struct ReferenceKernel<Scalar: TensorScalar>: Sendable {
  /// What is to be known of sums beside their values.
  package struct Found: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
    /// Some sums are no good: their magnitudes leave the range, or are not finite.
    package static var bad: Found { Found(rawValue: Int32(CK_REFERENCE_BAD)) }
    /// Some sums of magnitudes are so small that they are no good if there is a product other than zero below 2⁻¹²⁶.
    package static var small: Found { Found(rawValue: Int32(CK_REFERENCE_SMALL)) }
  }

  /// The fewest outputs of a row that it forms.
  package let lanes: Int
  /// The most planes of outputs that it forms together.
  package let planes: Int
  /// Whether products are split, so that no factor may be 2⁹⁹⁵ or more.
  package let splits: Bool
  /// The table of one element type.
  private enum Table: @unchecked Sendable {
    case single(UnsafePointer<CKReferenceF32>)
    case double(UnsafePointer<CKReferenceF64>)
  }
  private let table: Table

  /// The kernel of the instruction set in use.
  package init() {
    switch Scalar.precision {
    case .single:
      let found = ck_reference_f32(ck_selected()).unsafelyUnwrapped
      (table, lanes, planes, splits) = (.single(found), found.pointee.lanes, found.pointee.planes, false)
    case .double:
      let found = ck_reference_f64(ck_selected()).unsafelyUnwrapped
      (table, lanes, planes, splits) = (.double(found), found.pointee.lanes, 1, found.pointee.splits)
    }
  }

  /// Forms outputs (0, 0) … (`rows` − 1, `count` − 1) of `starts.count` planes, for which `weights` must have been made,
  /// `count` at least `lanes`; every sum of a plane begins with its start, and its taps with the weight at `first`.
  package func form(
    rows: Int, count: Int, _ taps: ReferenceTaps, source: UnsafePointer<Scalar>,
    weights: ReferenceWeights<Scalar>, from first: Int, starts: UnsafeBufferPointer<Double>,
    into target: ReferenceTarget
  ) -> Found {
    var all = CKReferenceTaps(
      planes: taps.planes, rows: taps.rows, columnCount: taps.columns.count,
      columns: taps.columns.baseAddress, planeStep: taps.planeStep, rowStep: taps.rowStep,
      outputStep: taps.outputStep, weightStep: taps.weightStep, weightPlaneStep: taps.weightPlaneStep,
      weightRowStep: taps.weightRowStep)
    let sums = CKReferenceSums(
      value: target.value, tail: target.tail, absolute: target.absolute, step: target.step,
      planeStep: target.planeStep)
    let (source, plain) = (UnsafeRawPointer(source), UnsafeRawPointer(weights.plain + first))
    switch table {
    case .single(let kernel):
      return Found(
        rawValue: kernel.pointee.rows(
          &all, source.assumingMemoryBound(to: Float.self),
          CKReferenceWeights(
            plain: plain.assumingMemoryBound(to: Float.self), wide: weights.wide.base + first,
            magnitudes: weights.magnitudes.base + first),
          starts.baseAddress, starts.count, rows, count, sums))
    case .double(let kernel):
      precondition(starts.count == 1, "one plane at a time")
      return Found(
        rawValue: kernel.pointee.rows(
          &all, source.assumingMemoryBound(to: Double.self), plain.assumingMemoryBound(to: Double.self),
          starts.baseAddress, rows, count, sums))
    }
  }
}
