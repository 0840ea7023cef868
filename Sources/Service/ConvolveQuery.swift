import Convolution
import TensorCoding

/// What POST /convolve is asked where the body is the image, in NumPy's file format: all else stands in the query, by the
/// names of a document's fields; filter and bias are JSON there.
struct ConvolveQuery {
  private enum Field: String, CaseIterable {
    case filter, bias, dtype, encoding, `repeat`, report
  }

  /// How the problem is to be computed and answered.
  let plan: ConvolvePlan
  private let image: NumPyArray
  private let options: ConvolutionOptions
  private let query: Query

  /// Reads the header of the image and everything of the query but its tensors.
  ///
  /// - Throws: `array` for the body; `parameter`, which names what is missing, unknown or wrong.
  init(array body: UnsafeRawBufferPointer, _ query: Query, elementLimit: Int) throws(ServiceError) {
    try query.check(
      known: Field.allCases.map(\.rawValue) + ConvolutionOptions.fields + FormulationChoice.fields)
    guard query[Field.filter.rawValue] != nil else {
      throw .parameter(Field.filter.rawValue, "is missing: a tensor in JSON, such as filter=[[1,2],[3,4]].")
    }
    do throws(NumPyError) {
      image = try NumPyArray(body, ranks: 2...Shape.maximumRank, elementLimit: elementLimit)
    } catch {
      throw .array(error, field: ConvolutionError.Field.image.rawValue)
    }
    options = try ConvolutionOptions(query)
    plan = ConvolvePlan(
      choice: try FormulationChoice(query),
      repeats: try query.integer(Field.repeat.rawValue, in: 1...ServiceLimits.repeats) ?? 1,
      report: try query.word(Field.report.rawValue) ?? .summary,
      dataType: try query.word(Field.dtype.rawValue) ?? image.type.dataType ?? .float32,
      encoding: try query.word(Field.encoding.rawValue) ?? .base64)
    self.query = query
  }

  /// The problem in `Scalar`, which must have the precision of the plan's type.
  ///
  /// - Throws: a `ServiceError` that names the body or the parameter at fault.
  func problem<Scalar: TensorScalar>(
    as type: Scalar.Type, elementLimit: Int
  ) throws(ServiceError) -> ConvolutionProblem<Scalar> {
    let pixels: Tensor<Scalar>
    do throws(NumPyError) {
      pixels = try image.tensor(as: type)
    } catch {
      throw .array(error, field: ConvolutionError.Field.image.rawValue)
    }
    let filter = try query.document(Field.filter.rawValue) { (reader) throws(JSONError) in
      try reader.tensor(as: type, elementLimit: elementLimit)
    }
    guard let filter else { preconditionFailure("a query without a filter was let in") }
    let bias = try query.document(Field.bias.rawValue) { (reader) throws(JSONError) in
      try reader.tensor(as: type, elementLimit: elementLimit, ranks: .row)
    }
    let problem: ConvolutionProblem<Scalar>
    do throws(ConvolutionError) {
      problem = try ConvolutionProblem(
        image: pixels, filter: filter, bias: bias, options: options, maximumOutputElements: elementLimit)
    } catch {
      throw .convolution(error)
    }
    try checkPaddedImage(of: problem.geometry, elementLimit: elementLimit)
    return problem
  }
}

extension ServiceError {
  /// The same error where the problem's fields are parameters of a query, all but the image.
  var ofQuery: ServiceError {
    switch self {
    case .convolution(let error) where error.field != .image:
      .parameter(error.field.rawValue, "cannot be used. \(error)")
    case .paddedImage(let elements, let limit):
      .parameter(
        ConvolutionError.Field.padding.rawValue,
        "cannot be used. The image with its padding would have \(elements) elements; at most \(limit) are allowed."
      )
    default: self
    }
  }
}
