/// Placeholder.
final class SeparableOperator<Scalar: TensorScalar>: LinearMap {
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, rank: Int?) {
    preconditionFailure("not yet")
  }
  var heldBytes: Int { 0 }
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {}
  func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {}
}
