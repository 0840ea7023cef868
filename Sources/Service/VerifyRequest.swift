import Convolution
import Equivalence
import TensorCoding

/// The body of POST /verify: a problem, one result of it or several, and what they claim to be.
struct VerifyRequest: ~Copyable {
  private enum Field: String, CaseIterable {
    case candidate, candidates, claim, report, map
  }

  let problem: ProblemRequest
  let candidates: [NamedCandidate]
  /// Whether they were sent by name.
  let areNamed: Bool
  /// The claim; nil is the default of the problem's type.
  private(set) var claim: Claim?
  private(set) var report = ConvolveRequest.Report.summary
  private(set) var wantsMap = false

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int) throws(JSONError) {
    var fields = ProblemFields(elementLimit: elementLimit)
    var single: NamedCandidate?
    var several: [NamedCandidate]?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      if try fields.read(key, &reader) { continue }
      let field = Field(rawValue: key)
      if field == .candidate && several != nil || field == .candidates && single != nil {
        throw reader.invalid("either candidate or candidates is given, not both")
      }
      switch field {
      case .candidate: single = NamedCandidate(key, try reader.pendingTensor(elementLimit: elementLimit))
      case .candidates: several = try Self.candidates(&reader, elementLimit)
      case .claim: claim = try reader.word()
      case .report: report = try reader.word()
      case .map: wantsMap = try reader.boolean()
      case nil: throw fields.unknown(reader, own: Field.allCases.map(\.rawValue))
      }
    }
    let problem = try fields.complete(reader)
    guard let given = several ?? single.map({ [$0] }) else {
      throw reader.missing(Field.candidate.rawValue)
    }
    self.problem = problem
    areNamed = several != nil
    candidates = given
  }

  private static func candidates(
    _ reader: inout JSONReader, _ elementLimit: Int
  ) throws(JSONError) -> [NamedCandidate] {
    var candidates: [NamedCandidate] = []
    let start = reader.offset
    try reader.beginObject()
    while let name = try reader.nextKey() {
      if candidates.count == ServiceLimits.candidates {
        throw reader.invalid("more candidates than can be verified at once", limit: ServiceLimits.candidates)
      }
      candidates.append(NamedCandidate(name, try reader.pendingTensor(elementLimit: elementLimit)))
    }
    if candidates.isEmpty { throw reader.invalid("at least one candidate is expected", at: start) }
    return candidates
  }
}

/// A candidate as a request has it: a class, because arrays hold copies only.
final class NamedCandidate {
  let name: String
  private var pending: PendingTensor?

  init(_ name: String, _ pending: consuming PendingTensor) {
    self.name = name
    self.pending = consume pending
  }

  /// The numbers, once, in the format that they are of: an object's own; of nested arrays the first that holds all of them
  /// of `dataType`, float32 and float64.
  ///
  /// - Throws: `candidateShape` where it has not the shape that the result should have; `json`.
  func decoded(
    _ dataType: DataType, shape expected: Shape
  ) throws(ServiceError) -> Candidate {
    guard let pending = pending.take() else { preconditionFailure("a candidate is decoded once") }
    let source = pending.source
    let values: Tensor<Double>
    do throws(JSONError) {
      values = try source.decode(as: Double.self)
    } catch {
      throw .json(error)
    }
    if values.shape != expected {
      throw .candidateShape(pointer: source.pointer, values.shape, expected: expected)
    }
    switch source.form {
    case .object(let own): return Candidate(values, dataType: own)
    case .nested: return Self.nested(values, dataType)
    }
  }

  /// A candidate of decimal numbers. The shortest decimal that names a float32 is not that number; where every decimal is
  /// such a name or the number itself, float32 numbers were meant.
  private static func nested(_ values: consuming Tensor<Double>, _ dataType: DataType) -> Candidate {
    if dataType == .float64 { return Candidate(values, dataType: .float64) }
    let numbers = values.values
    let areSingle = numbers.allSatisfy { number in
      let nearest = Float(number)
      return Double(nearest) == number || Double(nearest.description) == number
    }
    if !areSingle { return Candidate(values, dataType: .float64) }
    var narrowed = Tensor<Double>(shape: values.shape, repeating: 0)
    let target = narrowed.mutableValues
    var areShort = dataType == .float16 || dataType == .bfloat16
    for index in 0..<numbers.count {
      let number = Float(numbers[index])
      target[index] = Double(number)
      if areShort {
        let rounded =
          dataType == .float16
          ? Float(float16Bits: number.float16Bits) : Float(bfloat16Bits: number.bfloat16Bits)
        areShort = rounded == number
      }
    }
    return Candidate(narrowed, dataType: areShort ? dataType : .float32)
  }
}
