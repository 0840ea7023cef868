extension Formulation {
  /// Prepares the operator over the prime field: the algorithm of floating-point problems, without rounding.
  ///
  /// Two formulations need something else in place of what only real numbers have. Fourier transforms take their roots of unity
  /// from the field's extension by a root of −1 (`FourierRing`); separable ones decompose by elimination instead of singular
  /// values, at full rank.
  ///
  /// - Throws: what `check` throws.
  package func makeFieldOperator(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<PrimeField>,
    bias: borrowing Tensor<PrimeField>, options: FormulationOptions = FormulationOptions(),
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<PrimeField> {
    if isDotProduct {
      return try prepareRing(storage, geometry, filter.values, bias.values, memoryLimit, workLimit)
    }
    precondition(filter.values.count == geometry.weights, "another filter's shape")
    try check(
      storage: storage, geometry: geometry, options: options,
      scalarByteCount: MemoryLayout<PrimeField>.stride,
      memoryLimit: memoryLimit, workLimit: workLimit)
    let inner = geometry.mapped(by: storage)
    let weights = filter.values.baseAddress.unsafelyUnwrapped
    let map: any LinearMap<PrimeField> =
      switch self {
      case .winograd: WinogradOperator(geometry: inner, filter: weights, tile: options.tile)
      case .fft: FourierOperator(geometry: inner, filter: weights)
      case .separable:
        SeparableOperator(
          geometry: inner, factors: SeparableFactors(geometry: inner, filter: weights))
      default: preconditionFailure("a dot product")
      }
    return ConvolutionOperator(self, storage, geometry, map, bias: bias.values)
  }
}
