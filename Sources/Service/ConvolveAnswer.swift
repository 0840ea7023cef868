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
  func convolve(
    _ posted: borrowing Request, on place: Place, asArray: Bool
  ) throws(ServiceError) -> Response? {
    let body = posted.body
    if place == .loop, body.count > ServiceLimits.loopBodyBytes { return nil }
    let stopwatch = Stopwatch()
    let limit = limits.tensorElements
    if let type = posted.head.value(of: "content-type"), isNumPy(contentType: type) {
      do throws(ServiceError) {
        let query = try ConvolveQuery(array: body, Query(posted.head.query), elementLimit: limit)
        return try answer(query, on: place, asArray: asArray, stopwatch)
      } catch {
        throw error.ofQuery
      }
    }
    if let query = posted.head.query { try Query(query).checkBesideJSON() }
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try ConvolveRequest(&reader, elementLimit: limit)
    }
    let plan = request.plan
    switch plan.dataType.precision {
    case .single:
      let problem = try request.problem.problem(as: Float.self, elementLimit: limit)
      return try answer(problem, plan, on: place, asArray: asArray, stopwatch)
    case .double:
      let problem = try request.problem.problem(as: Double.self, elementLimit: limit)
      return try answer(problem, plan, on: place, asArray: asArray, stopwatch)
    }
  }

  private func answer(
    _ query: ConvolveQuery, on place: Place, asArray: Bool, _ started: Stopwatch
  ) throws(ServiceError) -> Response? {
    let limit = limits.tensorElements
    switch query.plan.dataType.precision {
    case .single:
      let problem = try query.problem(as: Float.self, elementLimit: limit)
      return try answer(problem, query.plan, on: place, asArray: asArray, started)
    case .double:
      let problem = try query.problem(as: Double.self, elementLimit: limit)
      return try answer(problem, query.plan, on: place, asArray: asArray, started)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ problem: borrowing ConvolutionProblem<Scalar>, _ plan: ConvolvePlan, on place: Place, asArray: Bool,
    _ started: Stopwatch
  ) throws(ServiceError) -> Response? {
    var stopwatch = started
    let (choice, repeats, isDetailed) = (plan.choice, plan.repeats, plan.report == .full)
    let (dataType, encoding) = (plan.dataType, plan.encoding)
    let work = try checkedWork(of: problem.geometry, choice, repeats, in: Scalar.self)
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
    verdicts.count(assessment.equivalent ? .convolveEquivalent : .convolveDifferent)

    if asArray {
      var file = ByteBuffer()
      file.append(numPy: run.result, as: dataType)
      timing.encode = stopwatch.lap()
      timing.total = stopwatch.total
      return Response(
        .ok, contentType: Route.array,
        fields: [
          Response.Field("Vary", "Accept"),
          Response.Field("X-Max-Deviation", written(assessment.maxDeviation)),
          Response.Field("X-Equivalent", assessment.equivalent ? "true" : "false"),
          Response.Field("Server-Timing", timing.serverTiming),
        ], body: file)
    }
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

  /// A number as it stands in a document.
  private func written(_ number: Double?) -> String {
    var writer = JSONWriter()
    writer.number(orNull: number)
    // Named, so that it lives until its bytes are read.
    let text = writer.finish()
    return String(decoding: text.elements, as: UTF8.self)
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
