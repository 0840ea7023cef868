import Buffers

/// Where the weights of a filter stand that make one channel from another, in the direction of a convolution or of its adjoint.
struct ChannelWeights {
  /// From one group, one made channel, one given channel and one row of taps to the next.
  let groupStep: Int
  let madeStep: Int
  let givenStep: Int
  let rowStep: Int

  init(_ geometry: ConvolutionGeometry, isAdjoint: Bool) {
    let ofOutput = geometry.channels.imagePerGroup * geometry.taps
    groupStep = geometry.channels.outputPerGroup * ofOutput
    madeStep = isAdjoint ? geometry.taps : ofOutput
    givenStep = isAdjoint ? ofOutput : geometry.taps
    rowStep = geometry.columns.filter
  }

  /// The weights of a plan in the order in which the kernels take them: for each group, each block of made channels, each given
  /// channel and each tap a number for each channel of the block; where vectors go along the channels, all blocks are equally
  /// wide, and zeros stand for the channels that the last one lacks.
  @inline(__always)
  func packed<Scalar: Ring>(
    _ plan: ChannelPlan, groups: Int, blockChannels: Int, _ filter: UnsafePointer<Scalar>
  ) -> AlignedBuffer<Scalar> {
    let offsets = plan.rows.taps.flatMap { row in plan.columns.taps.map { row.number * rowStep + $0.number } }
    let kept = plan.keptChannels(scalarByteCount: MemoryLayout<Scalar>.stride)
    let blocks = (plan.made + blockChannels - 1) / blockChannels
    return AlignedBuffer(count: groups * kept * plan.given * offsets.count) { room in
      guard let start = room.baseAddress else { return }
      for group in 0..<groups {
        var target = start + group &* kept &* plan.given &* offsets.count
        var first = 0
        for block in 0..<blocks {
          let there =
            plan.isWide ? min(blockChannels, plan.made &- first) : (plan.made &+ block) / blocks
          let width = plan.isWide ? blockChannels : there
          for c in 0..<plan.given {
            let from = filter + (group &* groupStep &+ first &* madeStep &+ c &* givenStep)
            for offset in offsets {
              for m in 0..<there { target[m] = from[m &* madeStep &+ offset] }
              for m in there..<width { target[m] = .zero }
              target += width
            }
          }
          first += there
        }
        // The narrower vectors of older processors leave some of what the widest would take.
        let end = start + (group &+ 1) &* kept &* plan.given &* offsets.count
        while target < end {
          target.pointee = .zero
          target += 1
        }
      }
    }
  }
}
