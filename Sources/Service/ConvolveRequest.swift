import Convolution
import TensorCoding

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
  private(set) var choice = FormulationChoice()
  private(set) var repeats = 1
  private(set) var report = Report.summary

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
