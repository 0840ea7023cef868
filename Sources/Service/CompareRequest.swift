import Convolution
import TensorCoding

/// The body of POST /compare: a problem and the formulations to hold against each other.
struct CompareRequest: ~Copyable {
  private enum Field: String, CaseIterable {
    case formulations, result, `repeat`
  }

  let problem: ProblemRequest
  /// The formulations asked for; nil asks for all that can compute the problem.
  private(set) var choices: [FormulationChoice]?
  private(set) var wantsResult = false
  private(set) var repeats = 1

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int) throws(JSONError) {
    var fields = ProblemFields(elementLimit: elementLimit)
    try reader.beginObject()
    while let key = try reader.nextKey() {
      if try fields.read(key, &reader) { continue }
      switch Field(rawValue: key) {
      case .formulations: choices = try Self.choices(&reader)
      case .result: wantsResult = try reader.boolean()
      case .repeat: repeats = try reader.integer(in: 1...ServiceLimits.repeats)
      case nil: throw fields.unknown(reader, own: Field.allCases.map(\.rawValue))
      }
    }
    problem = try fields.complete(reader)
  }

  private static func choices(_ reader: inout JSONReader) throws(JSONError) -> [FormulationChoice] {
    var choices: [FormulationChoice] = []
    let start = reader.offset
    try reader.beginArray()
    while try reader.nextElement() {
      if choices.count == ServiceLimits.comparedFormulations {
        throw reader.invalid(
          "more formulations than can be compared at once", limit: ServiceLimits.comparedFormulations)
      }
      choices.append(try FormulationChoice(&reader))
    }
    if choices.isEmpty { throw reader.invalid("at least one formulation is expected", at: start) }
    return choices
  }
}
