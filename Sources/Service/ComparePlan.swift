import Convolution

/// Which formulations a comparison runs, within the limits of one request.
struct ComparePlan {
  /// What is run, in order.
  private(set) var choices: [FormulationChoice] = []
  /// What was not asked for by name and can't be run, with the reason in a sentence.
  private(set) var leftOut: [(choice: FormulationChoice, reason: String)] = []

  private let geometry: ConvolutionGeometry
  private let scalarByteCount: Int
  private let repeats: Int
  private let limits: ServiceLimits
  private var work: Work
  /// The bytes of all results, which are kept until the last is compared with the first.
  private var bytes: Int

  /// The plan for what was asked for; nil asks for every formulation and storage that can compute the problem.
  ///
  /// - Throws: `formulation` for one that was named and can't; `results` or `work` where all together exceed a limit.
  init(
    _ asked: [FormulationChoice]?, _ geometry: ConvolutionGeometry, scalarByteCount: Int, repeats: Int,
    limits: ServiceLimits
  ) throws(ServiceError) {
    self.geometry = geometry
    self.scalarByteCount = scalarByteCount
    self.repeats = repeats
    self.limits = limits
    work = Work(geometry, scalarByteCount: scalarByteCount)
    // The direct result and the reference, which sums the products and their absolute values.
    work.addDirect(times: 1 + 2)
    bytes = geometry.resultElementCount * (scalarByteCount + 3 * MemoryLayout<Double>.stride)
    _ = try work.checked(limit: limits.multiplyAdds)
    if let asked {
      for (index, choice) in asked.enumerated() { try add(choice, at: index) }
    } else {
      for formulation in Formulation.allCases {
        for storage in formulation.storages { addIfPossible(FormulationChoice(formulation, storage)) }
      }
      // The direct formulation takes any problem; it is left out only where it exceeds a limit.
      if choices.isEmpty { try add(FormulationChoice(), at: 0) }
    }
  }

  private mutating func add(_ choice: FormulationChoice, at index: Int) throws(ServiceError) {
    do throws(ConvolutionError) {
      try check(choice)
    } catch {
      throw .formulation(index, error)
    }
    let (work, bytes) = demands(with: choice)
    _ = try work.checked(limit: limits.multiplyAdds)
    if bytes > limits.operatorBytes { throw .results(bytes: bytes, limit: limits.operatorBytes) }
    (self.work, self.bytes) = (work, bytes)
    choices.append(choice)
  }

  private mutating func addIfPossible(_ choice: FormulationChoice) {
    do throws(ConvolutionError) {
      try check(choice)
    } catch {
      leftOut.append((choice, error.description))
      return
    }
    let (work, bytes) = demands(with: choice)
    if work.multiplyAdds > limits.multiplyAdds {
      leftOut.append(
        (
          choice,
          "With it, all takes \(work.multiplyAdds) multiply-adds; at most \(limits.multiplyAdds) are allowed."
        ))
    } else if bytes > limits.operatorBytes {
      leftOut.append(
        (choice, "With it, the results take \(bytes) bytes; at most \(limits.operatorBytes) are allowed."))
    } else {
      (self.work, self.bytes) = (work, bytes)
      choices.append(choice)
    }
  }

  private func check(_ choice: FormulationChoice) throws(ConvolutionError) {
    try choice.formulation.check(
      storage: choice.storage, geometry: geometry, options: choice.options, scalarByteCount: scalarByteCount,
      memoryLimit: limits.operatorBytes)
  }

  /// The work and the bytes of all so far and of `choice`.
  private func demands(with choice: FormulationChoice) -> (work: Work, bytes: Int) {
    var work = work
    work.add(choice, times: repeats)
    work.addBound(of: choice)
    // Each result is held against the direct one and the reference, and each pair against the reference.
    work.addPasses(8 * (choices.count + 1))
    let boundBytes = choice.formulation.isDotProduct ? 0 : MemoryLayout<Double>.stride
    // No overflow: the elements of a result are limited, and the formulations counted.
    return (work, bytes + geometry.resultElementCount * (scalarByteCount + boundBytes))
  }
}
