import Buffers

/// A formulation prepared for one geometry, one filter and one bias, to be applied to any image of that geometry.
///
/// Setting up and applying are apart so that each can be timed, and one operator serves many images.
public struct ConvolutionOperator<Scalar: Ring>: ~Copyable, Sendable {
  /// The formulation it follows.
  public let formulation: Formulation
  /// How it stores its matrices.
  public let storage: Storage
  /// The geometry it was prepared for.
  public let geometry: ConvolutionGeometry
  /// The linear map, from padded images where `padding` is there.
  package let map: any LinearMap<Scalar>
  private let padding: ImagePadding?
  private let bias: AlignedBuffer<Scalar>

  /// An operator of a map for the geometry that `storage` asks for.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  package init(
    _ formulation: Formulation, _ storage: Storage, _ geometry: ConvolutionGeometry,
    _ map: any LinearMap<Scalar>, bias: UnsafeBufferPointer<Scalar>
  ) {
    precondition(bias.isEmpty || bias.count == geometry.resultChannels, "another bias's shape")
    self.formulation = formulation
    self.storage = storage
    self.geometry = geometry
    self.map = map
    padding = geometry.paddingMode != .zeros && storage == .sparse ? ImagePadding(geometry) : nil
    var numbers = AlignedBuffer<Scalar>(capacity: geometry.resultChannels)
    numbers.append(contentsOf: bias)
    while numbers.count < geometry.resultChannels { numbers.append(.zero) }
    self.bias = numbers
  }

  /// Bytes of weights, matrix entries and their places that the operator really holds, and of its scratch.
  public var heldBytes: Int {
    let scratch: Int
    switch padding {
    case .some: scratch = ImagePadding.heldBytes(geometry, scalarByteCount: MemoryLayout<Scalar>.stride)
    case nil: scratch = 0
    }
    return map.heldBytes + scratch
  }

  /// Writes the convolution of `image`, plus the bias, over every element of `output`. Shapes other than the
  /// geometry's `imageShape` and `resultShape` are a programming error.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  public func apply(to image: borrowing Tensor<Scalar>, into output: inout Tensor<Scalar>) {
    precondition(image.shape == geometry.imageShape, "another image's shape")
    precondition(output.shape == geometry.resultShape, "another output's shape")
    let source = image.values.baseAddress.unsafelyUnwrapped
    let target = output.mutableValues.baseAddress.unsafelyUnwrapped
    if geometry.isTransposed {
      map.applyAdjoint(to: source, bias: bias.base, into: target)
    } else {
      applyForward(to: source, bias: bias.base, into: target)
    }
  }

  /// Writes the gradient of `⟨upstream, result⟩` by the image over every element of `gradient`: the transposed map.
  /// Shapes other than `resultShape` and `imageShape` are a programming error.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  public func applyAdjoint(to upstream: borrowing Tensor<Scalar>, into gradient: inout Tensor<Scalar>) {
    precondition(upstream.shape == geometry.resultShape, "another output's shape")
    precondition(gradient.shape == geometry.imageShape, "another image's shape")
    let source = upstream.values.baseAddress.unsafelyUnwrapped
    let target = gradient.mutableValues.baseAddress.unsafelyUnwrapped
    let zeros = AlignedBuffer<Scalar>(
      repeating: .zero, count: geometry.isTransposed ? geometry.channels.output : geometry.channels.image)
    if geometry.isTransposed {
      applyForward(to: source, bias: zeros.base, into: target)
      return
    }
    switch padding {
    case nil: map.applyAdjoint(to: source, bias: zeros.base, into: target)
    case .some(let around):
      let padded = AlignedBuffer<Scalar>(count: around.elementCount) { room in
        map.applyAdjoint(to: source, bias: zeros.base, into: room.baseAddress.unsafelyUnwrapped)
      }
      clear(target, count: geometry.imageElementCount)
      around.fold(UnsafePointer(padded.base), into: target)
    }
  }

  @inline(__always)
  private func applyForward(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    switch padding {
    case nil: map.apply(to: image, bias: bias, into: output)
    case .some(let around):
      let padded = around.padded(image)
      map.apply(to: UnsafePointer(padded.base), bias: bias, into: output)
    }
  }

  /// The matrices of the formulation as they are stored: `A` alone for dense toeplitz; for dense banded `B_kcv`, those
  /// of the first filter plane first, each row by row. Nil at other indices and for storages that hold no matrix.
  public func matrix(at index: Int) -> Tensor<Scalar>? { map.matrix(at: index) }
}

extension Formulation {
  /// Prepares the operator of this formulation, in floating-point numbers.
  ///
  /// - Parameters:
  ///   - filter: The taps, as the geometry says (another number of them is a programming error).
  ///   - bias: One number for each channel of the result.
  ///   - memoryLimit: The most bytes the operator may hold; checked before anything is allocated.
  ///   - workLimit: The most multiply-adds one application may take.
  /// - Throws: what `check` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func makeOperator<Scalar: TensorScalar>(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>,
    bias: borrowing Tensor<Scalar>, options: FormulationOptions = FormulationOptions(),
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    try prepare(storage, geometry, filter.values, bias.values, options, memoryLimit, workLimit)
  }

  /// Prepares the operator of this formulation, in floating-point numbers, without a bias.
  ///
  /// - Throws: what `check` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func makeOperator<Scalar: TensorScalar>(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>,
    options: FormulationOptions = FormulationOptions(), memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    try prepare(storage, geometry, filter.values, Self.none(), options, memoryLimit, workLimit)
  }

  /// Prepares the operator of a dot-product formulation over any ring; of another one it is a programming error.
  ///
  /// - Throws: what `check` throws.
  package func makeRingOperator<Scalar: Ring>(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>,
    bias: borrowing Tensor<Scalar>, memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    try prepareRing(storage, geometry, filter.values, bias.values, memoryLimit, workLimit)
  }

  /// Prepares the operator of a dot-product formulation over any ring, without a bias.
  ///
  /// - Throws: what `check` throws.
  package func makeRingOperator<Scalar: Ring>(
    storage: Storage, geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>,
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    try prepareRing(storage, geometry, filter.values, Self.none(), memoryLimit, workLimit)
  }

  /// No bias.
  private static func none<Scalar>() -> UnsafeBufferPointer<Scalar> {
    UnsafeBufferPointer(start: nil, count: 0)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func prepare<Scalar: TensorScalar>(
    _ storage: Storage, _ geometry: ConvolutionGeometry, _ filter: UnsafeBufferPointer<Scalar>,
    _ bias: UnsafeBufferPointer<Scalar>, _ options: FormulationOptions, _ memoryLimit: Int, _ workLimit: Int
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    precondition(filter.count == geometry.weights, "another filter's shape")
    try check(
      storage: storage, geometry: geometry, options: options, scalarByteCount: MemoryLayout<Scalar>.stride,
      memoryLimit: memoryLimit, workLimit: workLimit)
    let inner = geometry.mapped(by: storage)
    let taps = filter.baseAddress.unsafelyUnwrapped
    let map: any LinearMap<Scalar>
    switch self {
    case .direct, .toeplitz, .banded, .im2col:
      map = ringMap(storage, inner, taps)
    case .separable: map = SeparableOperator(geometry: inner, filter: taps, rank: options.rank)
    case .fft: map = FourierOperator(geometry: inner, filter: taps)
    case .winograd: map = WinogradOperator(geometry: inner, filter: taps, tile: options.tile)
    }
    return ConvolutionOperator(self, storage, geometry, map, bias: bias)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  func prepareRing<Scalar: Ring>(
    _ storage: Storage, _ geometry: ConvolutionGeometry, _ filter: UnsafeBufferPointer<Scalar>,
    _ bias: UnsafeBufferPointer<Scalar>, _ memoryLimit: Int, _ workLimit: Int
  ) throws(ConvolutionError) -> ConvolutionOperator<Scalar> {
    precondition(filter.count == geometry.weights, "another filter's shape")
    try check(
      storage: storage, geometry: geometry, scalarByteCount: MemoryLayout<Scalar>.stride,
      memoryLimit: memoryLimit, workLimit: workLimit)
    let map = ringMap(storage, geometry.mapped(by: storage), filter.baseAddress.unsafelyUnwrapped)
    return ConvolutionOperator(self, storage, geometry, map, bias: bias)
  }

  @inline(__always)
  private func ringMap<Scalar: Ring>(
    _ storage: Storage, _ geometry: ConvolutionGeometry, _ filter: UnsafePointer<Scalar>
  ) -> any LinearMap<Scalar> {
    switch (self, storage) {
    case (.direct, _): DirectOperator(geometry: geometry, filter: filter)
    case (.toeplitz, .dense): ToeplitzMatrix(geometry: geometry, filter: filter)
    case (.toeplitz, .sparse): ToeplitzStencil(geometry: geometry, filter: filter)
    case (.banded, .dense): BandMatrices(geometry: geometry, filter: filter)
    case (.banded, .sparse): BandDiagonals(geometry: geometry, filter: filter)
    case (.im2col, _): Im2colOperator(geometry: geometry, filter: filter)
    default: preconditionFailure("\(self) needs more than sums and products")
    }
  }

  /// Says whether `makeOperator` would refuse, and why, without making anything.
  ///
  /// - Throws: `unsupportedStorage`, `unsupported`, `foreignOption`, `rankTooLarge`, `noSuchTile`, `operatorTooLarge` or
  ///   `tooMuchWork`.
  public func check(
    storage: Storage, geometry: ConvolutionGeometry, options: FormulationOptions = FormulationOptions(),
    scalarByteCount: Int, memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) {
    if !supports(storage) { throw .unsupportedStorage(formulation: self, storage: storage) }
    try checkSupport(of: geometry, options: options)
    let cost = cost(of: geometry, storage: storage, options: options, scalarByteCount: scalarByteCount)
    // At `Int.max` the count itself did not fit: no memory is large enough.
    if cost.heldBytes > memoryLimit || cost.heldBytes == .max {
      let fits = storages.first {
        $0 != storage
          && self.cost(of: geometry, storage: $0, options: options, scalarByteCount: scalarByteCount)
            .heldBytes
            <= memoryLimit
      }
      throw .operatorTooLarge(
        formulation: self, storage: storage, bytes: cost.heldBytes, limit: memoryLimit, fits: fits)
    }
    let work = saturatingSum(cost.multiplyAdds, cost.setupMultiplyAdds)
    if work > workLimit {
      throw .tooMuchWork(formulation: self, storage: storage, multiplyAdds: work, limit: workLimit)
    }
  }

  /// Says whether the formulation can compute a problem of this geometry with these options at all.
  ///
  /// - Throws: `unsupported`, `foreignOption`, `rankTooLarge` or `noSuchTile`.
  public func checkSupport(
    of geometry: ConvolutionGeometry, options: FormulationOptions = FormulationOptions()
  ) throws(ConvolutionError) {
    if let rank = options.rank {
      if self != .separable { throw .foreignOption(field: .rank, formulation: self) }
      let limit = min(geometry.filter.height, geometry.filter.width)
      if rank > limit { throw .rankTooLarge(rank, limit: limit) }
    }
    if options.tile != nil, self != .winograd { throw .foreignOption(field: .tile, formulation: self) }
    if self == .winograd { _ = try WinogradTile(geometry, tile: options.tile) }
  }
}

extension ConvolutionGeometry {
  /// What a linear map is prepared for: in sparse storage, images that are padded already where the padding is not
  /// zeros; matrices with all their entries hold the padding themselves.
  func mapped(by storage: Storage) -> ConvolutionGeometry {
    paddingMode == .zeros || storage == .dense ? self : padded
  }
}
