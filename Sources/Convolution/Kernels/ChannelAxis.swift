import Buffers
import CKernels

/// How given and made elements meet along one axis of a correlation with many channels: made element `m` stands on given element
/// `m · stride + offset` under each tap. A convolution is one such meeting; its adjoint is one of stride 1 for each of the phases
/// in which `stride` pixels in a row are.
struct ChannelAxis {
  /// A tap of the filter and its offset.
  struct Tap {
    let number: Int
    let offset: Int
  }

  let given: Int
  let made: Int
  let stride: Int
  /// In the order in which their products are added.
  let taps: [Tap]
  /// Where the made elements stand: `phase`, and every `step`-th from there on.
  let phase: Int
  let step: Int

  /// The axis of the convolution.
  init(_ axis: AxisGeometry) {
    given = axis.image
    made = axis.output
    stride = axis.stride
    taps = (0..<axis.filter).map { Tap(number: $0, offset: axis.pixel(output: 0, tap: $0)) }
    phase = 0
    step = 1
  }

  /// The axis of the adjoint, for pixels `phase`, `phase + stride`, …; its taps are those of the filter, or by ascending offset.
  init(adjointOf axis: AxisGeometry, phase: Int, isAscending: Bool) {
    given = axis.output
    made = (axis.image - phase - 1) / axis.stride + 1
    stride = 1
    // Pixel i is reached by tap u of output (i + before − u·dilation) / stride, where that is whole.
    let met: [Tap] = (0..<axis.filter).compactMap { tap in
      let distance = phase + axis.before - tap * axis.dilation
      let (quotient, rest) = distance.quotientAndRemainder(dividingBy: axis.stride)
      return rest == 0 ? Tap(number: tap, offset: quotient) : nil
    }
    taps = isAscending ? met.reversed() : met
    self.phase = phase
    step = axis.stride
  }

  /// All axes of one direction: one, or one for each phase that has pixels.
  static func all(_ axis: AxisGeometry, isAdjoint: Bool, isAscending: Bool) -> [ChannelAxis] {
    if !isAdjoint { return [ChannelAxis(axis)] }
    return (0..<min(axis.stride, axis.image)).map {
      ChannelAxis(adjointOf: axis, phase: $0, isAscending: isAscending)
    }
  }

  /// The made elements that stand on a given one under a tap.
  func reached(by tap: Tap) -> Range<Int> {
    let lower = tap.offset >= 0 ? 0 : min(made, (-tap.offset + stride - 1) / stride)
    let last = given - 1 - tap.offset
    let upper = last < 0 ? 0 : min(made, last / stride + 1)
    return lower..<max(lower, upper)
  }

  /// The taps of columns as the kernels take them, each with the made elements that stand on given ones under it.
  func tapColumns() -> AlignedBuffer<CKColumn> {
    var columns = AlignedBuffer<CKColumn>(capacity: taps.count)
    for tap in taps {
      let reached = reached(by: tap)
      columns.append(CKColumn(first: tap.offset, lower: reached.lowerBound, upper: reached.upperBound))
    }
    return columns
  }

  /// The taps of rows as the kernels take them.
  func tapOffsets() -> AlignedBuffer<Int> {
    var offsets = AlignedBuffer<Int>(capacity: taps.count)
    for tap in taps { offsets.append(tap.offset) }
    return offsets
  }

  /// Whether all taps of all made elements stand on given ones.
  var isInside: Bool { taps.allSatisfy { reached(by: $0).count == made } }
}
