private import CKernels

/// Which products meet in the outputs that a reference kernel forms: tap (`c`, `u`, `v`) of output (`a`, `b`) is pixel
/// `c·planeStep + u·rowStep + columns[v] + a·outputStep + b` times weight `c·weightPlaneStep + u·weightRowStep + v`.
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
  /// From a channel's weights to the next one's.
  package let weightPlaneStep: Int
  /// From one row of weights to the next.
  package let weightRowStep: Int

  /// What meets where; all counts are at least 1.
  package init(
    planes: Int, rows: Int, columns: UnsafeBufferPointer<Int>, planeStep: Int, rowStep: Int, outputStep: Int,
    weightPlaneStep: Int, weightRowStep: Int
  ) {
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.planeStep = planeStep
    self.rowStep = rowStep
    self.outputStep = outputStep
    self.weightPlaneStep = weightPlaneStep
    self.weightRowStep = weightRowStep
  }
}

/// Where a reference kernel writes the sums of output (`a`, `b`): `a·step + b` behind each pointer.
package struct ReferenceTarget {
  let value: UnsafeMutablePointer<Double>
  let tail: UnsafeMutablePointer<Double>
  let absolute: UnsafeMutablePointer<Double>
  let step: Int

  /// The leading parts, what these have lost, and the sums of magnitudes.
  package init(
    value: UnsafeMutablePointer<Double>, tail: UnsafeMutablePointer<Double>,
    absolute: UnsafeMutablePointer<Double>, step: Int
  ) {
    self.value = value
    self.tail = tail
    self.absolute = absolute
    self.step = step
  }
}

/// The inner loops of the reference: sums of products in more precision than their factors have, and of the products'
/// magnitudes, in the instruction set that is in use.
///
/// Products of float32 are summed in float64, in which they are exact, in the order of the taps. Those of float64 are
/// summed as `value + tail` within the error of a doubled sum; how stands with the code (`Bodies/Reference.h`).
package struct ReferenceKernel<Scalar: TensorScalar>: Sendable {
  /// The fewest outputs of a row that it forms.
  package let lanes: Int
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
      (table, lanes, splits) = (.single(found), found.pointee.lanes, false)
    case .double:
      let found = ck_reference_f64(ck_selected()).unsafelyUnwrapped
      (table, lanes, splits) = (.double(found), found.pointee.lanes, found.pointee.splits)
    }
  }

  /// Forms outputs (0, 0) … (`rows` − 1, `count` − 1), `count` at least `lanes`; every sum begins with `start`.
  ///
  /// - Returns: whether the sums are good: in float64 they are not where magnitudes add up to 2¹⁰⁰⁰ or are not finite.
  package func form(
    rows: Int, count: Int, _ taps: ReferenceTaps, source: UnsafePointer<Scalar>,
    weights: UnsafePointer<Scalar>,
    start: Double, into target: ReferenceTarget
  ) -> Bool {
    var all = CKReferenceTaps(
      planes: taps.planes, rows: taps.rows, columnCount: taps.columns.count,
      columns: taps.columns.baseAddress, planeStep: taps.planeStep, rowStep: taps.rowStep,
      outputStep: taps.outputStep, weightPlaneStep: taps.weightPlaneStep, weightRowStep: taps.weightRowStep)
    let sums = CKReferenceSums(
      value: target.value, tail: target.tail, absolute: target.absolute, step: target.step)
    let (source, weights) = (UnsafeRawPointer(source), UnsafeRawPointer(weights))
    switch table {
    case .single(let kernel):
      kernel.pointee.rows(
        &all, source.assumingMemoryBound(to: Float.self), weights.assumingMemoryBound(to: Float.self), start,
        rows, count, sums)
      return true
    case .double(let kernel):
      return kernel.pointee.rows(
        &all, source.assumingMemoryBound(to: Double.self), weights.assumingMemoryBound(to: Double.self),
        start,
        rows, count, sums)
    }
  }
}
