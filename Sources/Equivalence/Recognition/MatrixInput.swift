import Buffers
public import Convolution

extension SparseMatrix where Scalar == Double {
  /// The nonzeros of a matrix given in full.
  ///
  /// - Throws: `emptyMatrix`, `matrixTooLarge` or `nonfinite`.
  @specialized(where Given == Float)
  @specialized(where Given == Double)
  public init<Given: TensorScalar>(_ matrix: borrowing Tensor<Given>) throws(RecognitionError) {
    if matrix.shape.rank != 2 || matrix.values.isEmpty { throw .emptyMatrix }
    let (given, columns) = (matrix.values, matrix.shape[1])
    try self.init(rows: matrix.shape[0], columns: columns) { row, entries in
      for column in 0..<columns { entries[column] = Double(given[row * columns + column]) }
    }
  }

  /// The nonzeros of a matrix of which one row at a time is at hand, wherever it comes from.
  ///
  /// - Parameter read: Writes a row; called twice for each, first to count the nonzeros and then to keep them.
  /// - Throws: `emptyMatrix`, `matrixTooLarge` or `nonfinite`.
  public init(
    rows: Int, columns: Int, row read: (_ row: Int, _ entries: UnsafeMutablePointer<Double>) -> Void
  ) throws(RecognitionError) {
    if rows < 1 || columns < 1 { throw .emptyMatrix }
    if max(rows, columns) > Int32.max { throw .matrixTooLarge(rows: rows, columns: columns) }
    let entries = AlignedBuffer<Double>(repeating: 0, count: columns)
    var count = 0
    for row in 0..<rows {
      read(row, entries.base)
      for column in 0..<columns where entries.base[column] != 0 {
        if !entries.base[column].isFinite { throw .nonfinite(row: row, column: column) }
        count += 1
      }
    }
    var pointers = AlignedBuffer<Int>(capacity: rows + 1)
    var indices = AlignedBuffer<Int32>(capacity: count)
    var values = AlignedBuffer<Double>(capacity: count)
    pointers.append(0)
    for row in 0..<rows {
      read(row, entries.base)
      for column in 0..<columns where entries.base[column] != 0 {
        indices.append(Int32(column))
        values.append(entries.base[column])
      }
      pointers.append(values.count)
    }
    self.init(rows: rows, columns: columns, rowPointers: pointers, columnIndices: indices, values: values)
  }

  /// The nonzeros of a matrix given as compressed sparse rows; zeros among the values are left out.
  ///
  /// - Throws: `emptyMatrix`, `matrixTooLarge`, `lengthMismatch`, `rowPointers`, `columnIndices` or `nonfinite`.
  public init(
    rows: Int, columns: Int, rowPointers: UnsafeBufferPointer<Int>, columnIndices: UnsafeBufferPointer<Int>,
    values given: UnsafeBufferPointer<Double>
  ) throws(RecognitionError) {
    if rows < 1 || columns < 1 { throw .emptyMatrix }
    if max(rows, columns) > Int32.max { throw .matrixTooLarge(rows: rows, columns: columns) }
    if rowPointers.count != rows + 1 {
      throw .lengthMismatch(part: "row pointers", count: rowPointers.count, expected: rows + 1)
    }
    if columnIndices.count != given.count {
      throw .lengthMismatch(part: "column indices", count: columnIndices.count, expected: given.count)
    }
    if rowPointers[0] != 0 { throw .rowPointers(at: 0) }
    for row in 0..<rows where rowPointers[row + 1] < rowPointers[row] || rowPointers[row + 1] > given.count {
      throw .rowPointers(at: row + 1)
    }
    if rowPointers[rows] != given.count { throw .rowPointers(at: rows) }
    var pointers = AlignedBuffer<Int>(capacity: rows + 1)
    var indices = AlignedBuffer<Int32>(capacity: given.count)
    var values = AlignedBuffer<Double>(capacity: given.count)
    pointers.append(0)
    for row in 0..<rows {
      var last = -1
      for entry in rowPointers[row]..<rowPointers[row + 1] {
        let column = columnIndices[entry]
        if column <= last || column >= columns { throw .columnIndices(row: row, at: entry) }
        last = column
        if !given[entry].isFinite { throw .nonfinite(row: row, column: column) }
        if given[entry] != 0 {
          indices.append(Int32(column))
          values.append(given[entry])
        }
      }
      pointers.append(values.count)
    }
    self.init(rows: rows, columns: columns, rowPointers: pointers, columnIndices: indices, values: values)
  }

  /// The entries greater than `floor` in magnitude.
  func entries(above floor: Double) -> SparseMatrix {
    var pointers = AlignedBuffer<Int>(capacity: rows + 1)
    var indices = AlignedBuffer<Int32>()
    var kept = AlignedBuffer<Double>()
    pointers.append(0)
    for row in 0..<rows {
      for entry in rowPointers.base[row]..<rowPointers.base[row + 1]
      where values.base[entry].magnitude > floor {
        indices.append(columnIndices.base[entry])
        kept.append(values.base[entry])
      }
      pointers.append(kept.count)
    }
    return SparseMatrix(
      rows: rows, columns: columns, rowPointers: pointers, columnIndices: indices, values: kept)
  }

  /// Whether both have the same entries, neither with a stored zero.
  func isEqual(to other: borrowing SparseMatrix) -> Bool {
    rows == other.rows && columns == other.columns && count == other.count
      && rowPointers.elements.elementsEqual(other.rowPointers.elements)
      && columnIndices.elements.elementsEqual(other.columnIndices.elements)
      && values.elements.elementsEqual(other.values.elements)
  }
}
