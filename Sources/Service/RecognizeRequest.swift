import Convolution
import TensorCoding

/// What POST /recognize is asked: a matrix, and the shapes of what it is applied to and makes.
///
/// It all stands in a JSON document; or the body is the matrix, in NumPy's file format, and the rest stands in the query.
struct RecognizeRequest: ~Copyable {
  private enum Field: String, CaseIterable {
    case matrix, image, output, transposed, tolerance, encoding
  }

  let matrix: GivenMatrix
  let image: Shape
  private(set) var output: Shape?
  private(set) var transposed = false
  private(set) var tolerance: Double?
  /// How the answer writes the filter.
  private(set) var encoding = Encoding.json
  /// Whether everything but the matrix stood in the query.
  let isQuery: Bool

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int) throws(JSONError) {
    var matrix: GivenMatrix?
    var image: Shape?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch Field(rawValue: key) {
      case .matrix: matrix = try reader.matrix(entryLimit: elementLimit)
      case .image: image = try reader.shape(ranks: 2...3, elementLimit: elementLimit)
      case .output: output = try reader.shape(ranks: 2...3, elementLimit: elementLimit)
      case .transposed: transposed = try reader.boolean()
      case .tolerance: tolerance = try reader.number()
      case .encoding: encoding = try reader.word()
      case nil: throw reader.unknown(known: Field.allCases.map(\.rawValue))
      }
    }
    guard let matrix = matrix.take() else { throw reader.missing(Field.matrix.rawValue) }
    guard let image else { throw reader.missing(Field.image.rawValue) }
    self.matrix = matrix
    self.image = image
    isQuery = false
  }

  /// Reads the matrix from a body in NumPy's file format, where it stays, and the other fields from the query.
  ///
  /// - Throws: `array` for the body; `parameter`, which names what is missing, unknown or wrong.
  init(array body: UnsafeRawBufferPointer, _ query: Query, elementLimit: Int) throws(ServiceError) {
    try query.check(known: Field.allCases.map(\.rawValue).filter { $0 != Field.matrix.rawValue })
    func shape(_ field: Field) throws(ServiceError) -> Shape? {
      guard let shape = try query.shape(field.rawValue, ranks: [2, 3]) else { return nil }
      guard let count = shape.elementCount, count <= elementLimit else {
        throw .parameter(
          field.rawValue, "has more than \(elementLimit) elements; that is the most that are allowed.")
      }
      return shape
    }
    guard let image = try shape(.image) else {
      throw .parameter(
        Field.image.rawValue, "is missing: the image's extents joined by x, such as image=3x224x224.")
    }
    let output = try shape(.output)
    let transposed = try query.boolean(Field.transposed.rawValue) ?? false
    let tolerance = try query.number(Field.tolerance.rawValue)
    let encoding: Encoding = try query.word(Field.encoding.rawValue) ?? .json
    let array: NumPyArray
    do throws(NumPyError) {
      array = try NumPyArray(body, ranks: 2...2, elementLimit: elementLimit)
      try array.check(fits: Double.self)
    } catch {
      throw .array(error, field: Field.matrix.rawValue)
    }
    matrix = .array(array)
    self.image = image
    self.output = output
    self.transposed = transposed
    self.tolerance = tolerance
    self.encoding = encoding
    isQuery = true
  }
}
