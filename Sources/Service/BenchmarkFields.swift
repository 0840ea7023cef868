public import Benchmarking
import Convolution
public import TensorCoding

extension JSONWriter {
  /// Writes what a row says of its formulation: storage, costs, and the times, or why there are none.
  public mutating func measured(_ row: BenchmarkRow) {
    key("formulation")
    string(row.subject.formulation.rawValue)
    key("storage")
    string(row.subject.storage.rawValue)
    if let cost = row.cost {
      key("stored_entries")
      integer(cost.storedEntries)
      key("bytes")
      integer(cost.heldBytes)
      key("multiply_adds")
      integer(cost.multiplyAdds)
    }
    switch row.outcome {
    case .refused(let error):
      key("refused")
      string(error.description)
    case .measured(let measurement):
      key("iterations")
      integer(measurement.iterations)
      numbers([
        ("setup_seconds", measurement.setup), ("minimum_seconds", measurement.minimum),
        ("median_seconds", measurement.median), ("percentile95_seconds", measurement.percentile95),
        ("gigaflops", measurement.gigaflops), ("gigabytes_per_second", measurement.gigabytesPerSecond),
        ("max_deviation", measurement.maxDeviation),
      ])
    }
  }
}
