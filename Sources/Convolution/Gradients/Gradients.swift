import Buffers

/// The gradients of `⟨upstream, conv(image, filter) + bias⟩`.
public struct Gradients<Scalar: Ring>: ~Copyable, Sendable {
  /// By the image, in its shape.
  public let image: Tensor<Scalar>
  /// By the filter as it was given (before a flip), in its shape.
  public let filter: Tensor<Scalar>
  /// By the bias: one number for each channel of the result.
  public let bias: Tensor<Scalar>
}

extension Formulation {
  /// The gradients of `⟨upstream, result⟩`, computed by this formulation: `direct`, `toeplitz` or `banded`.
  ///
  /// With `y = A·x + b` and `g` the derivative by `y`, the gradient by `x` is `Aᵀ·g`, that by a weight the sum of `g·xᵀ`
  /// over the weight's places in `A`, and that by `b` the sum of `g` over each channel. Where the convolution is
  /// transposed, `A` and `Aᵀ` change places, and so do `g` and `x`.
  ///
  /// Time is that of two applications of the operator, one after the other.
  ///
  /// - Parameter upstream: The derivative by the result, in its shape.
  /// - Throws: `unsupported`, `upstreamShape`, or what `check` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Int)
  public func gradients<Scalar: Ring>(
    of problem: borrowing ConvolutionProblem<Scalar>, upstream: borrowing Tensor<Scalar>, storage: Storage,
    memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) -> Gradients<Scalar> {
    try gradients(
      geometry: problem.geometry, image: problem.image, filter: problem.filter, isFlipped: problem.isFlipped,
      upstream: upstream, storage: storage, memoryLimit: memoryLimit, workLimit: workLimit)
  }

  /// The same, from the parts of a problem; `filter` is the one that is applied.
  @inline(__always)
  func gradients<Scalar: Ring>(
    geometry: ConvolutionGeometry, image: borrowing Tensor<Scalar>, filter: borrowing Tensor<Scalar>,
    isFlipped: Bool, upstream: borrowing Tensor<Scalar>, storage: Storage, memoryLimit: Int, workLimit: Int
  ) throws(ConvolutionError) -> Gradients<Scalar> {
    try checkGradients(
      storage: storage, geometry: geometry, scalarByteCount: MemoryLayout<Scalar>.stride,
      memoryLimit: memoryLimit, workLimit: workLimit)
    if upstream.shape != geometry.resultShape {
      throw .upstreamShape(upstream.shape, expected: geometry.resultShape)
    }
    var imageGradient = Tensor<Scalar>(shape: geometry.imageShape, repeating: .zero)
    if self == .direct, geometry.paddingMode == .zeros,
      let kernel = ChannelKernel(
        geometry, filter: filter.values.baseAddress.unsafelyUnwrapped, isAdjoint: !geometry.isTransposed,
        isPrepared: false)
    {
      // The operator would prepare its own direction first.
      let zeros = AlignedBuffer<Scalar>(
        repeating: .zero, count: geometry.isTransposed ? geometry.channels.output : geometry.channels.image)
      kernel.apply(
        to: upstream.values.baseAddress.unsafelyUnwrapped, bias: zeros.base,
        into: imageGradient.mutableValues.baseAddress.unsafelyUnwrapped)
    } else {
      try prepareRing(
        storage, geometry, filter.values, UnsafeBufferPointer(start: nil, count: 0), memoryLimit, workLimit
      ).applyAdjoint(to: upstream, into: &imageGradient)
    }

    var filterGradient = Tensor<Scalar>(shape: filter.shape, repeating: .zero)
    accumulateFilterGradient(
      storage, geometry, image: image, upstream: upstream, into: &filterGradient)
    if isFlipped { rotatePlanes(filterGradient.mutableValues, taps: geometry.taps) }

    var biasGradient = Tensor<Scalar>(shape: Shape(geometry.resultChannels), repeating: .zero)
    accumulateBiasGradient(
      upstream.values, channels: geometry.resultChannels, batch: geometry.channels.batch,
      into: biasGradient.mutableValues)
    return Gradients(image: imageGradient, filter: filterGradient, bias: biasGradient)
  }

  /// Writes the gradient by the filter as it is applied, for a problem that `checkGradients` allows, over every element of
  /// `gradient`. Other shapes than the problem's are a programming error.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func filterGradient<Scalar: Ring>(
    _ storage: Storage, _ geometry: ConvolutionGeometry, image: borrowing Tensor<Scalar>,
    upstream: borrowing Tensor<Scalar>, into gradient: inout Tensor<Scalar>
  ) {
    precondition(image.shape == geometry.imageShape, "another image's shape")
    precondition(upstream.shape == geometry.resultShape, "another output's shape")
    precondition(gradient.elements.count == geometry.weights, "another filter's shape")
    gradient.mutableValues.update(repeating: .zero)
    accumulateFilterGradient(storage, geometry, image: image, upstream: upstream, into: &gradient)
  }

  /// Says whether `gradients` would refuse a problem of this geometry, and why, without computing anything.
  ///
  /// - Throws: `unsupported`, or what `check` throws, with the costs of `gradientCost`.
  public func checkGradients(
    storage: Storage, geometry: ConvolutionGeometry, scalarByteCount: Int, memoryLimit: Int = .max,
    workLimit: Int = .max
  ) throws(ConvolutionError) {
    if !hasGradients { throw .unsupported(formulation: self, .gradients) }
    try check(
      storage: storage, geometry: geometry, scalarByteCount: scalarByteCount, memoryLimit: memoryLimit)
    let cost = gradientCost(of: geometry, storage: storage, scalarByteCount: scalarByteCount)
    if cost.heldBytes > memoryLimit || cost.heldBytes == .max {
      let fits = storages.first {
        $0 != storage
          && gradientCost(of: geometry, storage: $0, scalarByteCount: scalarByteCount).heldBytes
            <= memoryLimit
      }
      throw .operatorTooLarge(
        formulation: self, storage: storage, bytes: cost.heldBytes, limit: memoryLimit, fits: fits)
    }
    if cost.multiplyAdds > workLimit {
      throw .tooMuchWork(
        formulation: self, storage: storage, multiplyAdds: cost.multiplyAdds, limit: workLimit)
    }
  }

  /// What the gradients of this formulation take for `geometry`: the operator's entries, the bytes of operator and scratch,
  /// and as many multiply-adds as two applications.
  public func gradientCost(
    of geometry: ConvolutionGeometry, storage: Storage, scalarByteCount: Int
  ) -> OperatorCost {
    let cost = cost(of: geometry, storage: storage, scalarByteCount: scalarByteCount)
    let scratch: Int
    switch (self, storage) {
    case (.toeplitz, .dense):
      scratch = saturatingProduct(geometry.channels.image, geometry.image.elementCount, scalarByteCount)
    case (.banded, .dense):
      scratch = saturatingProduct(geometry.rows.output, geometry.rows.image, scalarByteCount)
    case (.direct, _):
      let inner = geometry.mapped(by: .sparse)
      scratch = saturatingSum(
        ChannelKernel<Double>.heldBytes(
          inner, isAdjoint: !geometry.isTransposed, isPrepared: false, scalarByteCount: scalarByteCount),
        FilterGradientKernel.heldBytes(inner, scalarByteCount: scalarByteCount))
    // The operator's padded images serve both gradients, one after the other.
    default: scratch = 0
    }
    return OperatorCost(
      storedEntries: cost.storedEntries, bytes: cost.bytes, heldBytes: saturatingSum(cost.heldBytes, scratch),
      multiplyAdds: saturatingProduct(2, cost.multiplyAdds))
  }

  /// Adds the gradient by the filter as it is applied.
  @inline(__always)
  private func accumulateFilterGradient<Scalar: Ring>(
    _ storage: Storage, _ geometry: ConvolutionGeometry, image: borrowing Tensor<Scalar>,
    upstream: borrowing Tensor<Scalar>, into gradient: inout Tensor<Scalar>
  ) {
    // A's outputs and A's images: what stands at them is the derivative by the result and what was given.
    let (outputs, images) =
      geometry.isTransposed ? (image.values, upstream.values) : (upstream.values, image.values)
    accumulateFilterGradient(
      storage, geometry, outputs: outputs.baseAddress.unsafelyUnwrapped,
      images: images.baseAddress.unsafelyUnwrapped,
      into: gradient.mutableValues.baseAddress.unsafelyUnwrapped)
  }

  /// Adds the gradient by the filter as it is applied; `outputs` stands at `A`'s outputs and `images` at `A`'s images.
  @inline(__always)
  private func accumulateFilterGradient<Scalar: Ring>(
    _ storage: Storage, _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>,
    images: UnsafePointer<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
  ) {
    if storage == .dense {
      if self == .toeplitz {
        accumulateMatrixGradient(geometry, outputs: outputs, images: images, into: gradient)
      } else {
        accumulateBandGradient(geometry, outputs: outputs, images: images, into: gradient)
      }
      return
    }
    if geometry.paddingMode == .zeros {
      accumulateSparseGradient(geometry, outputs: outputs, images: images, into: gradient)
    } else {
      let padded = ImagePadding(geometry).padded(images)
      accumulateSparseGradient(
        geometry.padded, outputs: outputs, images: UnsafePointer(padded.base), into: gradient)
    }
  }

  /// The same without matrices, from images that are padded already or padded with zeros.
  @inline(__always)
  private func accumulateSparseGradient<Scalar: Ring>(
    _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
    into gradient: UnsafeMutablePointer<Scalar>
  ) {
    switch self {
    case .toeplitz: accumulateStencilGradient(geometry, outputs: outputs, images: images, into: gradient)
    case .banded: accumulateDiagonalGradient(geometry, outputs: outputs, images: images, into: gradient)
    default: accumulateDirectGradient(geometry, outputs: outputs, images: images, into: gradient)
    }
  }
}

/// Adds to each channel's number the sum of its planes.
@inline(__always)
private func accumulateBiasGradient<Scalar: Ring>(
  _ upstream: UnsafeBufferPointer<Scalar>, channels: Int, batch: Int,
  into gradient: UnsafeMutableBufferPointer<Scalar>
) {
  let plane = upstream.count / (batch &* channels)
  for n in 0..<batch {
    for channel in 0..<channels {
      let start = upstream.baseAddress.unsafelyUnwrapped + (n &* channels &+ channel) &* plane
      gradient[channel] = gradient[channel] + sum(start, count: plane)
    }
  }
}

/// Turns each filter plane by 180°: reversing the row-major order of a plane is its rotation.
@inline(__always)
func rotatePlanes<Scalar>(_ filter: UnsafeMutableBufferPointer<Scalar>, taps: Int) {
  for start in stride(from: 0, to: filter.count, by: taps) { filter[start..<start + taps].reverse() }
}
