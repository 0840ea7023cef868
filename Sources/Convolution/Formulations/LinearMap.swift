/// The linear map `A` of one filter in one formulation, prepared for one geometry: what `ConvolutionOperator` runs.
///
/// A class, because one operator holds any of several kinds of it; it never changes once it is made, so that threads may
/// share it. All pointers are to whole batches in row-major order.
package protocol LinearMap<Scalar>: AnyObject, Sendable {
  associatedtype Scalar: Ring
  /// Bytes of weights, matrix entries and their places that it really holds, and of the scratch of one application.
  var heldBytes: Int { get }
  /// Writes `A·image + bias` over every element of `output`; `bias` has one number for each output channel.
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>)
  /// Writes `Aᵀ·output + bias` over every element of `image`; `bias` has one number for each image channel.
  func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>)
  /// The matrices of the formulation as they are stored, by number; nil at other numbers and where none is held.
  func matrix(at index: Int) -> Tensor<Scalar>?
}

extension LinearMap {
  /// No matrix, for formulations that hold none.
  package func matrix(at index: Int) -> Tensor<Scalar>? { nil }
}
