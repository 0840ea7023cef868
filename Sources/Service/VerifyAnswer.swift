import Benchmarking
import Convolution
import Equivalence
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /verify: decode, hold each candidate against the exact values, write; as a picture where `asPicture`.
  func verify(_ body: UnsafeRawBufferPointer, asPicture: Bool) throws(ServiceError) -> Response {
    let stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try VerifyRequest(&reader, elementLimit: limit)
    }
    switch request.problem.dataType.precision {
    case .single: return try answer(request, in: Float.self, asPicture, stopwatch)
    case .double: return try answer(request, in: Double.self, asPicture, stopwatch)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ request: consuming VerifyRequest, in type: Scalar.Type, _ asPicture: Bool, _ started: Stopwatch
  ) throws(ServiceError) -> Response {
    var stopwatch = started
    let (named, areNamed, isDetailed) = (request.candidates, request.areNamed, request.report == .full)
    let dataType = request.problem.dataType
    let claim = request.claim ?? Claim(defaultOf: dataType)
    let isMapped = request.wantsMap || asPicture
    let problem = try request.problem.problem(as: type, elementLimit: limits.tensorElements)
    let room = try check(problem.geometry, claim, candidates: named.count, in: type)
    var candidates: [Candidate] = []
    for candidate in named {
      candidates.append(try candidate.decoded(dataType, shape: problem.geometry.resultShape))
    }
    let decode = stopwatch.lap()
    let verifications = try computed { () throws(ConvolutionError) in
      try Verification.verify(
        candidates, claim: claim, problem: problem, detailed: isDetailed, mapped: isMapped)
    }
    let verifying = stopwatch.lap()
    for verification in verifications {
      verdicts.count(verification.isConsistent ? .verifyConsistent : .verifyRefuted)
    }
    var diagnoses: [Diagnosis?] = []
    // The bounds differ by the candidates' formats alone.
    var known: [DataType: ExactValues] = [:]
    for (candidate, verification) in zip(candidates, verifications) {
      if verification.isConsistent || asPicture {
        diagnoses.append(nil)
        continue
      }
      let values: ExactValues
      if let found = known[candidate.dataType] {
        values = found
      } else {
        values = try exactValues(claim, candidate.dataType, problem)
        known[candidate.dataType] = values
      }
      diagnoses.append(
        Diagnosis(
          of: candidate.values, problem: problem, allowed: values.allowed, exact: values.exact,
          workLimit: room))
    }
    let diagnosing = stopwatch.lap()
    if asPicture, let map = verifications[0].map {
      let says =
        "\(named[0].name): \(claim.rawValue) \(verifications[0].isConsistent ? "consistent" : "refuted")"
      return Response(
        .ok, contentType: Route.picture, body: VerificationPicture.draw(map, title: says))
    }

    var writer = JSONWriter()
    writer.beginObject()
    if areNamed {
      writer.key("candidates")
      writer.beginObject()
      for (index, verification) in verifications.enumerated() {
        if index > 0 { writer.newLine() }
        writer.key(text: named[index].name)
        writer.beginObject()
        writer.verification(verification, candidates[index], diagnoses[index], isMapped: isMapped)
        writer.endObject()
      }
      writer.endObject()
      writer.newLine()
      writer.key("closest")
      writer.string(named[Self.closest(verifications)].name)
      writer.newLine()
      writer.key("pairs")
      writer.pairs(candidates, named.map(\.name))
    } else {
      writer.verification(verifications[0], candidates[0], diagnoses[0], isMapped: isMapped)
    }
    if dataType == .float16 || dataType == .bfloat16 {
      writer.key("computed_in")
      writer.string(DataType.float32.rawValue)
    }
    writer.newLine()
    writer.timing([
      "verification_seconds": verifying, "diagnosis_seconds": diagnosing, "decode_seconds": decode,
      "total_seconds": stopwatch.total,
    ])
    writer.endObject()
    return Response(.ok, contentType: Route.verify.mediaType, body: writer.finishLine())
  }

  /// The candidate with the least distance from the exact values, the first of equals.
  private static func closest(_ verifications: [Verification]) -> Int {
    let distances = verifications.map { $0.deviation.maxAbs ?? .infinity }
    return distances.indices.min { distances[$0] < distances[$1] } ?? 0
  }

  /// What a diagnosis of candidates in `dataType` starts from.
  private func exactValues<Scalar: TensorScalar>(
    _ claim: Claim, _ dataType: DataType, _ problem: borrowing ConvolutionProblem<Scalar>
  ) throws(ServiceError) -> ExactValues {
    do throws(ConvolutionError) {
      return try Verification.bounds(of: claim, for: dataType, problem: problem)
    } catch {
      throw .claim(error)
    }
  }

  /// Checks that the claim can be made of the problem, and the work of all that the answer may need.
  ///
  /// - Returns: The multiply-adds that each diagnosis may take.
  private func check<Scalar: TensorScalar>(
    _ geometry: ConvolutionGeometry, _ claim: Claim, candidates: Int, in type: Scalar.Type
  ) throws(ServiceError) -> Int {
    do throws(ConvolutionError) {
      try claim.check(geometry)
    } catch {
      throw .claim(error)
    }
    var work = Work(geometry, scalarByteCount: type.dataType.byteCount)
    // The reference, once more where it is kept for the wider arithmetics, and for each diagnosis; ten multiply-adds for
    // each arithmetic.
    work.addDirect(times: 4 + 2 * candidates)
    work.addPasses(10 * Claim.allCases.count * candidates)
    for claim in Claim.allCases { work.add(claim.boundMultiplyAdds(geometry)) }
    let taken = try work.checked(limit: limits.multiplyAdds)
    return min(Diagnosis.defaultWorkLimit, (limits.multiplyAdds - taken) / candidates)
  }
}

extension JSONWriter {
  /// The fields of one candidate's verification.
  fileprivate mutating func verification(
    _ verification: Verification, _ candidate: Candidate, _ diagnosis: Diagnosis?, isMapped: Bool
  ) {
    key("verdict")
    string(verification.isConsistent ? "consistent" : "refuted")
    key("claim")
    string(verification.claim.rawValue)
    key("explained_by")
    if let explanation = verification.explanation { string(explanation.rawValue) } else { null() }
    key("dtype")
    string(candidate.dataType.rawValue)
    key("shape")
    shape(candidate.values.shape)
    newLine()
    key("ladder")
    beginArray()
    for (index, step) in verification.ladder.enumerated() {
      if index > 0 { newLine() }
      beginObject()
      key("arithmetic")
      string(step.claim.rawValue)
      key("consistent")
      boolean(step.isConsistent)
      key("max_over_bound")
      number(orNull: step.maxOverBound)
      key("at")
      position(step.position)
      endObject()
    }
    endArray()
    newLine()
    key("diagnosis")
    self.diagnosis(diagnosis)
    if !verification.isConsistent {
      key("refuting")
      integer(verification.refuting)
      key("first_refuting")
      position(verification.firstRefuting)
    }
    newLine()
    key("deviation")
    beginObject()
    key("from")
    string("exact")
    measures(of: verification.deviation)
    key("condition")
    number(orNull: verification.condition)
    endObject()
    exactPath(verification.exactElements, doubtful: verification.doubtfulElements)
    if let nonfinite = verification.nonfinite { self.nonfinite(nonfinite) }
    if let detailed = verification.detailed {
      newLine()
      measures(detailed)
    }
    if isMapped, let map = verification.map {
      newLine()
      key("map")
      beginObject()
      key("rows")
      ratios(map.rows)
      key("columns")
      ratios(map.columns)
      key("channels")
      ratios(map.channels)
      endObject()
    }
  }

  private mutating func diagnosis(_ diagnosis: Diagnosis?) {
    guard let diagnosis else { return null() }
    beginObject()
    key("mistake")
    string(diagnosis.mistake.rawValue)
    key("also")
    beginArray()
    for mistake in diagnosis.also { string(mistake.rawValue) }
    endArray()
    key("says")
    string(diagnosis.says)
    key("residual")
    number(orNull: diagnosis.residual.isFinite ? diagnosis.residual : nil)
    key("at")
    position(diagnosis.position)
    if let reproduction = diagnosis.reproduction {
      key("reproduce")
      string(reproduction)
    }
    endObject()
  }

  private mutating func nonfinite(_ nonfinite: Verification.Nonfinite) {
    key("nonfinite")
    beginObject()
    key("nan")
    integer(nonfinite.nan)
    key("positive_infinity")
    integer(nonfinite.positiveInfinity)
    key("negative_infinity")
    integer(nonfinite.negativeInfinity)
    key("expected")
    integer(nonfinite.expected)
    key("first")
    position(nonfinite.first)
    endObject()
  }

  /// Ratios, null for infinite ones.
  private mutating func ratios(_ values: [Double]) {
    beginArray()
    for value in values { number(orNull: value.isFinite ? value : nil) }
    endArray()
  }

  /// How far the candidates lie from each other.
  fileprivate mutating func pairs(_ candidates: [Candidate], _ names: [String]) {
    beginArray()
    var isFirst = true
    for first in candidates.indices {
      for second in candidates.indices.dropFirst(first + 1) {
        if !isFirst { newLine() }
        isFirst = false
        let pair = CandidatePair(candidates[first], candidates[second])
        beginObject()
        key("between")
        beginArray()
        string(names[first])
        string(names[second])
        endArray()
        key("max_abs")
        number(orNull: pair.maxAbs)
        key("at")
        position(pair.position)
        key("identical")
        integer(pair.identical)
        endObject()
      }
    }
    endArray()
  }
}

/// How far two candidates of the same shape lie apart.
private struct CandidatePair {
  /// The largest distance; nil where a pair differs in kind, or is infinitely far apart.
  let maxAbs: Double?
  /// Where it was found first, or the first pair that differs in kind; nil where nothing is finite.
  let position: Position?
  /// Elements that are the same number, or of the same kind.
  let identical: Int

  init(_ one: Candidate, _ other: Candidate) {
    let (a, b) = (one.values.values, other.values.values)
    var (largest, at, count) = (-1.0, 0, 0)
    for index in 0..<a.count {
      if a[index] == b[index] || a[index].isNaN && b[index].isNaN {
        count += 1
        if !a[index].isFinite { continue }
      }
      let distance = (a[index] - b[index]).magnitude
      // What has no finite distance lies further than anything that has one.
      let comparable = distance.isFinite ? distance : .infinity
      if comparable > largest { (largest, at) = (comparable, index) }
    }
    maxAbs = largest >= 0 && largest < .infinity ? largest : nil
    position = largest >= 0 ? Position(at, in: one.values.shape) : nil
    identical = count
  }
}
