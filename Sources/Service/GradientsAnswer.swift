import Benchmarking
import Convolution
import Equivalence
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /gradients: decode, compute the gradients by the formulation and directly, judge each, hold them against finite
  /// differences, write.
  func gradients(_ body: UnsafeRawBufferPointer) throws(ServiceError) -> Response {
    let stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try GradientsRequest(&reader, elementLimit: limit)
    }
    switch request.problem.dataType.precision {
    case .single: return try answer(request, in: Float.self, stopwatch)
    case .double: return try answer(request, in: Double.self, stopwatch)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ request: consuming GradientsRequest, in type: Scalar.Type, _ started: Stopwatch
  ) throws(ServiceError) -> Response {
    var stopwatch = started
    let (formulation, storage, encoding) = (request.formulation, request.storage, request.problem.encoding)
    let problem = try request.problem.problem(as: type, elementLimit: limits.tensorElements)
    let upstream = try decoded(request.upstream, as: type)
    try check(problem.geometry, upstream.shape, formulation, storage)
    var timing = GradientsTiming(decode: stopwatch.lap())

    let memoryLimit = limits.operatorBytes
    let found = try computed { () throws(ConvolutionError) in
      try formulation.gradients(of: problem, upstream: upstream, storage: storage, memoryLimit: memoryLimit)
    }
    timing.gradients = stopwatch.lap()
    let direct = try computed { () throws(ConvolutionError) in
      try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .sparse)
    }
    timing.direct = stopwatch.lap()
    let verdicts: [(target: GradientTarget, assessment: Assessment)] = [
      (
        .image,
        Assessment(
          ofGradient: .image, found.image, direct: direct.image, problem: problem, upstream: upstream)
      ),
      (
        .filter,
        Assessment(
          ofGradient: .filter, found.filter, direct: direct.filter, problem: problem, upstream: upstream)
      ),
      (
        .bias,
        Assessment(ofGradient: .bias, found.bias, direct: direct.bias, problem: problem, upstream: upstream)
      ),
    ]
    timing.reference = stopwatch.lap()
    let finiteDifference = try computed { () throws(ConvolutionError) in
      try DirectionalCheck(
        formulation, storage: storage, problem: problem, upstream: upstream, memoryLimit: memoryLimit)
    }
    timing.finiteDifference = stopwatch.lap()

    var writer = JSONWriter()
    writer.beginObject()
    writer.choice(FormulationChoice(formulation, storage))
    writer.elementType(type.dataType)
    writer.newLine()
    writer.key("max_deviation")
    writer.largest(verdicts.map(\.assessment.maxDeviation))
    let areEquivalent = verdicts.allSatisfy(\.assessment.equivalent)
    self.verdicts.count(areEquivalent ? .gradientsEquivalent : .gradientsDifferent)
    writer.key("equivalent")
    writer.boolean(areEquivalent)
    writer.newLine()
    writer.key("gradients")
    writer.beginObject()
    writer.key("image")
    writer.tensor(found.image, encoding, as: type.dataType)
    writer.newLine()
    writer.key("filter")
    writer.tensor(found.filter, encoding, as: type.dataType)
    writer.newLine()
    writer.key("bias")
    writer.nested(found.bias)
    writer.endObject()
    writer.newLine()
    writer.key("verdicts")
    writer.beginObject()
    for (index, verdict) in verdicts.enumerated() {
      if index > 0 { writer.newLine() }
      writer.key(text: verdict.target.rawValue)
      writer.beginObject()
      writer.assessment(verdict.assessment)
      writer.endObject()
    }
    writer.endObject()
    writer.newLine()
    writer.key("finite_difference")
    writer.check(finiteDifference)
    timing.total = stopwatch.total
    writer.newLine()
    writer.timing(timing)
    writer.endObject()
    return Response(.ok, contentType: Route.gradients.mediaType, body: writer.finishLine())
  }

  /// Checks everything that needs no numbers: the shapes, the formulation, and the work of it all.
  private func check(
    _ geometry: ConvolutionGeometry, _ upstream: Shape, _ formulation: Formulation, _ storage: Storage
  ) throws(ServiceError) {
    // The finite difference is one in float64, whatever the problem is.
    let byteCount = DataType.float64.byteCount
    do throws(ConvolutionError) {
      if upstream != geometry.resultShape { throw .upstreamShape(upstream, expected: geometry.resultShape) }
      if !formulation.hasGradients { throw .unsupported(formulation: formulation, .gradients) }
      try formulation.check(
        storage: storage, geometry: geometry, scalarByteCount: byteCount, memoryLimit: limits.operatorBytes)
    } catch {
      throw .convolution(error)
    }
    var work = Work(geometry, scalarByteCount: byteCount)
    // Three gradients, each a contraction of the same triples, in the problem's type and in float64 for the finite
    // difference; directly; and as a reference with the sum of magnitudes. Two direct results for the difference itself.
    work.add(FormulationChoice(formulation, storage), times: 6)
    work.addDirect(times: 3 + 2 * 3 + 2)
    _ = try work.checked(limit: limits.multiplyAdds)
  }
}

/// Where the time of one POST /gradients went, in nanoseconds.
private struct GradientsTiming {
  let decode: Int
  var gradients = 0
  var direct = 0
  var reference = 0
  var finiteDifference = 0
  var total = 0
}

extension JSONWriter {
  fileprivate mutating func check(_ check: DirectionalCheck) {
    beginObject()
    key("directional")
    number(check.directional)
    key("difference")
    number(check.difference)
    key("relative_deviation")
    number(check.relativeDeviation)
    key("dtype")
    string(DataType.float64.rawValue)
    endObject()
  }

  fileprivate mutating func timing(_ timing: GradientsTiming) {
    self.timing([
      "gradients_seconds": timing.gradients, "direct_seconds": timing.direct,
      "reference_seconds": timing.reference, "finite_difference_seconds": timing.finiteDifference,
      "decode_seconds": timing.decode, "total_seconds": timing.total,
    ])
  }
}
