extension Formulation {
  /// Whether it needs no more than sums, products and quotients of integers, so that it runs over a field of another kind
  /// than floating-point numbers. A singular value decomposition needs roots, a Fourier transform sines.
  public var isRational: Bool { isDotProduct || self == .winograd }

  /// Prepares the operator of a formulation that `isRational` over any ring with quotients of integers.
  ///
  /// - Throws: what `check` throws.
  package func makeFieldOperator<Scalar: RationalRing>(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>,
    bias: borrowing Tensor<Scalar>, options: FormulationOptions = FormulationOptions(),
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    if self != .winograd {
      return try prepareRing(storage, geometry, filter.values, bias.values, memoryLimit, workLimit)
    }
    precondition(filter.values.count == geometry.weights, "another filter's shape")
    try check(
      storage: storage, geometry: geometry, options: options, scalarByteCount: MemoryLayout<Scalar>.stride,
      memoryLimit: memoryLimit, workLimit: workLimit)
    let map = WinogradOperator(
      geometry: geometry.mapped(by: storage), filter: filter.values.baseAddress.unsafelyUnwrapped,
      tile: options.tile)
    return ConvolutionOperator(self, storage, geometry, map, bias: bias.values)
  }
}
