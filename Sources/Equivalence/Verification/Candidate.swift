public import Convolution

/// A result that somebody computed, to be verified: a class, because arrays hold copies only.
public final class Candidate: Sendable {
  /// Its numbers, which float64 holds exactly whatever their format is.
  public let values: Tensor<Double>
  /// The format that they are numbers of.
  public let dataType: DataType

  /// The result `values`, all of which must be numbers of `dataType`.
  public init(_ values: consuming Tensor<Double>, dataType: DataType) {
    self.values = values
    self.dataType = dataType
  }
}
