/// Placeholder.
final class WinogradOperator<Scalar: RationalRing>: LinearMap {
  init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, tile: Int?) {
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
