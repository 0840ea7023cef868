/// What the matrix `A` of a convolution is made of, counted from the geometry alone. Numbers too large for an `Int` stand
/// at `Int.max`.
public struct OperatorStatistics: Hashable, Sendable {
  /// Elements of the result of one image.
  public let rows: Int
  /// Elements of one image.
  public let columns: Int
  /// Entries that a tap stands in, the structural nonzeros.
  public let nonzeros: Int
  /// Taps of all filter planes that stand in at least one entry.
  public let distinctWeights: Int
  /// Entries of one `B_kcv` that a tap stands in.
  public let bandNonzeros: Int
  /// Taps of one column of the filter that stand in at least one entry of its `B_kcv`.
  public let bandWeights: Int
  /// How many `B_kcv` there are: `K · C/g · kw`.
  public let bandMatrices: Int
  /// Rows and columns of one `B_kcv`.
  public let bandSize: Extent

  /// Meetings of a tap and a pixel along both axes, which whoever walks through the matrix holds.
  package let meetings: Int

  /// The most steps that counting may take.
  private static var workLimit: Int { 1 << 27 }

  /// Counts without making the matrix. With zeros on the padding it takes one step a tap, otherwise one for each tap of
  /// the outputs that reach the padding.
  ///
  /// - Throws: `tooMuchWork` where that would take too long.
  init(_ geometry: ConvolutionGeometry) throws(ConvolutionError) {
    let channels = geometry.channels
    let planes = saturatingProduct(channels.output, channels.imagePerGroup)
    let imagePlane = saturatingProduct(channels.image, geometry.image.elementCount)
    let outputPlane = saturatingProduct(channels.output, geometry.output.elementCount)
    (rows, columns) = geometry.isTransposed ? (imagePlane, outputPlane) : (outputPlane, imagePlane)
    for axis in [geometry.rows, geometry.columns] {
      let outer = axis.mode == .zeros ? 1 : axis.output - axis.interior.count
      let steps = saturatingProduct(outer, axis.filter)
      if steps > Self.workLimit {
        throw .tooMuchWork(
          formulation: .toeplitz, storage: .sparse, multiplyAdds: steps, limit: Self.workLimit)
      }
    }
    let (vertical, horizontal) = (Self.count(geometry.rows), Self.count(geometry.columns))
    nonzeros = saturatingProduct(planes, vertical.entries, horizontal.entries)
    // With zeros on the padding each meeting is an entry; otherwise several may stand in one.
    meetings =
      geometry.paddingMode == .zeros
      ? saturatingSum(vertical.entries, horizontal.entries)
      : saturatingSum(
        saturatingProduct(geometry.rows.output, geometry.rows.filter),
        saturatingProduct(geometry.columns.output, geometry.columns.filter))
    distinctWeights = saturatingProduct(planes, vertical.taps, horizontal.taps)
    (bandNonzeros, bandWeights) = vertical
    bandMatrices = saturatingProduct(planes, geometry.filter.width)
    let (output, image) = (geometry.rows.output, geometry.rows.image)
    bandSize = geometry.isTransposed ? Extent(image, output) : Extent(output, image)
  }

  /// All entries: `rows · columns`.
  public var entries: Int { saturatingProduct(rows, columns) }
  /// Entries that no tap stands in, whatever the filter.
  public var fixedZeros: Int { entries == .max ? .max : entries - nonzeros }
  /// Entries that repeat a weight which already stands elsewhere: the equations between entries.
  public var ties: Int { nonzeros == .max ? .max : nonzeros - min(nonzeros, distinctWeights) }
  /// Multiply-adds of one application to one image that skips the fixed zeros; without skipping there are `entries`.
  public var multiplyAdds: Int { nonzeros }
  /// The bytes of all entries, zeros too.
  public func denseBytes(scalarByteCount: Int) -> Int { saturatingProduct(entries, scalarByteCount) }
  /// The bytes of the nonzeros with a 32-bit column each and a 64-bit pointer a row.
  public func sparseBytes(scalarByteCount: Int) -> Int {
    saturatingSum(
      saturatingProduct(nonzeros, scalarByteCount + MemoryLayout<Int32>.stride),
      saturatingProduct(saturatingSum(rows, 1), MemoryLayout<Int>.stride))
  }

  /// Pairs of an output and a pixel that taps join along one axis, and the taps that join any.
  private static func count(_ axis: AxisGeometry) -> (entries: Int, taps: Int) {
    if axis.mode == .zeros {
      var (entries, taps) = (0, 0)
      for tap in 0..<axis.filter {
        let reached = axis.outputs(reachedBy: tap).count
        entries += reached
        if reached > 0 { taps += 1 }
      }
      return (entries, taps)
    }
    // Taps on padding of any other kind find a pixel too.
    let interior = axis.interior
    var entries = saturatingProduct(interior.count, axis.filter)
    var sources: Set<Int> = []
    for output in 0..<axis.output where !interior.contains(output) {
      sources.removeAll(keepingCapacity: true)
      for tap in 0..<axis.filter {
        if let source = axis.source(of: axis.pixel(output: output, tap: tap)) { sources.insert(source) }
      }
      entries = saturatingSum(entries, sources.count)
    }
    return (entries, axis.filter)
  }
}
