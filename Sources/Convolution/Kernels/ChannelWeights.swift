import Buffers

/// Where the weights of a filter stand that make one channel from another, in the direction of a convolution or of its adjoint.
struct ChannelWeights {
  /// From one group, one made channel, one given channel and one row of taps to the next.
  let groupStep: Int
  let madeStep: Int
  let givenStep: Int
  let rowStep: Int
  /// Taps of a plane of the filter, side by side.
  let taps: Int

  init(_ geometry: ConvolutionGeometry, isAdjoint: Bool) {
    let ofOutput = geometry.channels.imagePerGroup * geometry.taps
    groupStep = geometry.channels.outputPerGroup * ofOutput
    madeStep = isAdjoint ? geometry.taps : ofOutput
    givenStep = isAdjoint ? ofOutput : geometry.taps
    rowStep = geometry.columns.filter
    taps = geometry.taps
  }

  /// The weights of a plan in the order in which the kernels take them: for each group, each block of made channels, each given
  /// channel and each tap a number for each channel of the block.
  @inline(__always)
  func packed<Scalar: Ring>(
    _ plan: ChannelPlan, groups: Int, blockChannels: Int, _ filter: UnsafePointer<Scalar>
  ) -> AlignedBuffer<Scalar> {
    let offsets = plan.rows.taps.flatMap { row in plan.columns.taps.map { row.number * rowStep + $0.number } }
    let blocks = (plan.made + blockChannels - 1) / blockChannels
    return AlignedBuffer(count: groups * plan.made * plan.given * offsets.count) { room in
      guard let start = room.baseAddress else { return }
      for group in 0..<groups {
        var target = start + group &* plan.made &* plan.given &* offsets.count
        var first = 0
        for block in 0..<blocks {
          let width = (plan.made &+ block) / blocks
          for c in 0..<plan.given {
            let from = filter + (group &* groupStep &+ first &* madeStep &+ c &* givenStep)
            for offset in offsets {
              for m in 0..<width { target[m] = from[m &* madeStep &+ offset] }
              target += width
            }
          }
          first += width
        }
      }
    }
  }
}
