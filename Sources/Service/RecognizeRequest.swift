import Convolution
import TensorCoding

/// The body of POST /recognize: a matrix, and the shapes of what it is applied to and makes.
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
  }
}
