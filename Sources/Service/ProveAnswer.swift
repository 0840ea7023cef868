import Benchmarking
import Convolution
import Equivalence
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /prove: decode the shapes, probe each formulation, write what was shown.
  func prove(_ body: UnsafeRawBufferPointer) throws(ServiceError) -> Response {
    var stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try ProveRequest(&reader, elementLimit: limit)
    }
    let geometry = try computed { () throws(ConvolutionError) in
      try ConvolutionGeometry(
        image: request.image, filter: request.filter, options: request.options, maximumOutputElements: limit)
    }
    try checkPaddedImage(of: geometry, elementLimit: limit)
    let plan = try computed { () throws(ConvolutionError) in try ProofPlan(request, geometry, limits) }
    let decoding = stopwatch.lap()

    var writer = JSONWriter()
    writer.beginObject()
    writer.problemShapes(geometry, filter: request.filter)
    writer.key("dtype")
    writer.string(request.dataType.rawValue)
    writer.key("seed")
    writer.integer(request.seed)
    writer.key("trials")
    writer.integer(request.trials)
    writer.newLine()
    writer.key("proofs")
    writer.beginArray()
    var holds = true
    for (index, choice) in plan.choices.enumerated() {
      stopwatch.restartLap()
      let proof = try computed { () throws(ConvolutionError) in
        try Proof(
          of: choice.formulation, storage: choice.storage, geometry: geometry, options: choice.options,
          dataType: request.dataType, settings: plan.settings)
      }
      holds = holds && proof.holds
      if index > 0 { writer.newLine() }
      writer.beginObject()
      writer.choice(choice)
      if let tile = choice.options.tile {
        writer.key("tile")
        writer.integer(tile)
      }
      writer.key("holds")
      writer.boolean(proof.holds)
      writer.newLine()
      writer.key("probes")
      writer.beginArray()
      for (index, outcome) in proof.probes.enumerated() {
        if index > 0 { writer.newLine() }
        writer.outcome(outcome)
      }
      writer.endArray()
      writer.newLine()
      writer.seconds("proof_seconds", nanoseconds: stopwatch.lap())
      writer.endObject()
    }
    writer.endArray()
    writer.newLine()
    writer.leftOut(plan.leftOut)
    writer.newLine()
    verdicts.count(holds ? .proveHolds : .proveFails)
    writer.key("holds")
    writer.boolean(holds)
    writer.timing(["decode_seconds": decoding, "total_seconds": stopwatch.total])
    writer.endObject()
    return Response(.ok, contentType: Route.prove.mediaType, body: writer.finishLine())
  }
}

/// Which formulations are probed, and how much work each probe may be.
private struct ProofPlan {
  private(set) var choices: [FormulationChoice] = []
  /// What was not asked for by name and can't compute the problem within the limits, with the reason in a sentence.
  private(set) var leftOut: [(choice: FormulationChoice, reason: String)] = []
  let settings: ProofSettings

  /// - Throws: what is wrong with a formulation that was named, or with every one of them.
  init(
    _ request: ProveRequest, _ geometry: ConvolutionGeometry, _ limits: ServiceLimits
  ) throws(ConvolutionError) {
    // Every probe of every formulation may take as much; what needs more is said not to apply.
    let probes = request.choices.count * Probe.allCases.count
    settings = ProofSettings(
      seed: UInt64(request.seed), trials: request.trials,
      workLimit: limits.multiplyAdds / ServiceLimits.exactness / max(1, probes),
      memoryLimit: limits.operatorBytes)
    var first: ConvolutionError?
    for choice in request.choices {
      do throws(ConvolutionError) {
        try Proof.check(
          choice.formulation, storage: choice.storage, geometry: geometry, options: choice.options,
          settings: settings)
        choices.append(choice)
      } catch {
        if request.formulation != nil { throw error }
        if case .noSuchTile = error { throw error }
        first = first ?? error
        leftOut.append((choice, error.description))
      }
    }
    if choices.isEmpty, let first { throw first }
  }
}
