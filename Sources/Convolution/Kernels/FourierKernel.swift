private import CKernels

/// The inner loops of the Fourier transforms of `FourierTransform`, in the instruction set that is in use; over floating-point
/// numbers only.
struct FourierKernel<Scalar>: Sendable {
  /// The tables of the two element types.
  private enum Table: @unchecked Sendable {
    case single(UnsafePointer<CKFourierF32>)
    case double(UnsafePointer<CKFourierF64>)
  }
  private let table: Table

  /// Numbers that a vector has at most.
  static var mostLanes: Int { 8 }

  /// The kernel for blocks of `size`; nil where there is none: in other rings, and for blocks narrower than a vector or
  /// lower than four rows.
  init?(size: Extent) {
    let lanes: Int
    if Scalar.self == Float.self {
      let found = ck_fourier_f32(ck_selected()).unsafelyUnwrapped
      (table, lanes) = (.single(found), found.pointee.lanes)
    } else if Scalar.self == Double.self {
      let found = ck_fourier_f64(ck_selected()).unsafelyUnwrapped
      (table, lanes) = (.double(found), found.pointee.lanes)
    } else {
      return nil
    }
    if size.width < lanes || size.height < 4 { return nil }
  }

  /// The tables of a transform, and from one row to the next.
  struct Plan {
    let half: Int
    let width: Int
    let blockPitch: Int
    let pitch: Int
    let downRoots: UnsafePointer<Scalar>
    let alongRoots: UnsafePointer<Scalar>
    let separateRoots: UnsafePointer<Scalar>
    let places: UnsafePointer<Int>
  }

  /// Writes the spectrum of `block`, whose columns from `columns` on are zeros; the block is destroyed.
  func forward(
    _ plan: Plan, _ block: UnsafeMutablePointer<Scalar>, columns: Int,
    into spectrum: UnsafeMutablePointer<Scalar>
  ) {
    switch table {
    case .single(let kernel):
      var plan = single(plan)
      kernel.pointee.forward(&plan, rebound(block, Float.self), columns, rebound(spectrum, Float.self))
    case .double(let kernel):
      var plan = double(plan)
      kernel.pointee.forward(&plan, rebound(block, Double.self), columns, rebound(spectrum, Double.self))
    }
  }

  /// Writes the block whose spectrum is the sum of `terms` products of one of `spectra`, which follow each other, with one of
  /// `filters`, `filterStep` numbers apart, or with its conjugate. `scratch` has room for `2·width·mostLanes` numbers.
  func inverse(
    _ plan: Plan, _ spectra: UnsafePointer<Scalar>, _ filters: UnsafePointer<Scalar>, filterStep: Int,
    terms: Int,
    conjugate: Bool, into block: UnsafeMutablePointer<Scalar>, scratch: UnsafeMutablePointer<Scalar>
  ) {
    switch table {
    case .single(let kernel):
      var plan = single(plan)
      kernel.pointee.inverse(
        &plan, rebound(spectra, Float.self), rebound(filters, Float.self), filterStep, terms,
        conjugate ? -1 : 1, rebound(block, Float.self), rebound(scratch, Float.self))
    case .double(let kernel):
      var plan = double(plan)
      kernel.pointee.inverse(
        &plan, rebound(spectra, Double.self), rebound(filters, Double.self), filterStep, terms,
        conjugate ? -1 : 1, rebound(block, Double.self), rebound(scratch, Double.self))
    }
  }

  private func single(_ plan: Plan) -> CKFourierPlanF32 {
    CKFourierPlanF32(
      half: plan.half, width: plan.width, blockPitch: plan.blockPitch, pitch: plan.pitch,
      downRoots: rebound(plan.downRoots, Float.self), alongRoots: rebound(plan.alongRoots, Float.self),
      separateRoots: rebound(plan.separateRoots, Float.self), places: plan.places)
  }

  private func double(_ plan: Plan) -> CKFourierPlanF64 {
    CKFourierPlanF64(
      half: plan.half, width: plan.width, blockPitch: plan.blockPitch, pitch: plan.pitch,
      downRoots: rebound(plan.downRoots, Double.self), alongRoots: rebound(plan.alongRoots, Double.self),
      separateRoots: rebound(plan.separateRoots, Double.self), places: plan.places)
  }

  private func rebound<Number>(_ start: UnsafePointer<Scalar>, _: Number.Type) -> UnsafePointer<Number> {
    UnsafeRawPointer(start).assumingMemoryBound(to: Number.self)
  }

  private func rebound<Number>(
    _ start: UnsafeMutablePointer<Scalar>, _: Number.Type
  ) -> UnsafeMutablePointer<Number> {
    UnsafeMutableRawPointer(start).assumingMemoryBound(to: Number.self)
  }
}
