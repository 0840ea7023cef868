public import Convolution

/// The least time one application could take on a machine.
public struct TimeLimit: Sendable {
  /// Seconds that the multiply-adds take at the peak rate.
  public let operations: Double
  /// Seconds that the bytes take: image and result copied, the numbers stored read once, at the rates of the smallest cache
  /// that has room for all of them.
  public let bytes: Double
  /// That cache, or the memory.
  public let place: String

  /// The larger of both.
  public var seconds: Double { max(operations, bytes) }
}

extension MachineLimits {
  /// The limit of one application of `subject`, whose operator takes `cost`.
  public func limit(
    of subject: BenchmarkCase, geometry: ConvolutionGeometry, cost: OperatorCost
  ) -> TimeLimit {
    let scalar = Double(subject.dataType.byteCount)
    let pixels = Double(geometry.imageElementCount) + Double(geometry.outputElementCount)
    let stored = Double(cost.bytes)
    let level = levels.first { Double($0.room) >= pixels * scalar + stored } ?? levels[levels.count - 1]
    // The gradient by the filter reads both images and outputs.
    let moved = subject.quantity == .filterGradient ? level.read : level.fastestCopy
    return TimeLimit(
      operations: Double(subject.multiplyAdds(geometry, cost))
        / (subject.dataType.precision == .single ? float32 : float64),
      bytes: pixels * scalar / moved + stored / level.read, place: level.name)
  }
}

extension BenchmarkCase {
  /// The multiply-adds that the formulation can't do without. Those that add up the definition's products and store no zeros need
  /// the products that are not on padding; of the others it is their own count.
  public func multiplyAdds(_ geometry: ConvolutionGeometry, _ cost: OperatorCost) -> Int {
    guard formulation.isDotProduct, storage == .sparse else { return cost.multiplyAdds }
    let channels = geometry.channels
    let planes = saturatingProduct(channels.batch, channels.output, channels.imagePerGroup)
    return saturatingProduct(planes, geometry.rows.meetings, geometry.columns.meetings)
  }
}

extension AxisGeometry {
  /// The pairs of output and tap that meet a pixel and no zero.
  fileprivate var meetings: Int {
    if mode != .zeros { return saturatingProduct(output, filter) }
    return (0..<filter).reduce(0) { saturatingSum($0, outputs(reachedBy: $1).count) }
  }
}
