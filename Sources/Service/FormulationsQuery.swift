import Convolution
import TensorCoding

/// The problem that a query of GET /formulations describes, by shapes alone.
struct FormulationsQuery {
  /// How image, filter and result meet.
  let geometry: ConvolutionGeometry
  /// The filter's shape as it was asked for.
  let filter: Shape
  /// The element type of the problem.
  let dataType: DataType
  private let rank: Int?
  private let tile: Int?

  /// What `query` asks; nil where it asks nothing.
  ///
  /// - Throws: `parameter`, which names what is missing, unknown or wrong.
  init?(_ query: Query, limits: ServiceLimits) throws(ServiceError) {
    try query.check(known: [
      "image", "filter", "stride", "padding", "padding_mode", "dilation", "groups", "transposed",
      "output_padding",
      "output_shape", "dtype", "tile", "rank",
    ])
    if query.isEmpty { return nil }
    let extents = 1...AxisGeometry.maximumExtent
    guard let image = try query.shape("image", ranks: [2, 3, 4]) else {
      throw .parameter("image", Self.needsShapes)
    }
    guard let filter = try query.shape("filter", ranks: [2, 4]) else {
      throw .parameter("filter", Self.needsShapes)
    }
    let options = try ConvolutionOptions(query)
    dataType = try query.word("dtype") ?? .float32
    tile = try query.integer("tile", in: extents)
    rank = try query.integer("rank", in: extents)
    do throws(ConvolutionError) {
      geometry = try ConvolutionGeometry(
        image: image, filter: filter, options: options, maximumOutputElements: limits.tensorElements)
      if let rank {
        try Formulation.separable.checkSupport(of: geometry, options: FormulationOptions(rank: rank))
      }
      try Self.check(tile, geometry)
    } catch {
      throw .parameter(error.field.rawValue, "cannot be used. \(error)")
    }
    self.filter = filter
    for (name, shape) in [("image", image), ("filter", filter)]
    where (shape.elementCount ?? .max) > limits.tensorElements {
      throw .parameter(name, "cannot be used. At most \(limits.tensorElements) elements are allowed.")
    }
  }

  /// Refuses a tile that no filter of this size has; where the problem has no tiles at all, its row says so.
  private static func check(_ tile: Int?, _ geometry: ConvolutionGeometry) throws(ConvolutionError) {
    do throws(ConvolutionError) {
      if tile != nil {
        try Formulation.winograd.checkSupport(of: geometry, options: FormulationOptions(tile: tile))
      }
    } catch {
      if case .noSuchTile = error { throw error }
    }
  }

  /// The options that are for `formulation`.
  func options(for formulation: Formulation) -> FormulationOptions {
    FormulationOptions(
      rank: formulation == .separable ? rank : nil, tile: formulation == .winograd ? tile : nil)
  }

  private static let needsShapes =
    "is missing: extents joined by x, such as image=1x3x224x224&filter=64x3x7x7."
}
