import Convolution
import TensorCoding

/// How POST /convolve is to compute a problem and to answer.
struct ConvolvePlan {
  let choice: FormulationChoice
  let repeats: Int
  let report: ConvolveRequest.Report
  /// The element type of the problem and of its result.
  let dataType: DataType
  /// How the answer writes tensors.
  let encoding: Encoding
}

/// The body of POST /convolve, read once: every option with its default, and the tensors in place.
struct ConvolveRequest: ~Copyable {
  /// How much the answer says about deviations.
  enum Report: String, CaseIterable {
    case summary
    case full
  }

  private enum Field: String, CaseIterable {
    case `repeat`, report
  }

  let problem: ProblemRequest
  private var choice = FormulationChoice()
  private var repeats = 1
  private var report = Report.summary

  /// How the problem is to be computed and answered.
  var plan: ConvolvePlan {
    ConvolvePlan(
      choice: choice, repeats: repeats, report: report, dataType: problem.dataType, encoding: problem.encoding
    )
  }

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int) throws(JSONError) {
    var fields = ProblemFields(elementLimit: elementLimit)
    try reader.beginObject()
    while let key = try reader.nextKey() {
      if try fields.read(key, &reader) { continue }
      if try choice.read(key, &reader) { continue }
      switch Field(rawValue: key) {
      case .repeat: repeats = try reader.integer(in: 1...ServiceLimits.repeats)
      case .report: report = try reader.word()
      case nil:
        throw fields.unknown(reader, own: FormulationChoice.fields + Field.allCases.map(\.rawValue))
      }
    }
    problem = try fields.complete(reader)
  }
}
