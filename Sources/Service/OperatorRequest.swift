import Convolution
import TensorCoding

/// The body of POST /operator: the shape of an image, a filter, and which of their matrices are wanted in which form.
struct OperatorRequest: ~Copyable {
  /// How much of the matrices the answer has.
  enum Form: String, CaseIterable {
    /// What can be counted without making them.
    case statistics
    /// Compressed sparse rows.
    case csr
    /// All entries, zeros too.
    case entries
  }

  /// The formulations that multiply by matrices of the filter.
  enum Matrices: String, CaseIterable {
    case toeplitz, banded
  }

  private enum Field: String, CaseIterable {
    case image, filter, formulation, form, dtype, encoding
  }

  let image: Shape
  let filter: PendingTensor
  private(set) var options = ConvolutionOptions()
  private(set) var matrices = Matrices.toeplitz
  private(set) var form = Form.statistics
  let dataType: DataType
  /// How the answer writes tensors.
  let encoding: Encoding

  /// Reads the whole document behind `reader`.
  ///
  /// - Parameter isForPicture: Whether a picture is to be drawn, which is that of one matrix.
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int, isForPicture: Bool) throws(JSONError) {
    var image: Shape?
    var filter: PendingTensor?
    var dataType: DataType?
    var encoding: Encoding?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      if try options.read(key, &reader) { continue }
      switch Field(rawValue: key) {
      case .image: image = try reader.shapeOfImage(elementLimit: elementLimit)
      case .filter: filter = try reader.pendingTensor(elementLimit: elementLimit)
      case .formulation:
        matrices = try reader.word()
        if isForPicture && matrices != .toeplitz { throw reader.invalid("only the toeplitz matrix is drawn") }
      case .form: form = try reader.word()
      case .dtype: dataType = try reader.computedType()
      case .encoding: encoding = try reader.word()
      case nil: throw reader.unknown(known: Field.allCases.map(\.rawValue) + ConvolutionOptions.fields)
      }
    }
    guard let image else { throw reader.missing(Field.image.rawValue) }
    guard let filter = filter.take() else { throw reader.missing(Field.filter.rawValue) }
    switch filter.source.form {
    case .nested:
      self.dataType = dataType ?? .float32
      self.encoding = encoding ?? .json
    case .object(let own):
      self.dataType = dataType ?? own.computedIn
      self.encoding = encoding ?? .base64
    }
    self.image = image
    self.filter = filter
  }
}

extension JSONReader {
  /// The shape of an image: an array of extents, or that of a tensor, whose elements don't matter.
  fileprivate mutating func shapeOfImage(elementLimit: Int) throws(JSONError) -> Shape {
    if try kind() == .array {
      var ahead = self
      try ahead.beginArray()
      if try ahead.nextElement(), try ahead.kind() == .number {
        return try shape(ranks: 2...4, elementLimit: elementLimit)
      }
    }
    return try tensor(as: Double.self, elementLimit: elementLimit).shape
  }
}
