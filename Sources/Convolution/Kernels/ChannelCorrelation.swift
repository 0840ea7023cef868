import Buffers
import CKernels

/// A correlation of the planes of one group, its weights packed in the order in which the kernel takes them.
///
/// **Order of the sum.** One chain for each result, from the bias on: over the given channels, and for each over the taps, by
/// ascending row of the given plane and then by column of the filter. Products on padding are left out where a whole row of
/// taps stands there, else they are products with a zero, so that all weights must be finite; with patches all are formed.
final class ChannelCorrelation<Scalar: Ring>: Sendable {
  private let plan: ChannelPlan
  private let groups: Int
  private let weights: AlignedBuffer<Scalar>
  private let segments: AlignedBuffer<CKSegment>
  private let tapColumns: AlignedBuffer<CKColumn>
  private let rowOffsets: AlignedBuffer<Int>
  private let taps: AlignedBuffer<Int>
  private let isPatches: Bool

  /// Packs the weights of all groups.
  @inline(__always)
  init(
    _ plan: ChannelPlan, groups: Int, _ places: ChannelWeights, _ filter: UnsafePointer<Scalar>,
    table: ChannelTable, isPatches: Bool
  ) {
    self.plan = plan
    self.groups = groups
    self.isPatches = isPatches
    weights = places.packed(
      plan, groups: groups, blockChannels: table.blockChannels(Scalar.self), filter)
    var segments = AlignedBuffer<CKSegment>(capacity: plan.segments.count)
    for segment in plan.segments { segments.append(CKSegment(first: segment.first, extra: segment.extra)) }
    self.segments = segments
    tapColumns = plan.columns.tapColumns()
    rowOffsets = plan.rows.tapOffsets()
    var taps = AlignedBuffer<Int>(capacity: plan.tapCount)
    for row in plan.rows.taps.indices {
      for column in plan.columns.taps.indices { taps.append(plan.place(row: row, column: column)) }
    }
    self.taps = taps
  }

  /// Bytes of what such a correlation holds, and of the scratch of one application.
  static func heldBytes(_ plan: ChannelPlan, groups: Int, scalarByteCount: Int) -> Int {
    let places =
      plan.segments.count * MemoryLayout<CKSegment>.stride
      + plan.columns.taps.count * MemoryLayout<CKColumn>.stride
      + (plan.rows.taps.count + plan.tapCount) * MemoryLayout<Int>.stride
    let scalars = saturatingSum(
      saturatingProduct(groups, plan.made, plan.given, plan.tapCount),
      plan.scratch(scalarByteCount: scalarByteCount))
    return saturatingSum(saturatingProduct(scalars, scalarByteCount), places)
  }

  /// Bytes that it holds, and of the scratch of one application.
  var heldBytes: Int {
    Self.heldBytes(plan, groups: groups, scalarByteCount: MemoryLayout<Scalar>.stride)
  }

  /// Writes part `part` of `parts` of the results of one group of one image, from its first given plane, over the elements of its phase from its first made
  /// plane on; `bias` has a number for each made plane, which are of the extent `plane`.
  @inline(__always)
  func apply(
    group: Int, part: Int, of parts: Int, to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>,
    into output: UnsafeMutablePointer<Scalar>, plane: Extent, scratch: UnsafeMutablePointer<Scalar>,
    table: ChannelTable
  ) {
    let (rows, columns) = (plan.rows, plan.columns)
    let target = output + (rows.phase &* plane.width &+ columns.phase)
    if plan.isEmpty {
      if part > 0 { return }
      for k in 0..<plan.made {
        for a in 0..<rows.made {
          let row = target + (k &* plane.elementCount &+ a &* rows.step &* plane.width)
          for b in 0..<columns.made { row[b &* columns.step] = bias[k] }
        }
      }
      return
    }
    // In whole blocks of rows, so that no row is packed more often than by one thread.
    let unit = plan.rowBlock
    let blocks = (rows.made &+ unit &- 1) / unit
    let first = min(rows.made, blocks &* part / parts &* unit)
    let last = min(rows.made, blocks &* (part &+ 1) / parts &* unit)
    if first == last { return }
    let shape = CKCorrelation(
      channels: plan.given, rows: rows.given, columns: columns.given, made: plan.made, madeRows: rows.made,
      madeColumns: columns.made, rowStride: rows.stride, columnStride: columns.stride,
      segments: segments.base,
      segmentCount: segments.count, tapColumns: tapColumns.base, tapColumnCount: tapColumns.count,
      rowOffsets: isPatches ? nil : UnsafePointer(rowOffsets.base), tapRowCount: rowOffsets.count,
      taps: taps.base, packedChannel: plan.packedChannel, channelBlock: plan.channelBlock,
      rowBlock: plan.rowBlock, outputPlane: plane.elementCount, outputRowStep: rows.step &* plane.width,
      outputColumnStep: columns.step)
    table.correlate(
      shape, image,
      UnsafePointer(weights.base) + group &* plan.made &* plan.given &* plan.tapCount, bias, target, scratch,
      rows: first..<last)
  }
}
