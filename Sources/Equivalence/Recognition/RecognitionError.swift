public import Convolution

/// Why a matrix can't be examined at all.
public enum RecognitionError: Error, Hashable, Sendable {
  /// What the caller gave.
  public enum Field: String, Sendable {
    /// The matrix.
    case matrix
    /// The image's shape.
    case image
    /// The output's shape.
    case output
    /// The tolerance.
    case tolerance
  }

  /// The image or the output has too few or too many dimensions, or an empty one.
  case badShape(field: Field, Shape)
  /// The matrix has no row or no column.
  case emptyMatrix
  /// The matrix has more rows or columns than a 32-bit index reaches.
  case matrixTooLarge(rows: Int, columns: Int)
  /// The matrix has another number of columns than the image has pixels.
  case columnMismatch(columns: Int, image: Shape)
  /// The matrix has another number of rows than the output has elements.
  case rowMismatch(rows: Int, output: Shape)
  /// An entry is infinite or no number.
  case nonfinite(row: Int, column: Int)
  /// There is not one more row pointer than rows, or not one column for each value.
  case lengthMismatch(part: String, count: Int, expected: Int)
  /// The row pointers don't begin at 0, fall, or end elsewhere than the values.
  case rowPointers(at: Int)
  /// The columns of a row don't ascend, or one is outside of the matrix.
  case columnIndices(row: Int, at: Int)
  /// The tolerance is negative, not finite, or at least 1.
  case badTolerance(Double)
  /// A transposed matrix is recognised only where the shapes on both sides are given.
  case outputNeeded
  /// The filter that comes nearest would have more weights than may be held.
  case filterTooLarge(weights: Int, limit: Int)
  /// The search took more comparisons than it may.
  case tooMuchWork(limit: Int)

  /// What the error is about.
  public var field: Field {
    switch self {
    case .badShape(let field, _): field
    case .emptyMatrix, .matrixTooLarge, .nonfinite, .lengthMismatch, .rowPointers, .columnIndices,
      .filterTooLarge, .tooMuchWork:
      .matrix
    case .columnMismatch: .image
    case .rowMismatch, .outputNeeded: .output
    case .badTolerance: .tolerance
    }
  }
}

extension RecognitionError: CustomStringConvertible {
  /// One sentence that says what is wrong.
  public var description: String {
    switch self {
    case .badShape(let field, let shape):
      """
      The \(field.rawValue) shape is \(shape.rank == 0 ? "empty" : "\(shape)"); 2 or 3 positive extents are expected: \
      height and width, channels before them.
      """
    case .emptyMatrix: "The matrix is empty."
    case .matrixTooLarge(let rows, let columns):
      "The matrix has \(rows) rows and \(columns) columns; at most \(Int32.max) of each are allowed."
    case .columnMismatch(let columns, let image):
      """
      The matrix has \(columns) columns, and an image of \(image) has \(image.elementCount ?? .max) elements; they must be \
      as many.
      """
    case .rowMismatch(let rows, let output):
      """
      The matrix has \(rows) rows, and an output of \(output) has \(output.elementCount ?? .max) elements; they must be as \
      many.
      """
    case .nonfinite(let row, let column): "The entry at row \(row), column \(column) is not a finite number."
    case .lengthMismatch(let part, let count, let expected):
      "There are \(count) \(part); \(expected) are expected."
    case .rowPointers(let at):
      """
      The row pointers are wrong at index \(at); they begin with 0, never fall, and end with the number of values.
      """
    case .columnIndices(let row, let at):
      """
      The column index at position \(at), in row \(row), is wrong; the columns of a row ascend, none comes twice, and all \
      are within the matrix.
      """
    case .badTolerance(let value): "The tolerance is \(value); it must be at least 0 and below 1."
    case .outputNeeded: "A transposed convolution is recognised only where the output's shape is given."
    case .filterTooLarge(let weights, let limit):
      "The filter would have \(weights == .max ? "too many" : String(weights)) weights; at most \(limit) are allowed."
    case .tooMuchWork(let limit):
      "The search for the stride took more than \(limit) comparisons; give the output's shape, or a smaller matrix."
    }
  }
}
