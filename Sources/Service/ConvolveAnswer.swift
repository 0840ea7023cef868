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
    let request: ConvolveRequest
    do throws(JSONError) {
      let limit = limits.tensorElements
      request = try decodeDocument(body) { (reader) throws(JSONError) in
        try ConvolveRequest(&reader, tensorElements: limit)
      }
    } catch {
      throw .json(error)
    }
    switch request.dataType.precision {
    case .single: return try answer(request, in: Float.self, on: place, stopwatch)
    case .double: return try answer(request, in: Double.self, on: place, stopwatch)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ request: consuming ConvolveRequest, in type: Scalar.Type, on place: Place, _ started: Stopwatch
  ) throws(ServiceError) -> Response? {
    var stopwatch = started
    let (formulation, storage, repeats) = (request.formulation, request.storage, request.repeats)
    let (encoding, report) = (request.encoding, request.report)
    let problem = try request.problem(as: type, tensorElements: limits.tensorElements)
    let work = try checkedWork(of: problem.geometry, formulation, storage, repeats, in: type)
    // To write a number takes about as long as twenty multiply-adds.
    let writing = 20 * problem.geometry.output.elementCount
    if place == .loop, work + writing > ServiceLimits.loopMultiplyAdds { return nil }
    var timing = ConvolveTiming(decode: stopwatch.lap())

    var result = problem.makeOutput()
    let assessment: Assessment
    do throws(ConvolutionError) {
      stopwatch.restartLap()
      let convolution = try formulation.makeOperator(
        storage: storage, geometry: problem.geometry, filter: problem.filter,
        memoryLimit: limits.operatorBytes)
      timing.setup = stopwatch.lap()
      for _ in 0..<repeats {
        convolution.apply(to: problem.image, into: &result)
        timing.formulation.append(stopwatch.lap())
      }
      if formulation == .direct {
        timing.direct = timing.formulation.median
        stopwatch.restartLap()
        assessment = Assessment(ofDirect: result, problem: problem, detailed: report == .full)
      } else {
        var direct = problem.makeOutput()
        let definition = try Formulation.direct.makeOperator(
          storage: .sparse, geometry: problem.geometry, filter: problem.filter)
        stopwatch.restartLap()
        definition.apply(to: problem.image, into: &direct)
        timing.direct = stopwatch.lap()
        assessment = Assessment(of: result, direct: direct, problem: problem, detailed: report == .full)
      }
    } catch {
      throw .convolution(error)
    }
    timing.reference = stopwatch.lap()

    // Room for what an answer usually takes, so that it is not moved while it grows.
    var writer = JSONWriter(ByteBuffer(capacity: 1024 + 12 * result.values.count))
    writer.beginObject()
    writer.key("formulation")
    writer.string(formulation.rawValue)
    writer.key("storage")
    writer.string(storage.rawValue)
    writer.key("shape")
    writer.shape(result.shape)
    writer.key("dtype")
    writer.string(type.dataType.rawValue)
    writer.newLine()
    writer.assessment(assessment)
    writer.newLine()
    writer.key("result")
    switch encoding {
    case .json: writer.nested(result)
    case .base64: writer.object(result)
    }
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
  /// computation; and the reference, which sums the products and their absolute values.
  ///
  /// - Throws: `convolution` where the operator alone is refused, `work` where the sum exceeds the limit.
  private func checkedWork<Scalar: TensorScalar>(
    of geometry: ConvolutionGeometry, _ formulation: Formulation, _ storage: Storage, _ repeats: Int,
    in type: Scalar.Type
  ) throws(ServiceError) -> Int {
    let byteCount = type.dataType.byteCount
    do throws(ConvolutionError) {
      try formulation.check(
        storage: storage, geometry: geometry, scalarByteCount: byteCount, memoryLimit: limits.operatorBytes)
    } catch {
      throw .convolution(error)
    }
    let once = formulation.cost(of: geometry, storage: storage, scalarByteCount: byteCount).multiplyAdds
    let direct = Formulation.direct.cost(of: geometry, storage: .sparse, scalarByteCount: byteCount)
      .multiplyAdds
    // As floating-point numbers, which do not overflow; where they round, they are far above any limit.
    let work = Double(once) * Double(repeats) + 3 * Double(direct)
    guard work <= Double(limits.multiplyAdds) else {
      throw .work(multiplyAdds: Int(exactly: work.rounded()) ?? .max, limit: limits.multiplyAdds)
    }
    return Int(work)
  }
}
