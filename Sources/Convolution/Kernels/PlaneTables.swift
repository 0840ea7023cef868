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

  /// Adds to `rows` sums the columns of a matrix, one after the other in memory, times their factors, in their order.
  @inline(__always)
  func accumulate<Scalar: Ring>(
    columns: Int, of matrix: UnsafePointer<Scalar>, by factors: UnsafePointer<Scalar>,
    into sums: UnsafeMutablePointer<Scalar>, rows: Int
  ) {
    if Scalar.self == Float.self {
      floats.pointee.columns(
        assumed(matrix, Float.self), rows, columns, assumed(factors, Float.self), assumed(sums, Float.self))
    } else if Scalar.self == Double.self {
      doubles.pointee.columns(
        assumed(matrix, Double.self), rows, columns, assumed(factors, Double.self), assumed(sums, Double.self)
      )
    }
  }
}

/// The same address, of elements that are known to be of another type: where `Scalar.self == Float.self` has been asked.
@inline(__always)
func assumed<Scalar, Known>(_ start: UnsafePointer<Scalar>, _: Known.Type) -> UnsafePointer<Known> {
  UnsafeRawPointer(start).assumingMemoryBound(to: Known.self)
}

/// The same for elements that are written.
@inline(__always)
func assumed<Scalar, Known>(
  _ start: UnsafeMutablePointer<Scalar>, _: Known.Type
) -> UnsafeMutablePointer<Known> {
  UnsafeMutableRawPointer(start).assumingMemoryBound(to: Known.self)
}
