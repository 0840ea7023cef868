/// How a convolution is cut into blocks for transforms, known from the geometry alone.
///
/// **Overlap-add.** The image is cut into blocks of `L − E + 1` pixels along each axis, `E` the extent of the dilated
/// filter and `L` the transform's length; the `L` outputs that a block reaches are added to those of its neighbours. Where
/// one block is the whole axis it may be longer: only outputs that are wanted must not meet others in the circle, so that
/// without padding `L` is the image's length, rounded up. The transposed map cuts the outputs likewise.
///
/// **Choice of L.** For each pair of powers of two the work of the set-up and of one application is estimated, and
/// the least taken; of equal ones the smaller. With `s` points of a half spectrum, `(L₁/2 + 1)·L₂` and its rows' tails, and
/// `m = log₂ L₁L₂`, a transform takes `2·(m + 4)·s` multiply-adds (a butterfly of four numbers takes 34 operations in two of
/// the `m` layers; loading, separation, transposition and adding are the 4), a product of spectra `4·s`:
///
///     K·C/g transforms once; for each image, group and block C/g + K/g transforms and K/g·C/g products
///
/// Counting the set-up keeps blocks small where filters are many, and with them the memory; transforms too large for
/// a cache count twice, and each costs 2000 more for its loops (measured: 0.7 µs of 32×32 points, 60 µs of 256×256).
package struct FourierPlan: Hashable, Sendable {
  /// The blocks of the rows.
  package let rows: FourierAxis
  /// The blocks of the columns.
  package let columns: FourierAxis
  /// The geometry's channels.
  package let channels: ChannelGeometry
  /// Whether the blocks that count are those of the transposed map.
  private let isTransposed: Bool

  /// The plan with the least work.
  package init(_ geometry: ConvolutionGeometry) {
    var best: (plan: FourierPlan, work: Double)?
    let lengths = (Self.lengths(geometry.rows, least: 2), Self.lengths(geometry.columns, least: 1))
    for rows in lengths.0 {
      for columns in lengths.1 {
        let plan = FourierPlan(
          rows: rows, columns: columns, channels: geometry.channels, isTransposed: geometry.isTransposed)
        let work = plan.estimate
        if best.map({ work < $0.work }) ?? true { best = (plan, work) }
      }
    }
    guard let best else { preconditionFailure("a filter's full length fits") }
    self = best.plan
  }

  private init(rows: FourierAxis, columns: FourierAxis, channels: ChannelGeometry, isTransposed: Bool) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
    self.isTransposed = isTransposed
  }

  private static func lengths(_ axis: AxisGeometry, least: Int) -> [FourierAxis] {
    guard let full = FourierAxis(axis, length: nil, least: least) else { return [] }
    var all: [FourierAxis] = []
    var length = least
    while length < full.length {
      if let blocks = FourierAxis(axis, length: length, least: least) { all.append(blocks) }
      length *= 2
    }
    return all + [full]
  }

  /// Rows and columns of a transform.
  package var size: Extent { Extent(rows.length, columns.length) }

  /// `log₂` of a transform's points.
  private var layers: Int { rows.length.trailingZeroBitCount + columns.length.trailingZeroBitCount }

  /// The layers of sums and of products with roots in the one-dimensional transforms of complex numbers: down the columns,
  /// of half the length, then along the rows.
  package var passes: (down: (sums: Int, products: Int), along: (sums: Int, products: Int)) {
    let (half, width) = (rows.length / 2, columns.length)
    return (
      (half.trailingZeroBitCount, FourierStages<Float>.rootLayers(half)),
      (width.trailingZeroBitCount, FourierStages<Float>.rootLayers(width))
    )
  }

  /// Loading, separation, transposition and adding, as layers.
  private static var otherLayers: Int { 4 }
  /// What starts all the loops of a transform, in multiply-adds.
  private static var start: Double { 2000 }

  private var estimate: Double {
    let points = Double(FourierTransform<Float>.spectrumCount(size)) / 2
    let large = points > 0x1p17 ? 2.0 : 1
    let transform = (2 * Double(layers + Self.otherLayers) * points + Self.start) * large
    let groups = Double(channels.batch) * Double(channels.groups)
    let blocks =
      groups * Double(rows.blockCount(adjoint: isTransposed))
      * Double(columns.blockCount(adjoint: isTransposed))
    let (image, output) = (Double(channels.imagePerGroup), Double(channels.outputPerGroup))
    return Double(channels.output) * image * transform
      + blocks * ((image + output) * transform + image * output * 4 * points)
  }

  /// The numbers of all spectra of the filter.
  var storedEntries: Int {
    saturatingProduct(
      channels.output, saturatingProduct(channels.imagePerGroup, FourierTransform<Float>.spectrumCount(size)))
  }

  /// Numbers of the scratch of one application: the spectra of a block's channels, their product and a block.
  var scratchCount: Int {
    let spectra = saturatingProduct(
      max(channels.imagePerGroup, channels.outputPerGroup), FourierTransform<Float>.spectrumCount(size))
    return saturatingSum(
      saturatingSum(spectra, FourierTransform<Float>.scratchCount(size)),
      FourierTransform<Float>.blockCount(size))
  }

  /// Bytes of tables and scratch.
  func placeBytes(scalarByteCount: Int) -> Int {
    saturatingSum(
      saturatingProduct(scratchCount, scalarByteCount),
      FourierTransform<Float>.tableBytes(size, scalarByteCount: scalarByteCount))
  }

  /// Multiply-adds of one application.
  var multiplyAdds: Int {
    let points = FourierTransform<Float>.spectrumCount(size) / 2
    let (image, output) = (channels.imagePerGroup, channels.outputPerGroup)
    let each = saturatingSum(
      saturatingProduct(2 * (layers + Self.otherLayers), saturatingSum(image, output)),
      saturatingProduct(4, image, output))
    return saturatingProduct(
      saturatingProduct(channels.batch, channels.groups),
      saturatingProduct(rows.blockCount(adjoint: isTransposed), columns.blockCount(adjoint: isTransposed)),
      points, each)
  }
}
