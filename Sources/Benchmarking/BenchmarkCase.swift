public import Convolution

/// What of a problem is computed and timed.
public enum BenchmarkQuantity: String, CaseIterable, Sendable {
  /// The convolution, by an operator that is there already.
  case result
  /// The gradient by the image, by an operator that is there already.
  case imageGradient = "image-gradient"
  /// The gradient by the filter.
  case filterGradient = "filter-gradient"
  /// The convolution from nothing but image and filter: geometry, operator and the memory of the result are made anew each time.
  case call

  /// Whether the derivative by the result is needed for it.
  var isGradient: Bool { self == .imageGradient || self == .filterGradient }
}

/// One line of the table to come.
public struct BenchmarkCase: Hashable, Sendable {
  /// The image's shape.
  public let image: Shape
  /// The filter's shape.
  public let filter: Shape
  /// Stride, padding, dilation and groups.
  public let options: ConvolutionOptions
  /// The element type.
  public let dataType: DataType
  /// The formulation.
  public let formulation: Formulation
  /// Its storage.
  public let storage: Storage
  /// What is timed.
  public let quantity: BenchmarkQuantity

  /// A case; the defaults are the classic table's.
  public init(
    image: Shape, filter: Shape, options: ConvolutionOptions = ConvolutionOptions(),
    dataType: DataType = .float32, formulation: Formulation, storage: Storage,
    quantity: BenchmarkQuantity = .result
  ) {
    self.image = image
    self.filter = filter
    self.options = options
    self.dataType = dataType
    self.formulation = formulation
    self.storage = storage
    self.quantity = quantity
  }

  /// The geometry, which is that of a valid problem.
  ///
  /// - Throws: the first rule of `ConvolutionError` that is broken.
  public func geometry() throws(ConvolutionError) -> ConvolutionGeometry {
    try ConvolutionGeometry(image: image, filter: filter, options: options)
  }

  /// Refuses what can't be computed, or not within the limits, before anything is made.
  func check(
    _ geometry: ConvolutionGeometry, memoryLimit: Int, workLimit: Int
  ) throws(ConvolutionError) {
    for (formulation, storage) in [(formulation, storage), (.direct, .sparse)] {
      if quantity.isGradient {
        try formulation.checkGradients(
          storage: storage, geometry: geometry, scalarByteCount: dataType.byteCount, memoryLimit: memoryLimit,
          workLimit: workLimit)
      } else {
        try formulation.check(
          storage: storage, geometry: geometry, scalarByteCount: dataType.byteCount, memoryLimit: memoryLimit,
          workLimit: workLimit)
      }
    }
    // An image of any size may be asked for; the result is checked with the geometry.
    let limit = memoryLimit / dataType.byteCount
    if geometry.imageElementCount > limit {
      let others = geometry.imageElementCount / geometry.image.height
      throw .parameterTooLarge(
        field: .image, axis: .height, value: geometry.image.height, limit: limit / max(1, others))
    }
  }
}
