/// The sizes of one direction of a Winograd operator, from which follow all its arrays.
struct WinogradSizes: Sendable {
  /// What a direction is given and makes along one axis.
  struct Axis: Sendable {
    let given: Int
    let made: Int
    /// The place of the first tap of the first output, counted back from the first element given.
    let before: Int

    /// The axis of a geometry or of its adjoint.
    init(_ axis: AxisGeometry, isAdjoint: Bool) {
      given = isAdjoint ? axis.output : axis.image
      made = isAdjoint ? axis.image : axis.output
      before = isAdjoint ? axis.filter - 1 - axis.before : axis.before
    }

    func tiles(_ tile: WinogradTile) -> Int { (made + tile.outputs - 1) / tile.outputs }
  }

  let tile: WinogradTile
  let rows: Axis
  let columns: Axis
  /// Channels given and made in each group.
  let given: Int
  let made: Int
  /// Tiles in a block.
  let block: Int
  /// Whether the kernel's vectors go along the made channels: in whole blocks of these, where tiles are few.
  let isAlongChannels: Bool

  init(_ geometry: ConvolutionGeometry, _ tile: WinogradTile, isAdjoint: Bool) {
    self.tile = tile
    rows = Axis(geometry.rows, isAdjoint: isAdjoint)
    columns = Axis(geometry.columns, isAdjoint: isAdjoint)
    let channels = geometry.channels
    given = isAdjoint ? channels.outputPerGroup : channels.imagePerGroup
    made = isAdjoint ? channels.imagePerGroup : channels.outputPerGroup
    // Long enough for the inner loops, short enough that a block stays near.
    let wanted = (1 << 19) / saturatingProduct(tile.products, saturatingSum(given, made))
    let tiles = saturatingProduct(rows.tiles(tile), columns.tiles(tile))
    block = min(max(16, min(48, wanted)), tiles)
    // Blocks of numbers of four bytes are whole blocks of larger ones.
    isAlongChannels = tiles <= 64 && made % LanePlan.blockChannels(scalarByteCount: 4) == 0
  }

  /// Tiles of one plane.
  var tiles: Int { saturatingProduct(rows.tiles(tile), columns.tiles(tile)) }

  /// Elements of each combined row: those under the tiles of a block.
  var strip: Int { block * tile.outputs + tile.taps - 1 }

  /// Scalars of scratch that one application takes: those of the kernel (`CKWinograd.h`), which takes more than its plain twin.
  var scratch: Int {
    let vectors = (block + 15) / 16 * 16
    let channels = saturatingProduct(tile.products, saturatingSum(given, made), vectors)
    let strips = 2 * tile.pixels * (vectors * tile.outputs + tile.taps + 16)
    return saturatingSum(channels, tile.products * (2 * vectors + 32) + strips)
  }
}

extension OperatorCost {
  /// The cost of the Winograd formulation, in the direction of the problem; what stands on the padding is
  /// left to others.
  ///
  /// Stored entries are the transformed filters, `K·C/g·n²`; held besides are the filters as given, the
  /// matrices and the scratch. Multiply-adds are those of the products between the transforms, tiles at the
  /// edges in full; the transforms, sums with constant weights whose number does not grow with the product of
  /// the channels, are not counted.
  package init(winograd geometry: ConvolutionGeometry, _ tile: WinogradTile, scalarByteCount: Int) {
    let sizes = WinogradSizes(geometry, tile, isAdjoint: geometry.isTransposed)
    let channels = geometry.channels
    let pairs = saturatingProduct(channels.output, channels.imagePerGroup)
    let entries = saturatingProduct(pairs, tile.products)
    let matrices = tile.pixels * (tile.pixels + tile.outputs)
    let scalars = saturatingSum(
      saturatingSum(entries, geometry.weights), saturatingSum(matrices, sizes.scratch))
    self.init(
      storedEntries: entries, bytes: saturatingProduct(entries, scalarByteCount),
      heldBytes: saturatingProduct(scalars, scalarByteCount),
      multiplyAdds: saturatingProduct(channels.batch, sizes.tiles, entries))
  }
}
