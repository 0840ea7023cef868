import Benchmarking
import Convolution
import Equivalence
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /compare: decode, compute by each formulation and directly, judge each result and each pair, write.
  func compare(_ body: UnsafeRawBufferPointer) throws(ServiceError) -> Response {
    let stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try CompareRequest(&reader, elementLimit: limit)
    }
    switch request.problem.dataType.precision {
    case .single: return try answer(request, in: Float.self, stopwatch)
    case .double: return try answer(request, in: Double.self, stopwatch)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ request: consuming CompareRequest, in type: Scalar.Type, _ started: Stopwatch
  ) throws(ServiceError) -> Response {
    var stopwatch = started
    let (asked, repeats, wantsResult) = (request.choices, request.repeats, request.wantsResult)
    let (dataType, encoding) = (request.problem.dataType, request.problem.encoding)
    let problem = try request.problem.problem(as: type, elementLimit: limits.tensorElements)
    let plan = try ComparePlan(
      asked, problem.geometry, scalarByteCount: type.dataType.byteCount, repeats: repeats, limits: limits)
    var timing = CompareTiming(decode: stopwatch.lap())

    var compared: [Compared<Scalar>] = []
    let memoryLimit = limits.operatorBytes
    let direct = try computed { () throws(ConvolutionError) in
      try FormulationRun(FormulationChoice(), problem, format: dataType, repeats: 1, memoryLimit: .max)
    }
    timing.direct = direct.times.median
    stopwatch.restartLap()
    let reference = Reference(problem: problem)
    timing.reference = stopwatch.lap()
    for choice in plan.choices {
      let run = try computed { () throws(ConvolutionError) in
        try FormulationRun(choice, problem, format: dataType, repeats: repeats, memoryLimit: memoryLimit)
      }
      stopwatch.restartLap()
      let assessment = Assessment(
        of: run.result, direct: direct.result, problem: problem, reference: reference, bound: run.bound,
        format: dataType, arithmetic: run.remarks.arithmetic)
      timing.reference += stopwatch.lap()
      compared.append(Compared(run, assessment))
    }

    var writer = JSONWriter()
    writer.beginObject()
    writer.key("shape")
    writer.shape(problem.geometry.resultShape)
    writer.elementType(dataType)
    writer.newLine()
    writer.key("formulations")
    writer.beginArray()
    for (index, one) in compared.enumerated() {
      if index > 0 { writer.newLine() }
      writer.beginObject()
      writer.choice(one.run.choice)
      writer.tile(one.run.remarks)
      writer.remarks(one.run.remarks)
      writer.assessment(one.assessment)
      writer.newLine()
      writer.key("timing")
      writer.beginObject()
      writer.applications(one.run.times)
      writer.seconds("setup_seconds", nanoseconds: one.run.setup)
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
    writer.newLine()
    writer.leftOut(plan.leftOut)
    writer.newLine()
    writer.key("pairs")
    writer.beginArray()
    var isFirst = true
    for first in compared.indices {
      for second in compared.indices.dropFirst(first + 1) {
        if !isFirst { writer.newLine() }
        isFirst = false
        stopwatch.restartLap()
        let (one, other) = (compared[first], compared[second])
        let deviation = Deviation(
          of: one.run.result, from: other.run.result, reference: reference, bound: one.run.bound,
          otherBound: other.run.bound, format: dataType)
        timing.reference += stopwatch.lap()
        writer.beginObject()
        writer.key("between")
        writer.beginArray()
        writer.integer(first)
        writer.integer(second)
        writer.endArray()
        writer.measures(of: deviation)
        writer.endObject()
      }
    }
    writer.endArray()
    writer.newLine()
    let areEquivalent = compared.allSatisfy { $0.assessment.equivalent }
    verdicts.count(areEquivalent ? .compareEquivalent : .compareDifferent)
    writer.key("equivalent")
    writer.boolean(areEquivalent)
    if wantsResult {
      writer.newLine()
      writer.key("result")
      writer.tensor(compared[0].run.result, encoding, as: dataType)
    }
    timing.total = stopwatch.total
    writer.newLine()
    writer.timing(timing)
    writer.endObject()
    return Response(.ok, contentType: Route.compare.mediaType, body: writer.finishLine())
  }
}

/// One formulation of a comparison; a class, because arrays hold copies only.
private final class Compared<Scalar: TensorScalar> {
  let run: FormulationRun<Scalar>
  let assessment: Assessment

  init(_ run: consuming FormulationRun<Scalar>, _ assessment: Assessment) {
    self.run = run
    self.assessment = assessment
  }
}

/// Where the time of one POST /compare went, in nanoseconds, beside the formulations.
private struct CompareTiming {
  let decode: Int
  var direct = 0
  /// The reference, its bounds and all comparisons.
  var reference = 0
  var total = 0
}

extension JSONWriter {
  fileprivate mutating func timing(_ timing: CompareTiming) {
    self.timing([
      "direct_seconds": timing.direct, "reference_seconds": timing.reference,
      "decode_seconds": timing.decode, "total_seconds": timing.total,
    ])
  }
}
