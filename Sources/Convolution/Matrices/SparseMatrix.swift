public import Buffers

/// A matrix of which only some entries are stored, row by row (compressed sparse rows): the entries of row `r` stand at
/// `rowPointers[r] ..< rowPointers[r + 1]`, by ascending column, no column twice.
public struct SparseMatrix<Scalar: BitwiseCopyable & Sendable>: ~Copyable, Sendable {
  /// How many rows there are.
  public let rows: Int
  /// How many columns there are.
  public let columns: Int
  /// Where each row begins, and behind them where the last one ends.
  public let rowPointers: AlignedBuffer<Int>
  /// The column of each stored entry.
  public let columnIndices: AlignedBuffer<Int32>
  /// The value of each stored entry.
  public let values: AlignedBuffer<Scalar>

  /// A matrix from its parts, which must be what the type says they are.
  public init(
    rows: Int, columns: Int, rowPointers: consuming AlignedBuffer<Int>,
    columnIndices: consuming AlignedBuffer<Int32>, values: consuming AlignedBuffer<Scalar>
  ) {
    precondition(rowPointers.count == rows + 1 && rowPointers[rows] == values.count, "rows end elsewhere")
    precondition(columnIndices.count == values.count, "columns and values disagree")
    self.rows = rows
    self.columns = columns
    self.rowPointers = rowPointers
    self.columnIndices = columnIndices
    self.values = values
  }

  /// Stored entries.
  public var count: Int { values.count }

  /// The bytes of a matrix of this type, or `Int.max` where they can't be counted.
  public static func byteCount(rows: Int, stored: Int) -> Int {
    saturatingSum(
      saturatingProduct(saturatingSum(rows, 1), MemoryLayout<Int>.stride),
      saturatingProduct(stored, MemoryLayout<Int32>.stride + MemoryLayout<Scalar>.stride))
  }

  /// The same entries with rows and columns exchanged.
  public func transposed() -> SparseMatrix {
    let starts = AlignedBuffer<Int>(repeating: 0, count: columns + 1)
    // Named, since the compiler passes the thread sanitizer the buffer itself where `+=` goes through its `base`.
    let start = starts.base
    for column in columnIndices.elements { start[Int(column) + 1] += 1 }
    for column in 0..<columns { start[column + 1] += start[column] }
    var next = AlignedBuffer<Int>(capacity: columns + 1)
    next.append(contentsOf: starts.elements)
    let places = AlignedBuffer<Int>(count: count) { places in
      for entry in 0..<count {
        let column = Int(columnIndices.base[entry])
        places[next[column]] = entry
        next[column] += 1
      }
    }
    let rowOf = AlignedBuffer<Int32>(count: count) { rowOf in
      for row in 0..<rows {
        for entry in rowPointers.base[row]..<rowPointers.base[row + 1] { rowOf[entry] = Int32(row) }
      }
    }
    var indices = AlignedBuffer<Int32>(capacity: count)
    var moved = AlignedBuffer<Scalar>(capacity: count)
    for place in places.elements {
      indices.append(rowOf.base[place])
      moved.append(values.base[place])
    }
    return SparseMatrix(
      rows: columns, columns: rows, rowPointers: starts, columnIndices: indices, values: moved)
  }
}

extension SparseMatrix where Scalar: AdditiveArithmetic {
  /// The matrix with its zeros: rows × columns, which the caller has checked to fit into memory.
  public func dense() -> Tensor<Scalar> {
    var tensor = Tensor<Scalar>(shape: Shape(rows, columns), repeating: .zero)
    let entries = tensor.mutableValues
    for row in 0..<rows {
      for entry in rowPointers.base[row]..<rowPointers.base[row + 1] {
        entries[row * columns + Int(columnIndices.base[entry])] = values.base[entry]
      }
    }
    return tensor
  }
}
