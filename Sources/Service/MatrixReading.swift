import Buffers
import Convolution
import Equivalence
import TensorCoding

/// A matrix as a request gives it, not yet checked beyond its JSON.
enum GivenMatrix: ~Copyable {
  /// All entries, rows × columns.
  case full(Tensor<Double>)
  /// Compressed sparse rows.
  case compressed(CompressedRows)
  /// All entries in NumPy's file format, still in the body; each is found to be a `Double`.
  case array(NumPyArray)
}

/// The parts of a matrix in compressed sparse rows.
struct CompressedRows: ~Copyable {
  fileprivate enum Field: String, CaseIterable {
    case rows, columns
    case rowPointers = "row_pointers"
    case columnIndices = "column_indices"
    case values
  }

  let rows: Int
  let columns: Int
  let rowPointers: AlignedBuffer<Int>
  let columnIndices: AlignedBuffer<Int>
  let values: AlignedBuffer<Double>
}

extension JSONReader {
  /// A matrix: nested arrays, a tensor object of two dimensions, or an object with the parts of compressed sparse rows.
  ///
  /// - Parameter entryLimit: The most rows, columns and stored entries.
  mutating func matrix(entryLimit: Int) throws(JSONError) -> GivenMatrix {
    if try kind() == .object, try firstKeyIsOfCompressedRows() {
      return .compressed(try compressedRows(entryLimit: entryLimit))
    }
    let start = offset
    let matrix = try tensor(as: Double.self, elementLimit: entryLimit)
    guard matrix.shape.rank == 2 else {
      throw invalid("a matrix has two dimensions, this has \(matrix.shape.rank)", at: start)
    }
    return .full(matrix)
  }

  /// The two kinds of objects have no field in common; an empty one is taken for a tensor.
  private func firstKeyIsOfCompressedRows() throws(JSONError) -> Bool {
    var ahead = self
    try ahead.beginObject()
    guard let key = try ahead.nextKey() else { return false }
    return CompressedRows.Field(rawValue: key) != nil
  }

  private mutating func compressedRows(entryLimit: Int) throws(JSONError) -> CompressedRows {
    let start = offset
    var (rows, columns): (Int?, Int?)
    var rowPointers: AlignedBuffer<Int>?
    var columnIndices: AlignedBuffer<Int>?
    var values: AlignedBuffer<Double>?
    try beginObject()
    while let key = try nextKey() {
      switch CompressedRows.Field(rawValue: key) {
      case .rows: rows = try integer(in: 1...entryLimit)
      case .columns: columns = try integer(in: 1...entryLimit)
      case .rowPointers: rowPointers = try indices(limit: entryLimit + 1)
      case .columnIndices: columnIndices = try indices(limit: entryLimit)
      case .values: values = try numbers(limit: entryLimit)
      case nil: throw unknown(known: CompressedRows.Field.allCases.map(\.rawValue))
      }
    }
    func missing(_ field: CompressedRows.Field) -> JSONError {
      invalid("the field \(field.rawValue) is missing", below: "/\(field.rawValue)", at: start)
    }
    guard let rows else { throw missing(.rows) }
    guard let columns else { throw missing(.columns) }
    guard let rowPointers = rowPointers.take() else { throw missing(.rowPointers) }
    guard let columnIndices = columnIndices.take() else { throw missing(.columnIndices) }
    guard let values = values.take() else { throw missing(.values) }
    return CompressedRows(
      rows: rows, columns: columns, rowPointers: rowPointers, columnIndices: columnIndices, values: values)
  }

  private mutating func indices(limit: Int) throws(JSONError) -> AlignedBuffer<Int> {
    var indices = AlignedBuffer<Int>()
    try beginArray()
    while try nextElement() {
      if indices.count == limit { throw invalid("the array has more than \(limit) elements", limit: limit) }
      indices.append(try integer(in: 0 ... .max))
    }
    return indices
  }

  /// Numbers in an array, which may be empty, or in a tensor object of one dimension.
  private mutating func numbers(limit: Int) throws(JSONError) -> AlignedBuffer<Double> {
    var numbers = AlignedBuffer<Double>()
    if try kind() == .object {
      let tensor = try tensor(as: Double.self, elementLimit: limit, ranks: .row)
      numbers.append(contentsOf: tensor.values)
      return numbers
    }
    try beginArray()
    while try nextElement() {
      if numbers.count == limit { throw invalid("the array has more than \(limit) elements", limit: limit) }
      numbers.append(try number())
    }
    return numbers
  }
}

extension SparseMatrix where Scalar == Double {
  /// The nonzeros of a matrix, which is checked to be one.
  init(_ given: consuming GivenMatrix) throws(RecognitionError) {
    switch consume given {
    case .full(let tensor): self = try SparseMatrix(tensor)
    case .array(let array):
      self = try SparseMatrix(rows: array.shape[0], columns: array.shape[1]) { row, entries in
        array.read(row: row, into: entries)
      }
    case .compressed(let parts):
      self = try SparseMatrix(
        rows: parts.rows, columns: parts.columns, rowPointers: parts.rowPointers.elements,
        columnIndices: parts.columnIndices.elements, values: parts.values.elements)
    }
  }
}
