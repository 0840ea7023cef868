import Convolution
import TensorCoding

/// What the matrices of a formulation are made of, all of them together. Numbers too large for an `Int` stand at `Int.max`.
struct OperatorCounts {
  /// Rows and columns of the matrices.
  private enum Sizes {
    case all(Extent)
    case factors(left: Extent, right: Extent)
  }

  private let matrices: Int
  private let sizes: Sizes
  let entries: Int
  let nonzeros: Int
  /// Row pointers of all matrices in compressed sparse rows.
  let rowPointers: Int
  private let distinctWeights: Int
  private let denseMultiplyAdds: Int
  private let sparseMultiplyAdds: Int

  /// Those of the one toeplitz matrix.
  init(toeplitz matrix: OperatorMatrix) {
    let statistics = matrix.statistics
    self.init(
      matrices: 1, Extent(statistics.rows, statistics.columns), nonzeros: statistics.nonzeros,
      distinctWeights: statistics.distinctWeights, timesColumns: 1)
  }

  /// Those of the banded matrices, each multiplied by a matrix of as many columns as an output has.
  init(banded matrix: OperatorMatrix) {
    let statistics = matrix.statistics
    let count = statistics.bandMatrices
    self.init(
      matrices: count, statistics.bandSize, nonzeros: saturatingProduct(count, statistics.bandNonzeros),
      distinctWeights: saturatingProduct(count, statistics.bandWeights),
      timesColumns: matrix.geometry.output.width)
  }

  private init(matrices: Int, _ size: Extent, nonzeros: Int, distinctWeights: Int, timesColumns: Int) {
    self.matrices = matrices
    sizes = .all(size)
    entries = saturatingProduct(matrices, size.height, size.width)
    self.nonzeros = nonzeros
    rowPointers = saturatingProduct(matrices, size.height + 1)
    self.distinctWeights = distinctWeights
    denseMultiplyAdds = saturatingProduct(entries, timesColumns)
    sparseMultiplyAdds = saturatingProduct(nonzeros, timesColumns)
  }

  /// Those of both factors of each term, `L · (X · R)`; `right` is the transpose of `R`.
  init(terms: Int, left: OperatorMatrix, right: OperatorMatrix) {
    let (left, right) = (left.statistics, right.statistics)
    matrices = saturatingProduct(2, terms)
    sizes = .factors(
      left: Extent(left.rows, left.columns), right: Extent(right.columns, right.rows))
    func sum(_ left: Int, _ right: Int) -> Int { saturatingProduct(terms, saturatingSum(left, right)) }
    entries = sum(left.entries, right.entries)
    nonzeros = sum(left.nonzeros, right.nonzeros)
    rowPointers = sum(left.rows + 1, right.columns + 1)
    distinctWeights = sum(left.distinctWeights, right.distinctWeights)
    denseMultiplyAdds = sum(
      saturatingProduct(left.entries, right.rows), saturatingProduct(right.entries, left.columns))
    sparseMultiplyAdds = sum(
      saturatingProduct(left.nonzeros, right.rows), saturatingProduct(right.nonzeros, left.columns))
  }

  /// Writes the field `statistics`.
  func write(to writer: inout JSONWriter, scalarByteCount: Int) {
    writer.key("statistics")
    writer.beginObject()
    writer.key("matrices")
    writer.integer(matrices)
    switch sizes {
    case .all(let size):
      writer.key("rows")
      writer.integer(size.height)
      writer.key("columns")
      writer.integer(size.width)
    case .factors(let left, let right):
      writer.key("left")
      writer.extent(left)
      writer.key("right")
      writer.extent(right)
    }
    let sparseBytes = saturatingSum(
      saturatingProduct(nonzeros, scalarByteCount + MemoryLayout<Int32>.stride),
      saturatingProduct(rowPointers, MemoryLayout<Int>.stride))
    let numbers: [(StaticString, Int)] = [
      ("entries", entries), ("nonzeros", nonzeros),
      ("fixed_zeros", entries == .max ? .max : entries - nonzeros),
      ("distinct_weights", distinctWeights),
      ("ties", nonzeros == .max ? .max : nonzeros - distinctWeights),
      ("dense_bytes", saturatingProduct(entries, scalarByteCount)),
      ("sparse_bytes", sparseBytes),
      ("dense_multiply_adds", denseMultiplyAdds),
      ("sparse_multiply_adds", sparseMultiplyAdds),
    ]
    for (key, number) in numbers {
      writer.key(key)
      writer.integer(number)
    }
    writer.endObject()
  }
}
