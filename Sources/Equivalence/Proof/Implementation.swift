package import Convolution

/// Anything that claims to compute the convolution of a geometry: a formulation, or what a test puts in its place.
package struct Implementation<Scalar: Ring> {
  /// Writes the result for an image over every element of the output.
  package typealias Application = (_ image: borrowing Tensor<Scalar>, _ output: inout Tensor<Scalar>) -> Void
  /// Takes a filter and a bias and gives what applies them.
  package typealias Preparation =
    (_ filter: borrowing Tensor<Scalar>, _ bias: borrowing Tensor<Scalar>) throws(ConvolutionError) ->
    Application

  /// What prepares it.
  package let prepare: Preparation

  /// An implementation that `prepare` prepares.
  package init(prepare: @escaping Preparation) { self.prepare = prepare }
}

/// The owner of an operator that closures share.
private final class Prepared<Scalar: Ring>: Sendable {
  let operation: ConvolutionOperator<Scalar>

  init(_ operation: consuming ConvolutionOperator<Scalar>) { self.operation = operation }
}

extension Implementation where Scalar: TensorScalar {
  /// A formulation in floating-point numbers.
  package init(
    _ formulation: Formulation, _ storage: Storage, _ geometry: ConvolutionGeometry,
    _ options: FormulationOptions, memoryLimit: Int
  ) {
    self.init { (filter: borrowing Tensor<Scalar>, bias: borrowing Tensor<Scalar>) throws(ConvolutionError) in
      let prepared = Prepared(
        try formulation.makeOperator(
          storage: storage, geometry: geometry, filter: filter, bias: bias, options: options,
          memoryLimit: memoryLimit))
      return { image, output in prepared.operation.apply(to: image, into: &output) }
    }
  }
}

extension Implementation where Scalar == PrimeField {
  /// A formulation over the prime field.
  package init(
    overField formulation: Formulation, _ storage: Storage, _ geometry: ConvolutionGeometry,
    _ options: FormulationOptions, memoryLimit: Int
  ) {
    self.init { (filter: borrowing Tensor<Scalar>, bias: borrowing Tensor<Scalar>) throws(ConvolutionError) in
      let prepared = Prepared(
        try formulation.makeFieldOperator(
          storage: storage, geometry: geometry, filter: filter, bias: bias, options: options,
          memoryLimit: memoryLimit))
      return { image, output in prepared.operation.apply(to: image, into: &output) }
    }
  }
}
