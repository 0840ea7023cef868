import Convolution
import TensorCoding

/// The body of POST /convolve, read once: every option with its default, and the tensors in place.
struct ConvolveRequest: ~Copyable {
  /// How the result is written.
  enum Encoding: String, CaseIterable {
    case json
    case base64
  }

  /// How much the answer says about deviations.
  enum Report: String, CaseIterable {
    case summary
    case full
  }

  private enum Field: String, CaseIterable {
    case image, filter, formulation, storage, stride, padding, dilation, dtype, flip, `repeat`, report,
      encoding
  }

  let image: PendingTensor
  let filter: PendingTensor
  private(set) var formulation = Formulation.direct
  private(set) var storage = Storage.sparse
  private(set) var stride = Extent(1, 1)
  private(set) var padding = PaddingRule.valid
  private(set) var dilation = Extent(1, 1)
  private(set) var flip = false
  private(set) var repeats = 1
  private(set) var report = Report.summary
  let dataType: DataType
  let encoding: Encoding

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, tensorElements: Int) throws(JSONError) {
    var image: PendingTensor?
    var filter: PendingTensor?
    var askedType: DataType?
    var askedEncoding: Encoding?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let field = Field(rawValue: key) else {
        let known = Field.allCases.map(\.rawValue).joined(separator: ", ")
        throw reader.invalid("the field is unknown; known are \(known)")
      }
      switch field {
      case .image: image = try reader.pendingTensor(elementLimit: tensorElements)
      case .filter: filter = try reader.pendingTensor(elementLimit: tensorElements)
      case .formulation: formulation = try reader.word()
      case .storage: storage = try reader.word()
      case .stride: stride = try reader.extent()
      case .padding: padding = try reader.padding()
      case .dilation: dilation = try reader.extent()
      case .dtype: askedType = try reader.word()
      case .flip: flip = try reader.boolean()
      case .repeat: repeats = try reader.integer(in: 1...ServiceLimits.repeats)
      case .report: report = try reader.word()
      case .encoding: askedEncoding = try reader.word()
      }
    }
    guard let image = image.take() else { throw reader.missing(Field.image.rawValue) }
    guard let filter = filter.take() else { throw reader.missing(Field.filter.rawValue) }
    switch image.source.form {
    case .nested:
      dataType = askedType ?? .float32
      encoding = askedEncoding ?? .json
    case .object(let own):
      dataType = askedType ?? own
      encoding = askedEncoding ?? .base64
    }
    self.image = image
    self.filter = filter
  }

  /// The problem in `Scalar`, which must be the type of `dataType`, checked within `tensorElements` outputs.
  ///
  /// - Throws: a `ServiceError` that names the tensor or the option at fault.
  consuming func problem<Scalar: TensorScalar>(
    as type: Scalar.Type, tensorElements: Int
  ) throws(ServiceError) -> ConvolutionProblem<Scalar> {
    let (stride, padding, dilation, flip) = (stride, padding, dilation, flip)
    let image = try Self.decoded(image, as: type)
    let filter = try Self.decoded(filter, as: type)
    do throws(ConvolutionError) {
      return try ConvolutionProblem(
        image: image, filter: filter,
        options: ConvolutionOptions(stride: stride, padding: padding, dilation: dilation, flip: flip),
        maximumOutputElements: tensorElements)
    } catch {
      throw .convolution(error)
    }
  }
}

extension ConvolveRequest {
  private static func decoded<Scalar: TensorScalar>(
    _ pending: consuming PendingTensor, as type: Scalar.Type
  ) throws(ServiceError) -> Tensor<Scalar> {
    do throws(JSONError) {
      return try pending.tensor(as: type)
    } catch {
      throw .json(error)
    }
  }
}

extension JSONReader {
  /// A string that is one of the words of `Word`.
  fileprivate mutating func word<Word: RawRepresentable<String> & CaseIterable>() throws(JSONError) -> Word {
    let text = try string()
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw invalid("the value must be one of \(words)")
    }
    return word
  }

  /// One integer from 1 on for both axes, or two.
  fileprivate mutating func extent() throws(JSONError) -> Extent {
    let range = 1...AxisGeometry.maximumExtent
    let expected = "one integer or [vertical, horizontal] is expected"
    switch try kind() {
    case .number:
      let both = try integer(in: range)
      return Extent(both, both)
    case .array:
      let values = try integers(in: range, limit: 2)
      guard values.count == 2 else { throw invalid(expected) }
      return Extent(values[0], values[1])
    default: throw invalid(expected)
    }
  }

  /// One integer from 0 on for all sides, two, four, or a word.
  fileprivate mutating func padding() throws(JSONError) -> PaddingRule {
    let range = 0...AxisGeometry.maximumExtent
    let expected = """
      one integer, [vertical, horizontal], [top, left, bottom, right], "valid" or "same" is expected
      """
    switch try kind() {
    case .number:
      let all = try integer(in: range)
      return .sides(Padding(vertical: all, horizontal: all))
    case .string:
      switch try string() {
      case "valid": return .valid
      case "same": return .same
      default: throw invalid(expected)
      }
    case .array:
      let values = try integers(in: range, limit: 4)
      switch values.count {
      case 2: return .sides(Padding(vertical: values[0], horizontal: values[1]))
      case 4:
        return .sides(Padding(top: values[0], left: values[1], bottom: values[2], right: values[3]))
      default: throw invalid(expected)
      }
    default: throw invalid(expected)
    }
  }

  /// The error for a required field that the object, already left, did not have.
  fileprivate func missing(_ field: String) -> JSONError {
    invalid("the field \(field) is missing", below: "/\(field)", at: 0)
  }
}
