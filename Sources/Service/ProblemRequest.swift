import Convolution
import TensorCoding

/// How tensors are written in an answer.
enum Encoding: String, CaseIterable {
  case json
  case base64
}

/// The fields that describe a problem, while a body is being read: the same in every request that has one.
struct ProblemFields: ~Copyable {
  private enum Field: String, CaseIterable {
    case image, filter, bias, dtype, encoding
  }

  private let elementLimit: Int
  private var image: PendingTensor?
  private var filter: PendingTensor?
  private var bias: PendingTensor?
  private var options = ConvolutionOptions()
  private var dataType: DataType?
  private var encoding: Encoding?

  /// No field yet; no tensor may have more than `elementLimit` elements.
  init(elementLimit: Int) { self.elementLimit = elementLimit }

  /// Reads the value of the field called `key`, or returns false where the problem has no such field.
  mutating func read(_ key: String, _ reader: inout JSONReader) throws(JSONError) -> Bool {
    guard let field = Field(rawValue: key) else { return try options.read(key, &reader) }
    switch field {
    case .image: image = try reader.pendingTensor(elementLimit: elementLimit)
    case .filter: filter = try reader.pendingTensor(elementLimit: elementLimit)
    case .bias: bias = try reader.pendingTensor(elementLimit: elementLimit, ranks: .row)
    case .dtype: dataType = try reader.word()
    case .encoding: encoding = try reader.word()
    }
    return true
  }

  /// The error for a field that is neither one of these nor one of the request's `own`.
  func unknown(_ reader: JSONReader, own: [String]) -> JSONError {
    reader.unknown(known: Field.allCases.map(\.rawValue) + ConvolutionOptions.fields + own)
  }

  /// The problem that the fields describe, `reader` standing behind the object.
  ///
  /// - Throws: `JSONError` for a required field that is missing.
  consuming func complete(_ reader: JSONReader) throws(JSONError) -> ProblemRequest {
    guard let image = image.take() else { throw reader.missing(Field.image.rawValue) }
    guard let filter = filter.take() else { throw reader.missing(Field.filter.rawValue) }
    let isTypeAsked = dataType != nil
    switch image.source.form {
    case .nested:
      dataType = dataType ?? .float32
      encoding = encoding ?? .json
    case .object(let own):
      dataType = dataType ?? own
      encoding = encoding ?? .base64
    }
    return ProblemRequest(
      image: image, filter: filter, bias: bias.take(), options: options, dataType: dataType ?? .float32,
      isTypeAsked: isTypeAsked, encoding: encoding ?? .json)
  }
}

/// A problem as a request describes it, its tensors not yet in their type.
struct ProblemRequest: ~Copyable {
  private let image: PendingTensor
  private let filter: PendingTensor
  private let bias: PendingTensor?
  private let options: ConvolutionOptions
  /// The element type of the problem and of its result.
  let dataType: DataType
  /// Whether the request names the type, and not only its image.
  let isTypeAsked: Bool
  /// How the answer writes tensors.
  let encoding: Encoding

  fileprivate init(
    image: consuming PendingTensor, filter: consuming PendingTensor, bias: consuming PendingTensor?,
    options: ConvolutionOptions, dataType: DataType, isTypeAsked: Bool, encoding: Encoding
  ) {
    self.image = image
    self.filter = filter
    self.bias = bias
    self.options = options
    self.dataType = dataType
    self.isTypeAsked = isTypeAsked
    self.encoding = encoding
  }

  /// The problem in `Scalar`, which must have the precision of `dataType`, checked to stay within `elementLimit` elements in
  /// its result and in its padded image.
  ///
  /// - Throws: a `ServiceError` that names the tensor or the option at fault.
  consuming func problem<Scalar: TensorScalar>(
    as type: Scalar.Type, elementLimit: Int
  ) throws(ServiceError) -> ConvolutionProblem<Scalar> {
    let options = options
    let image = try decoded(image, as: type)
    let filter = try decoded(filter, as: type)
    var numbers: Tensor<Scalar>?
    if let bias { numbers = try decoded(bias, as: type) }
    let problem: ConvolutionProblem<Scalar>
    do throws(ConvolutionError) {
      problem = try ConvolutionProblem(
        image: image, filter: filter, bias: numbers.take(), options: options,
        maximumOutputElements: elementLimit)
    } catch {
      throw .convolution(error)
    }
    try checkPaddedImage(of: problem.geometry, elementLimit: elementLimit)
    return problem
  }
}

/// Refuses a problem whose image, with what other padding modes than zeros put around it, is too large.
///
/// - Throws: `paddedImage`.
func checkPaddedImage(of geometry: ConvolutionGeometry, elementLimit: Int) throws(ServiceError) {
  guard geometry.paddingMode != .zeros else { return }
  let elements = geometry.padded.imageElementCount
  if elements > elementLimit { throw .paddedImage(elements: elements, limit: elementLimit) }
}

/// A tensor in the type of the problem, what is wrong with it as an error of the service.
func decoded<Scalar: TensorScalar>(
  _ pending: consuming PendingTensor, as type: Scalar.Type
) throws(ServiceError) -> Tensor<Scalar> {
  do throws(JSONError) {
    return try pending.tensor(as: type)
  } catch {
    throw .json(error)
  }
}

/// Reads a whole body, what is wrong with it as an error of the service.
func decodedRequest<Request: ~Copyable>(
  _ body: UnsafeRawBufferPointer, _ read: (inout JSONReader) throws(JSONError) -> Request
) throws(ServiceError) -> Request {
  do throws(JSONError) {
    return try decodeDocument(body, read)
  } catch {
    throw .json(error)
  }
}
