/// How a correlation with many channels is cut into blocks where vectors go along the made channels, from its sizes alone.
///
/// Nothing is packed but the weights: planes are read as they stand, number by number, and a tap on padding is left out of
/// each result. What that takes is whole vectors of made channels.
struct LanePlan {
  /// Taps by ascending offset.
  let rows: ChannelAxis
  let columns: ChannelAxis
  let given: Int
  let made: Int
  /// Given channels whose weights are taken at a time, and made rows whose results are.
  let channelBlock: Int
  let rowBlock: Int
  /// Whether weights are used so seldom before the next ones that these are asked for in time.
  let isAhead: Bool

  /// Made channels of a block of the widest vectors.
  static func blockChannels(scalarByteCount: Int) -> Int { 2 * 64 / scalarByteCount }

  /// Bytes of weights that stay in the second-level cache beside all else, and in the first.
  private static var panelBytes: Int { 5 << 15 }
  private static var nearBytes: Int { 1 << 14 }
  /// Bytes of weights that no second-level cache keeps from one image to the next.
  private static var farBytes: Int { 1 << 19 }
  /// Results of a block of channels at a time.
  private static var blockResults: Int { 448 }
  /// Results that are summed at a time, and so many times these are few.
  private static var tileResults: Int { 14 }
  private static var fewTiles: Int { 8 }
  /// The longest row of results, and the most places of taps.
  private static var widest: Int { 4096 }
  private static var placeLimit: Int { 1 << 14 }

  /// Nil where vectors along the results are as good, or a row is too long; `readsPlanes` says that those would have nothing to pack.
  init?(
    rows: ChannelAxis, columns: ChannelAxis, given: Int, made: Int, readsPlanes: Bool, scalarByteCount: Int
  ) {
    if rows.taps.isEmpty || columns.taps.isEmpty || columns.made > Self.widest { return nil }
    if Self.places(columns, rows.taps.count * columns.taps.count) > Self.placeLimit { return nil }
    let (block, vector) = (Self.blockChannels(scalarByteCount: scalarByteCount), 64 / scalarByteCount)
    let results = saturatingProduct(rows.made, columns.made)
    // Vectors along the results multiply with zeros on padding and pack what they read; these turn their results.
    let blocks = ChannelPlan.blocks(of: made, block)
    let alongChannels = saturatingProduct(blocks, block, saturatingProduct(results, 10))
    let alongResults = saturatingProduct(
      made, ChannelPlan.blocks(of: results, vector), vector * (readsPlanes ? 9 : 11))
    if alongChannels > alongResults { return nil }
    self.rows = rows
    self.columns = columns
    self.given = given
    self.made = made
    let tapBytes = rows.taps.count * columns.taps.count * block * scalarByteCount
    let tiles = saturatingProduct(rows.made, ChannelPlan.blocks(of: columns.made, Self.tileResults))
    let weights = saturatingProduct(tapBytes, given, blocks)
    isAhead = tiles <= Self.fewTiles && weights > Self.farBytes
    let most = max(1, (isAhead ? Self.nearBytes : Self.panelBytes) / tapBytes)
    channelBlock = ChannelPlan.blocks(of: given, ChannelPlan.blocks(of: given, most))
    rowBlock = min(rows.made, max(1, Self.blockResults / columns.made))
  }

  /// Taps that are multiplied.
  var tapCount: Int { rows.taps.count * columns.taps.count }

  /// Places of taps, two numbers of eight bytes each: for each part of a row of results, which the fewest results at a time make
  /// the most.
  private static func places(_ columns: ChannelAxis, _ tapCount: Int) -> Int {
    (columns.made + 5) / 6 * tapCount
  }

  /// Numbers of the packed weights of a group, with the widest vectors.
  func packedWeights(scalarByteCount: Int) -> Int {
    let block = Self.blockChannels(scalarByteCount: scalarByteCount)
    return saturatingProduct(ChannelPlan.blocks(of: made, block), block, saturatingProduct(given, tapCount))
  }

  /// Numbers of scratch that one application takes.
  func scratch(isPrepared: Bool, scalarByteCount: Int) -> Int {
    let block = Self.blockChannels(scalarByteCount: scalarByteCount)
    return (rowBlock * columns.made + 1) * block
      + (isPrepared ? 0 : saturatingProduct(channelBlock, tapCount, block))
      + Self.places(columns, tapCount) * 16 / scalarByteCount
  }
}
