/// A formulation prepared for one geometry and one filter, to be applied to any image of that geometry.
///
/// Setting up and applying are apart so that each can be timed, and one operator serves many images.
public struct ConvolutionOperator<Scalar: Ring>: ~Copyable, Sendable {
  /// The formulation it follows.
  public let formulation: Formulation
  /// How it stores its matrices.
  public let storage: Storage
  /// The geometry it was prepared for.
  public let geometry: ConvolutionGeometry
  private let body: Body

  fileprivate enum Body: ~Copyable, Sendable {
    case direct(DirectOperator<Scalar>)
    case toeplitzDense(ToeplitzMatrix<Scalar>)
    case toeplitzSparse(ToeplitzStencil<Scalar>)
    case bandedDense(BandMatrices<Scalar>)
    case bandedSparse(BandDiagonals<Scalar>)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  fileprivate init(
    _ formulation: Formulation, _ storage: Storage, _ geometry: ConvolutionGeometry,
    _ filter: borrowing Tensor<Scalar>
  ) {
    self.formulation = formulation
    self.storage = storage
    self.geometry = geometry
    switch (formulation, storage) {
    case (.direct, _): body = .direct(DirectOperator(geometry: geometry, filter: filter))
    case (.toeplitz, .dense): body = .toeplitzDense(ToeplitzMatrix(geometry: geometry, filter: filter))
    case (.toeplitz, .sparse): body = .toeplitzSparse(ToeplitzStencil(geometry: geometry, filter: filter))
    case (.banded, .dense): body = .bandedDense(BandMatrices(geometry: geometry, filter: filter))
    case (.banded, .sparse): body = .bandedSparse(BandDiagonals(geometry: geometry, filter: filter))
    }
  }

  /// Bytes of weights, matrix entries and their places that the operator really holds.
  public var heldBytes: Int {
    switch body {
    case .direct(let it): it.heldBytes
    case .toeplitzDense(let it): it.heldBytes
    case .toeplitzSparse(let it): it.heldBytes
    case .bandedDense(let it): it.heldBytes
    case .bandedSparse(let it): it.heldBytes
    }
  }

  /// Writes the convolution of `image` (H×W) over every element of `output` (out_h×out_w). Shapes other than
  /// the geometry's are a programming error.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  public func apply(to image: borrowing Tensor<Scalar>, into output: inout Tensor<Scalar>) {
    precondition(image.shape == Shape(geometry.image.height, geometry.image.width), "another image's shape")
    precondition(
      output.shape == Shape(geometry.output.height, geometry.output.width), "another output's shape")
    let source = image.values.baseAddress.unsafelyUnwrapped
    let target = output.mutableValues.baseAddress.unsafelyUnwrapped
    switch body {
    case .direct(let it): it.apply(to: source, into: target)
    case .toeplitzDense(let it): it.apply(to: source, into: target)
    case .toeplitzSparse(let it): it.apply(to: source, into: target)
    case .bandedDense(let it): it.apply(to: source, into: target)
    case .bandedSparse(let it): it.apply(to: source, into: target)
    }
  }

  /// The matrices of the formulation as they are stored: `A` alone for dense toeplitz, `B_0, B_1, …` for dense
  /// banded, each row by row. Nil at other indices and for storages that hold no matrix.
  public func matrix(at index: Int) -> Tensor<Scalar>? {
    switch body {
    case .toeplitzDense(let it): index == 0 ? it.matrix() : nil
    case .bandedDense(let it): (0..<geometry.filter.width).contains(index) ? it.matrix(index) : nil
    default: nil
    }
  }
}

extension Formulation {
  /// Prepares the operator of this formulation.
  ///
  /// - Parameters:
  ///   - filter: The taps, kh×kw, as the geometry says (another shape is a programming error).
  ///   - memoryLimit: The most bytes the operator may hold; checked before anything is allocated.
  ///   - workLimit: The most multiply-adds one application may take.
  /// - Throws: `unsupportedStorage`, `operatorTooLarge` or `tooMuchWork`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  public func makeOperator<Scalar: Ring>(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>,
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    precondition(
      filter.shape == Shape(geometry.filter.height, geometry.filter.width), "another filter's shape")
    try check(
      storage: storage, geometry: geometry, scalarByteCount: MemoryLayout<Scalar>.stride,
      memoryLimit: memoryLimit, workLimit: workLimit)
    return ConvolutionOperator(self, storage, geometry, filter)
  }

  /// Says whether `makeOperator` would refuse, and why, without making anything.
  ///
  /// - Throws: `unsupportedStorage`, `operatorTooLarge` or `tooMuchWork`.
  public func check(
    storage: Storage, geometry: ConvolutionGeometry, scalarByteCount: Int, memoryLimit: Int = .max,
    workLimit: Int = .max
  ) throws(ConvolutionError) {
    if !supports(storage) { throw .unsupportedStorage(formulation: self, storage: storage) }
    let cost = cost(of: geometry, storage: storage, scalarByteCount: scalarByteCount)
    // At `Int.max` the count itself did not fit: no memory is large enough.
    if cost.heldBytes > memoryLimit || cost.heldBytes == .max {
      let fits = storages.first {
        $0 != storage
          && self.cost(of: geometry, storage: $0, scalarByteCount: scalarByteCount).heldBytes <= memoryLimit
      }
      throw .operatorTooLarge(
        formulation: self, storage: storage, bytes: cost.heldBytes, limit: memoryLimit, fits: fits)
    }
    if cost.multiplyAdds > workLimit {
      throw .tooMuchWork(
        formulation: self, storage: storage, multiplyAdds: cost.multiplyAdds, limit: workLimit)
    }
  }
}
