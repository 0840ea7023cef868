import Convolution
import Equivalence
import HTTP
import TensorCoding

/// A problem document (RFC 9457). This file is the one place that maps errors to HTTP.
struct Problem {
  /// What kind of problem it is, for programs.
  enum Kind: String {
    /// Nothing beyond what the status says.
    case status = "about:blank"
    case malformedJSON = "urn:convcheck:malformed-json"
    case malformedArray = "urn:convcheck:malformed-npy"
    case invalidField = "urn:convcheck:invalid-field"
    case limitExceeded = "urn:convcheck:limit-exceeded"
  }

  private let kind: Kind
  private let status: Status
  private let detail: String
  private var pointer: String?
  private var parameter: String?
  var limit: Int?
  var actual: Int?
  private var line: Int?
  private var column: Int?
  private var offset: Int?

  /// A problem that its status names, explained by `detail`.
  init(_ status: Status, _ detail: String) {
    kind = .status
    self.status = status
    self.detail = detail
  }

  /// The answer to an error that was met while answering a request.
  init(_ error: ServiceError) {
    switch error {
    case .json(.malformed(let message, let offset, let line, let column)):
      kind = .malformedJSON
      status = .badRequest
      detail = "The body is no JSON document: \(message) (line \(line), column \(column))."
      (self.line, self.column, self.offset) = (line, column, offset)
    case .json(.invalid(let message, let pointer, let offset, let limit, let actual)):
      kind = limit == nil ? .invalidField : .limitExceeded
      status = .unprocessableContent
      detail = "At \(pointer.isEmpty ? "the document" : pointer): \(message)."
      self.pointer = pointer
      self.offset = offset
      self.limit = limit
      self.actual = actual
    case .array(.malformed(let part, let message, let offset), _):
      kind = .malformedArray
      status = .badRequest
      detail = "The body is no .npy file: \(part.rawValue): \(message) (byte \(offset))."
      self.offset = offset
    case .array(.refused(let part, let message, let limit, let actual), let field):
      kind = limit == nil ? .invalidField : .limitExceeded
      status = .unprocessableContent
      detail = "In the .npy file of the \(field): \(part.rawValue): \(message)."
      pointer = "/\(field)"
      self.limit = limit
      self.actual = actual
    case .convolution(let error):
      (limit, actual) = Self.limits(of: error)
      kind = limit == nil ? .invalidField : .limitExceeded
      status = .unprocessableContent
      detail = error.description
      pointer = Self.pointer(of: error)
    case .formulation(let index, let error):
      (limit, actual) = Self.limits(of: error)
      kind = limit == nil ? .invalidField : .limitExceeded
      status = .unprocessableContent
      detail = error.description
      pointer = "/formulations/\(index)"
    case .paddedImage(let elements, let limit):
      kind = .limitExceeded
      status = .unprocessableContent
      detail = "The image with its padding would have \(elements) elements; at most \(limit) are allowed."
      pointer = "/\(ConvolutionError.Field.padding.rawValue)"
      self.limit = limit
      actual = elements
    case .results(let bytes, let limit):
      kind = .limitExceeded
      status = .unprocessableContent
      detail = """
        The results of all formulations, kept to compare them, take \(bytes) bytes; at most \(limit) are allowed. Fewer \
        formulations would do.
        """
      pointer = "/formulations"
      self.limit = limit
      actual = bytes
    case .candidateShape(let pointer, let shape, let expected):
      kind = .invalidField
      status = .unprocessableContent
      detail = "The candidate has the shape \(shape), the result \(expected); they must be the same."
      self.pointer = pointer
    case .claim(let error):
      kind = .invalidField
      status = .unprocessableContent
      detail = error.description
      pointer = "/claim"
    case .work(let multiplyAdds, let limit):
      kind = .limitExceeded
      status = .unprocessableContent
      detail = """
        All formulations with their repeats, the direct computation and the reference take \(multiplyAdds) \
        multiply-adds; at most \(limit) are allowed.
        """
      self.limit = limit
      actual = multiplyAdds
    case .recognition(let error):
      (limit, actual) = Self.limits(of: error)
      kind = limit == nil ? .invalidField : .limitExceeded
      status = .unprocessableContent
      detail = error.description
      pointer = Self.pointer(of: error)
    case .entries(let count, let limit):
      kind = .limitExceeded
      status = .unprocessableContent
      detail = """
        Written out or drawn, the matrices have \(count) entries; at most \(limit) are allowed. Their statistics alone \
        can be had for larger ones.
        """
      pointer = "/form"
      self.limit = limit
      actual = count
    case .parameter(let name, let message):
      kind = .invalidField
      status = .unprocessableContent
      detail = "The query parameter \(name) \(message)"
      parameter = name
    }
  }

  /// The document as an answer, with further `fields` in its head.
  consuming func response(fields: [Response.Field] = []) -> Response {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("type")
    writer.string(kind.rawValue)
    writer.key("title")
    writer.string(title)
    writer.key("status")
    writer.integer(status.rawValue)
    writer.key("detail")
    writer.string(detail)
    for (key, value) in [("pointer", pointer), ("parameter", parameter)] as [(StaticString, String?)] {
      guard let value else { continue }
      writer.key(key)
      writer.string(value)
    }
    let numbers: [(StaticString, Int?)] = [
      ("limit", limit), ("actual", actual), ("line", line), ("column", column), ("offset", offset),
    ]
    for (key, value) in numbers {
      guard let value else { continue }
      writer.key(key)
      writer.integer(value)
    }
    writer.endObject()
    return Response(
      status, contentType: "application/problem+json", fields: fields, body: writer.finishLine())
  }

  private var title: String {
    switch kind {
    case .status: "\(status.reasonPhrase)"
    case .malformedJSON: "Malformed JSON"
    case .malformedArray: "Malformed .npy file"
    case .invalidField: "Invalid field"
    case .limitExceeded: "Limit exceeded"
    }
  }

  /// The field of the request that a convolution error blames.
  private static func pointer(of error: ConvolutionError) -> String { "/\(error.field.rawValue)" }

  private static func limits(of error: ConvolutionError) -> (limit: Int?, actual: Int?) {
    switch error {
    case .wrongRank, .emptyDimension, .groupsDoNotDivide, .channelMismatch, .samePaddingWithStride,
      .samePaddingTransposed, .transposedPaddingMode, .transposedOnly,
      .outputPaddingWithShape, .unsupportedStorage, .unsupported, .foreignOption, .noSuchTile, .upstreamShape:
      (nil, nil)
    case .notPositive(let field, _, let value): (field == .outputPadding ? 0 : 1, value)
    case .negativePadding(_, let value): (0, value)
    case .biasLength(let count, let channels): (channels, count)
    case .paddingExceedsImage(_, _, let value, let limit), .outputPaddingTooLarge(_, let value, let limit),
      .rankTooLarge(let value, let limit):
      (limit, value)
    case .outputShapeOutOfRange(_, let value, let least, let most): (value < least ? least : most, value)
    case .paddingExceedsResult(_, let padding, let limit): (limit, padding)
    case .parameterTooLarge(_, _, let value, let limit): (limit, value)
    case .filterExceedsImage(_, let extent, let paddedExtent): (paddedExtent, extent)
    case .resultTooLarge(let elements, let limit): (limit, elements)
    case .operatorTooLarge(_, _, let bytes, let limit, _): (limit, bytes)
    case .tooMuchWork(_, _, let multiplyAdds, let limit): (limit, multiplyAdds)
    }
  }

  /// The part of the request that a recognition error blames.
  private static func pointer(of error: RecognitionError) -> String {
    let field = "/\(error.field.rawValue)"
    switch error {
    case .rowPointers(let index): return "\(field)/row_pointers/\(index)"
    case .columnIndices(_, let index): return "\(field)/column_indices/\(index)"
    case .badShape, .emptyMatrix, .matrixTooLarge, .columnMismatch, .rowMismatch, .nonfinite, .lengthMismatch,
      .badTolerance, .outputNeeded, .filterTooLarge, .tooMuchWork:
      return field
    }
  }

  private static func limits(of error: RecognitionError) -> (limit: Int?, actual: Int?) {
    switch error {
    case .matrixTooLarge(let rows, let columns): (Int(Int32.max), max(rows, columns))
    case .filterTooLarge(let weights, let limit): (limit, weights)
    case .tooMuchWork(let limit): (limit, nil)
    case .badShape, .emptyMatrix, .columnMismatch, .rowMismatch, .nonfinite, .lengthMismatch, .rowPointers,
      .columnIndices, .badTolerance, .outputNeeded:
      (nil, nil)
    }
  }
}
