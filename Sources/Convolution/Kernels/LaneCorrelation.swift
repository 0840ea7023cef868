import Buffers
import CKernels

/// A correlation of the planes of one group by vectors of made channels.
///
/// **Order of the sum.** One chain for each result, from the bias on: over the given channels, and for each over the taps, by
/// ascending row of the given plane and then by column of the filter. Products on padding are left out.
final class LaneCorrelation<Scalar: Ring>: @unchecked Sendable {
  // Unchecked: nothing changes once it is made, and a filter that is not packed is its maker's, who keeps it.
  private let plan: LanePlan
  private let groups: Int
  private let groupStep: Int
  private let table = LaneTable()
  private let filter: CKLaneFilter
  /// All packed weights; none where they are packed as they are needed.
  private let packed: AlignedBuffer<Scalar>
  private let weights: UnsafePointer<Scalar>?
  private let tapColumns: AlignedBuffer<CKColumn>
  private let rowOffsets: AlignedBuffer<Int>
  private let places: AlignedBuffer<Int>

  /// Packs the weights of all groups; or, where it is not `isPrepared`, for one application, leaves them where they stand, where they
  /// must stay as long as it lives.
  @inline(__always)
  init(
    _ plan: LanePlan, groups: Int, _ stand: ChannelWeights, _ filter: UnsafePointer<Scalar>, isPrepared: Bool
  ) {
    self.plan = plan
    self.groups = groups
    groupStep = stand.groupStep
    tapColumns = plan.columns.tapColumns()
    rowOffsets = plan.rows.tapOffsets()
    var places = AlignedBuffer<Int>(repeating: -1, count: stand.taps)
    var number = 0
    for row in plan.rows.taps {
      for column in plan.columns.taps {
        places[row.number * stand.rowStep + column.number] = number
        number += 1
      }
    }
    let placesBase = UnsafePointer(places.base)
    self.places = places
    self.filter = CKLaneFilter(
      made: plan.made, given: plan.given, taps: stand.taps, madeStep: stand.madeStep,
      givenStep: stand.givenStep, count: stand.groupStep, places: placesBase, tapCount: plan.tapCount)
    weights = isPrepared ? nil : filter
    if !isPrepared {
      packed = AlignedBuffer()
      return
    }
    let (table, shape) = (table, self.filter)
    let width = table.blockChannels(Scalar.self)
    let blocks = ChannelPlan.blocks(of: plan.made, width)
    let blockWeights = width * plan.given * plan.tapCount
    packed = AlignedBuffer(count: groups * blocks * blockWeights) { room in
      let target = room.baseAddress.unsafelyUnwrapped
      for group in 0..<groups {
        for block in 0..<blocks {
          table.pack(
            shape, filter + group * stand.groupStep, block: block,
            into: target + (group * blocks + block) * blockWeights)
        }
      }
    }
  }

  /// Bytes of what such a correlation holds, and of the scratch of one application.
  static func heldBytes(
    _ plan: LanePlan, taps: Int, groups: Int, isPrepared: Bool, scalarByteCount: Int
  ) -> Int {
    let places =
      plan.columns.taps.count * MemoryLayout<CKColumn>.stride
      + (plan.rows.taps.count + taps) * MemoryLayout<Int>.stride
    let scalars = saturatingSum(
      isPrepared ? saturatingProduct(groups, plan.packedWeights(scalarByteCount: scalarByteCount)) : 0,
      plan.scratch(isPrepared: isPrepared, scalarByteCount: scalarByteCount))
    return saturatingSum(saturatingProduct(scalars, scalarByteCount), places)
  }

  /// Bytes that it holds, and of the scratch of one application.
  var heldBytes: Int {
    Self.heldBytes(
      plan, taps: filter.taps, groups: groups, isPrepared: weights == nil,
      scalarByteCount: MemoryLayout<Scalar>.stride)
  }

  /// Writes part `part` of `parts` of the results of one group of one image, from its first given plane, over the elements of its
  /// phase from its first made plane on; `bias` has a number for each made plane, which are of the extent `plane`.
  @inline(__always)
  func apply(
    group: Int, part: Int, of parts: Int, to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>,
    into output: UnsafeMutablePointer<Scalar>, plane: Extent, scratch: UnsafeMutablePointer<Scalar>
  ) {
    let (rows, columns) = (plan.rows, plan.columns)
    let width = table.blockChannels(Scalar.self)
    let blocks = ChannelPlan.blocks(of: plan.made, width)
    // By channels, so that weights are read once, and where these are few by rows.
    let rowParts = max(1, parts / blocks)
    let blockParts = min(blocks, parts / rowParts)
    if part >= rowParts &* blockParts { return }
    let (rowPart, blockPart) = (part % rowParts, part / rowParts)
    let madeRows = rows.made &* rowPart / rowParts..<rows.made &* (rowPart &+ 1) / rowParts
    let madeBlocks = blocks &* blockPart / blockParts..<blocks &* (blockPart &+ 1) / blockParts
    if madeRows.isEmpty || madeBlocks.isEmpty { return }
    let shape = CKLanes(
      channels: plan.given, rows: rows.given, columns: columns.given, made: plan.made, madeRows: rows.made,
      madeColumns: columns.made, rowStride: rows.stride, columnStride: columns.stride,
      rowOffsets: rowOffsets.base, tapRowCount: rowOffsets.count, tapColumns: tapColumns.base,
      tapColumnCount: tapColumns.count, channelBlock: plan.channelBlock, rowBlock: plan.rowBlock,
      isAhead: plan.isAhead ? 1 : 0, outputPlane: plane.elementCount,
      outputRowStep: rows.step &* plane.width, outputColumnStep: columns.step)
    let target = output + (rows.phase &* plane.width &+ columns.phase)
    if let weights {
      table.correlate(
        shape, image, weights + group &* groupStep, filter, bias, target, scratch, rows: madeRows,
        blocks: madeBlocks)
    } else {
      let first = group &* blocks &* width &* plan.given &* plan.tapCount
      table.correlate(
        shape, image, UnsafePointer(packed.base) + first, nil, bias, target, scratch, rows: madeRows,
        blocks: madeBlocks)
    }
  }
}
