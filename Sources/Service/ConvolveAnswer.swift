import Benchmarking
import Buffers
import Convolution
import Equivalence
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /convolve: decode, compute by the formulation and directly, judge, write.
  ///
  /// - Returns: nil on the loop where decoding or computing takes longer than handing over to a worker.
  func convolve(_ body: UnsafeRawBufferPointer, on place: Place) throws(ServiceError) -> Response? {
    if place == .loop, body.count > ServiceLimits.loopBodyBytes { return nil }
    let stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try ConvolveRequest(&reader, elementLimit: limit)
    }
    switch request.problem.dataType.precision {
    case .single: return try answer(request, in: Float.self, on: place, stopwatch)
    case .double: return try answer(request, in: Double.self, on: place, stopwatch)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ request: consuming ConvolveRequest, in type: Scalar.Type, on place: Place, _ started: Stopwatch
  ) throws(ServiceError) -> Response? {
    var stopwatch = started
    let (choice, repeats, isDetailed) = (request.choice, request.repeats, request.report == .full)
    let (dataType, encoding) = (request.problem.dataType, request.problem.encoding)
    let problem = try request.problem.problem(as: type, elementLimit: limits.tensorElements)
    let work = try checkedWork(of: problem.geometry, choice, repeats, in: type)
    // To write a number takes about as long as twenty multiply-adds.
    let writing = 20 * problem.geometry.resultElementCount
    if place == .loop, work + writing > ServiceLimits.loopMultiplyAdds { return nil }
    var timing = ConvolveTiming(decode: stopwatch.lap())

    let memoryLimit = limits.operatorBytes
    let run = try computed { () throws(ConvolutionError) in
      try FormulationRun(choice, problem, format: dataType, repeats: repeats, memoryLimit: memoryLimit)
    }
    (timing.setup, timing.formulation) = (run.setup, run.times)
    let assessment: Assessment
    if choice.formulation == .direct {
      timing.direct = run.times.median
      stopwatch.restartLap()
      assessment = Assessment(ofDirect: run.result, problem: problem, format: dataType, detailed: isDetailed)
    } else {
      let direct = try computed { () throws(ConvolutionError) in
        try FormulationRun(FormulationChoice(), problem, format: dataType, repeats: 1, memoryLimit: .max)
      }
      timing.direct = direct.times.median
      stopwatch.restartLap()
      assessment = Assessment(
        of: run.result, direct: direct.result, problem: problem, bound: run.bound, format: dataType,
        arithmetic: run.remarks.arithmetic, detailed: isDetailed)
    }
    timing.reference = stopwatch.lap()

    // Room for what an answer usually takes, so that it is not moved while it grows.
    var writer = JSONWriter(ByteBuffer(capacity: 1024 + 12 * run.result.values.count))
    writer.beginObject()
    writer.choice(run.choice)
    writer.tile(run.remarks)
    writer.key("shape")
    writer.shape(run.result.shape)
    writer.elementType(dataType)
    writer.newLine()
    writer.assessment(assessment)
    writer.remarks(run.remarks)
    writer.newLine()
    writer.key("result")
    writer.tensor(run.result, encoding, as: dataType)
    timing.encode = stopwatch.lap()
    timing.total = stopwatch.total
    writer.newLine()
    writer.timing(timing)
    writer.endObject()
    return Response(
      .ok, contentType: Route.convolve.mediaType,
      fields: [Response.Field("Server-Timing", timing.serverTiming)], body: writer.finishLine())
  }

  /// The multiply-adds of everything that the answer needs: the formulation, `repeats` times; the direct
  /// computation; and the judgement.
  ///
  /// - Throws: `convolution` where the operator alone is refused, `work` where the sum exceeds the limit.
  private func checkedWork<Scalar: TensorScalar>(
    of geometry: ConvolutionGeometry, _ choice: FormulationChoice, _ repeats: Int, in type: Scalar.Type
  ) throws(ServiceError) -> Int {
    let byteCount = type.dataType.byteCount
    try computed { () throws(ConvolutionError) in
      try choice.formulation.check(
        storage: choice.storage, geometry: geometry, options: choice.options, scalarByteCount: byteCount,
        memoryLimit: limits.operatorBytes)
    }
    var work = Work(geometry, scalarByteCount: byteCount)
    work.add(choice, times: repeats)
    work.addDirect(times: 1)
    work.addJudgement(of: choice)
    return try work.checked(limit: limits.multiplyAdds)
  }
}
