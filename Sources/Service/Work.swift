import Convolution
import Equivalence

/// The multiply-adds of everything that an answer needs, added up before anything is computed.
struct Work {
  /// As a floating-point number, which does not overflow; where it rounds, it is far above any limit.
  private var sum = 0.0
  private let geometry: ConvolutionGeometry
  private let scalarByteCount: Int
  private let direct: Double

  /// No work yet on problems of `geometry`.
  init(_ geometry: ConvolutionGeometry, scalarByteCount: Int) {
    self.geometry = geometry
    self.scalarByteCount = scalarByteCount
    direct = Double(
      Formulation.direct.cost(of: geometry, storage: .sparse, scalarByteCount: scalarByteCount).multiplyAdds)
  }

  /// Adds as many direct computations.
  mutating func addDirect(times: Int) { sum += Double(times) * direct }

  /// Adds as many computations by a formulation.
  mutating func add(_ choice: FormulationChoice, times: Int) {
    sum += Double(times) * Double(cost(choice).multiplyAdds)
  }

  /// Adds the judgement of one result: the reference, which sums the products and their absolute values, and the bound.
  mutating func addJudgement(of choice: FormulationChoice) {
    addDirect(times: 2)
    addBound(of: choice)
  }

  /// Adds the bound of a formulation that has one of its own, and what is reported beside it.
  mutating func addBound(of choice: FormulationChoice) {
    guard !choice.formulation.isDotProduct else { return }
    add(choice, times: 2)
    addDirect(times: 3)
  }

  /// Adds as many multiply-adds.
  mutating func add(_ multiplyAdds: Double) { sum += multiplyAdds }

  /// Adds as many passes over the elements of two results.
  mutating func addPasses(_ count: Int) { sum += Double(count) * Double(geometry.resultElementCount) }

  /// What has been added so far.
  var multiplyAdds: Int { Int(exactly: sum.rounded()) ?? .max }

  /// The sum, which must be within `limit`.
  ///
  /// - Throws: `work`.
  func checked(limit: Int) throws(ServiceError) -> Int {
    guard sum <= Double(limit) else { throw .work(multiplyAdds: multiplyAdds, limit: limit) }
    return multiplyAdds
  }

  private func cost(_ choice: FormulationChoice) -> OperatorCost {
    choice.formulation.cost(
      of: geometry, storage: choice.storage, options: choice.options, scalarByteCount: scalarByteCount)
  }
}
