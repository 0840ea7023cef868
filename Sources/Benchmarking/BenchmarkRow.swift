public import Convolution

/// One line of the table.
public struct BenchmarkRow: Sendable {
  /// What came of a case.
  public enum Outcome: Sendable {
    /// It ran.
    case measured(BenchmarkMeasurement)
    /// It can't run; for `operatorTooLarge` the error says the bytes it would need.
    case refused(ConvolutionError)
  }

  /// What was to be measured.
  public let subject: BenchmarkCase
  /// What the operator takes; nil where filter and image don't meet.
  public let cost: OperatorCost?
  /// What came of it.
  public let outcome: Outcome
}

/// What was measured of one case. Times are seconds.
public struct BenchmarkMeasurement: Sendable {
  /// Applications timed.
  public let iterations: Int
  /// Preparing the operator, once.
  public let setup: Double
  /// The fastest application; of those shorter than 10 µs, the mean of several.
  public let minimum: Double
  /// The middle of the sorted times (of an even number, the mean of the middle two).
  public let median: Double
  /// The smallest time that at least 95 % of the applications do not exceed.
  public let percentile95: Double
  /// Bytes the operator holds.
  public let heldBytes: Int
  /// 10⁹ operations a second at the median, a multiply-add counted as two; those of the formulation, zeros included.
  public let gigaflops: Double
  /// 10⁹ bytes a second at the median: operator, image and output once each.
  public let gigabytesPerSecond: Double
  /// The least time an application could take; nil where the machine's limits were not measured.
  public let limit: TimeLimit?
  /// The largest distance of any element from the direct formulation's.
  public let maxDeviation: Double
}
