import Convolution
import TensorCoding

/// The body of POST /gradients: a problem, the derivative by its result, and who computes the gradients.
struct GradientsRequest: ~Copyable {
  private enum Field: String, CaseIterable {
    case upstream, formulation, storage
  }

  let problem: ProblemRequest
  let upstream: PendingTensor
  private(set) var formulation = Formulation.direct
  private(set) var storage = Storage.sparse

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int) throws(JSONError) {
    var fields = ProblemFields(elementLimit: elementLimit)
    var upstream: PendingTensor?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      if try fields.read(key, &reader) { continue }
      switch Field(rawValue: key) {
      case .upstream: upstream = try reader.pendingTensor(elementLimit: elementLimit)
      case .formulation: formulation = try reader.word()
      case .storage: storage = try reader.word()
      case nil: throw fields.unknown(reader, own: Field.allCases.map(\.rawValue))
      }
    }
    let problem = try fields.complete(reader)
    guard let upstream = upstream.take() else { throw reader.missing(Field.upstream.rawValue) }
    if problem.dataType != problem.dataType.computedIn {
      throw reader.invalid(
        "gradients are computed of float32 and float64 problems",
        below: problem.isTypeAsked ? "/dtype" : "/image/dtype",
        at: 0)
    }
    self.problem = problem
    self.upstream = upstream
  }
}

extension DataType {
  /// The type in which problems of this one are computed.
  var computedIn: DataType { precision == .double ? .float64 : .float32 }
}
