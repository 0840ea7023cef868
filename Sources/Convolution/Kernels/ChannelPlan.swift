/// How a correlation with many channels is cut into blocks, from its sizes alone.
///
/// Given rows are packed so that results that are neighbours find their pixels side by side under every tap: for each column of
/// taps a copy of the rows, of which rows of taps share those that they have in common (M. Cho and D. Brand, MEC:
/// Memory-efficient Convolution for Deep Neural Network, ICML 2017). That is done for some rows of results and some channels at
/// a time, which stay in the cache for all channels made.
struct ChannelPlan {
  /// Given rows that follow one another, and serve one or more rows of taps.
  struct Segment {
    /// The offset of the first.
    let first: Int
    /// How many more of them there are than rows of results.
    var extra: Int
  }

  /// Taps by ascending offset.
  let rows: ChannelAxis
  let columns: ChannelAxis
  let given: Int
  let made: Int
  let segments: [Segment]
  /// For each row of taps its segment, and how many rows behind the segment's first one it begins.
  let places: [(segment: Int, shift: Int)]
  /// Whether the given planes are read as they stand: under a single tap, all results side by side.
  let readsPlanes: Bool
  /// Channels and rows of results that are packed at a time.
  let channelBlock: Int
  let rowBlock: Int

  /// Bytes of what is packed at a time: a part of a common second-level cache.
  private static var packedBytes: Int { 1 << 18 }
  /// Bytes of the widest vector.
  private static var vectorBytes: Int { 64 }
  /// More rows than these between two rows of taps are not worth sharing.
  private static var widestGap: Int { 4 }

  /// The plan of `given` planes to `made` ones; nil where not even one row of one channel fits what may be packed.
  ///
  /// With `isPatches` every tap has rows of its own: then what is packed are the columns of the matrix of patches.
  init?(rows: ChannelAxis, columns: ChannelAxis, given: Int, made: Int, isPatches: Bool, scalarByteCount: Int)
  {
    self.rows = rows
    self.columns = columns
    self.given = given
    self.made = made
    var segments: [Segment] = []
    var places: [(segment: Int, shift: Int)] = []
    for tap in rows.taps {
      let found = segments.lastIndex { (tap.offset - $0.first) % rows.stride == 0 }
      if !isPatches, let found,
        (tap.offset - segments[found].first) / rows.stride <= segments[found].extra + Self.widestGap
      {
        let shift = (tap.offset - segments[found].first) / rows.stride
        segments[found].extra = shift
        places.append((found, shift))
      } else {
        places.append((segments.count, 0))
        segments.append(Segment(first: tap.offset, extra: 0))
      }
    }
    self.segments = segments
    self.places = places
    readsPlanes =
      !isPatches && rows.taps.count == 1 && columns.taps.count == 1 && rows.isInside && columns.isInside
      && columns.made == columns.given && rows.stride == 1 && rows.taps[0].offset == 0 && rows.step == 1
      && columns.step == 1
    if readsPlanes || rows.taps.isEmpty || columns.taps.isEmpty {
      (channelBlock, rowBlock) = (given, rows.made)
      return
    }

    let extra = segments.reduce(0) { $0 + $1.extra }
    let width = columns.made
    let lines = Self.packedBytes / scalarByteCount / saturatingProduct(columns.taps.count, width)
    func packedLines(_ rowBlock: Int) -> Int { segments.count * rowBlock + extra }
    if packedLines(1) > lines { return nil }
    let vector = Self.vectorBytes / scalarByteCount
    // Few rows are packed twice where blocks are several times as high as the filter; long sums are seldom interrupted.
    let wanted = min(rows.made, max((5 * extra) / segments.count, (16 * vector + width - 1) / width))
    var channels = min(given, max(8, lines / packedLines(wanted)))
    if packedLines(1) * channels > lines { channels = lines / packedLines(1) }
    var most = min(rows.made, (lines / channels - extra) / segments.count)
    if max(rows.step, columns.step) > 1 {
      most = max(1, min(most, 2 * Self.packedBytes / scalarByteCount / saturatingProduct(made, width)))
    }
    channelBlock = Self.blocks(of: given, Self.blocks(of: given, channels))
    rowBlock = Self.rowBlock(atMost: most, of: rows.made, width: width, vector: vector)
  }

  /// How many blocks of `size` there are in `count`, at least one, the last perhaps not full.
  static func blocks(of count: Int, _ size: Int) -> Int { (count - 1) / size + 1 }

  /// The size of blocks of rows whose results fill the fewest vectors, the largest of them.
  private static func rowBlock(atMost most: Int, of rows: Int, width: Int, vector: Int) -> Int {
    func vectors(_ block: Int) -> Int {
      let (whole, rest) = rows.quotientAndRemainder(dividingBy: block)
      let vectors = saturatingProduct(whole, Self.blocks(of: block * width, vector))
      return rest == 0 ? vectors : saturatingSum(vectors, Self.blocks(of: rest * width, vector))
    }
    var best = most
    // A row of results has at least one number: after so many steps all remainders have been met.
    for block in stride(from: most - 1, to: max(most / 2, most - vector), by: -1)
    where vectors(block) < vectors(best) {
      best = block
    }
    return best
  }

  private var step: Int { max(rows.step, columns.step) }

  /// Whether a result stands for each made element, but no tap reaches any.
  var isEmpty: Bool { rows.taps.isEmpty || columns.taps.isEmpty }

  /// Numbers of one packed channel.
  var packedChannel: Int {
    if readsPlanes { return 0 }
    return columns.taps.count * columns.made * segments.reduce(0) { $0 + rowBlock + $1.extra }
  }

  /// Taps that are multiplied.
  var tapCount: Int { rows.taps.count * columns.taps.count }

  /// Numbers of scratch that one application takes.
  func scratch(scalarByteCount: Int) -> Int {
    if isEmpty { return 0 }
    if readsPlanes { return saturatingSum(saturatingProduct(given, 16), 16) }
    let results = step == 1 ? 0 : saturatingProduct(made, rowBlock, columns.made)
    return saturatingSum(channelBlock * packedChannel + 16, results)
  }

  /// How far the pixels of a tap stand behind the first number of a packed channel.
  func place(row: Int, column: Int) -> Int {
    if readsPlanes { return 0 }
    let (segment, shift) = places[row]
    let before = segments.prefix(segment).reduce(0) { $0 + rowBlock + $1.extra }
    let lines = segments.reduce(0) { $0 + rowBlock + $1.extra }
    return (column * lines + before + shift) * columns.made
  }
}
