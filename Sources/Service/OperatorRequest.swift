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
    case toeplitz, banded, separable

    /// The same among all formulations.
    var formulation: Formulation {
      switch self {
      case .toeplitz: .toeplitz
      case .banded: .banded
      case .separable: .separable
      }
    }
  }

  let image: Shape
  let filter: PendingTensor
  let options: ConvolutionOptions
  let matrices: Matrices
  /// The most terms of each filter plane, where it is decomposed.
  let rank: Int?
  let form: Form
  let dataType: DataType
  /// How the answer writes tensors.
  let encoding: Encoding

  /// Reads the whole document behind `reader`.
  ///
  /// - Parameter isForPicture: Whether a picture is to be drawn, which is not that of banded matrices.
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int, isForPicture: Bool) throws(JSONError) {
    var fields = OperatorFields(elementLimit: elementLimit, isForPicture: isForPicture)
    try reader.beginObject()
    while let key = try reader.nextKey() { try fields.read(key, &reader) }
    self = try fields.complete(reader)
  }

  fileprivate init(
    image: Shape, filter: consuming PendingTensor, options: ConvolutionOptions, matrices: Matrices,
    rank: Int?, form: Form, dataType: DataType, encoding: Encoding
  ) {
    self.image = image
    self.filter = filter
    self.options = options
    self.matrices = matrices
    self.rank = rank
    self.form = form
    self.dataType = dataType
    self.encoding = encoding
  }
}

/// The fields of a request for matrices, while a body is being read.
private struct OperatorFields: ~Copyable {
  private enum Field: String, CaseIterable {
    case image, filter, formulation, rank, form, dtype, encoding
  }

  private let elementLimit: Int
  private let isForPicture: Bool
  private var image: Shape?
  private var filter: PendingTensor?
  private var options = ConvolutionOptions()
  private var matrices = OperatorRequest.Matrices.toeplitz
  private var rank: Int?
  private var form = OperatorRequest.Form.statistics
  private var dataType: DataType?
  private var encoding: Encoding?

  init(elementLimit: Int, isForPicture: Bool) {
    self.elementLimit = elementLimit
    self.isForPicture = isForPicture
  }

  mutating func read(_ key: String, _ reader: inout JSONReader) throws(JSONError) {
    if try options.read(key, &reader) { return }
    switch Field(rawValue: key) {
    case .image: image = try reader.shapeOfImage(elementLimit: elementLimit)
    case .filter: filter = try reader.pendingTensor(elementLimit: elementLimit)
    case .formulation:
      matrices = try reader.word()
      if isForPicture && matrices == .banded {
        throw reader.invalid("only the toeplitz matrix and the separable factors are drawn")
      }
    case .rank: rank = try reader.integer(in: 1...AxisGeometry.maximumExtent)
    case .form: form = try reader.word()
    case .dtype: dataType = try reader.computedType()
    case .encoding: encoding = try reader.word()
    case nil: throw reader.unknown(known: Field.allCases.map(\.rawValue) + ConvolutionOptions.fields)
    }
  }

  consuming func complete(_ reader: JSONReader) throws(JSONError) -> OperatorRequest {
    guard let image else { throw reader.missing(Field.image.rawValue) }
    guard let filter = filter.take() else { throw reader.missing(Field.filter.rawValue) }
    let defaults = filter.defaults
    return OperatorRequest(
      image: image, filter: filter, options: options, matrices: matrices, rank: rank, form: form,
      dataType: dataType ?? defaults.dataType, encoding: encoding ?? defaults.encoding)
  }
}

extension PendingTensor {
  /// The type in which to compute with this tensor, and the encoding of tensors like it, where neither is asked for.
  fileprivate var defaults: (dataType: DataType, encoding: Encoding) {
    switch source.form {
    case .nested: (.float32, .json)
    case .object(let own): (own.computedIn, .base64)
    }
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
