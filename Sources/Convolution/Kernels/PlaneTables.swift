import CKernels

/// The inner loops over single planes, of the variant that was selected when they were asked for.
struct PlaneTables: @unchecked Sendable {
  // Constants of the program, which all threads may read.
  let floats: UnsafePointer<CKPlaneF32>
  let doubles: UnsafePointer<CKPlaneF64>

  /// Nil for numbers that the loops are not compiled for.
  @inline(__always)
  init?<Scalar>(for _: Scalar.Type) {
    if Scalar.self != Float.self && Scalar.self != Double.self { return nil }
    let variant = ck_selected()
    floats = ck_plane_f32(variant)
    doubles = ck_plane_f64(variant)
  }

  /// Adds to `rows` sums the columns of a matrix, `step` apart in memory, times their factors, in their order.
  @inline(__always)
  func accumulate<Scalar: Ring>(
    columns: Int, of matrix: UnsafePointer<Scalar>, step: Int, by factors: UnsafePointer<Scalar>,
    into sums: UnsafeMutablePointer<Scalar>, rows: Int
  ) {
    if Scalar.self == Float.self {
      floats.pointee.columns(
        reinterpreted(matrix), step, rows, columns, reinterpreted(factors), reinterpreted(sums))
    } else if Scalar.self == Double.self {
      doubles.pointee.columns(
        reinterpreted(matrix), step, rows, columns, reinterpreted(factors), reinterpreted(sums)
      )
    }
  }
}
