public import Convolution

/// What transforms did to a result, seen as a whole: their bound holds for norms, and is far from reached.
public struct FourierReport: Hashable, Sendable {
  /// Rows and columns of the blocks' transforms.
  public let size: Extent
  /// `‖ŷ − y‖₂ / (‖x‖₂·‖w‖₂)` over whole tensors: 0 where both vanish, and not finite where a result is not. `y` comes from
  /// the definition in float64; for float64 problems that errs by as many units as it has terms, at most, and the number
  /// tells how far both are apart.
  public let normwiseError: Double
  /// The same of the certified bounds of all elements, `‖B‖₂ / (‖x‖₂·‖w‖₂)`; infinite where one of them is.
  public let normwiseBound: Double

  /// The report on what `prepared` computed from `problem`, `bound` being its bound for that; nil where it is another
  /// formulation.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init?<Scalar: TensorScalar>(
    of prepared: borrowing ConvolutionOperator<Scalar>, result: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, bound: borrowing ResultBound
  ) {
    guard let map = prepared.map as? FourierOperator<Scalar>, let boundNorm = bound.norm() else { return nil }
    precondition(result.shape == problem.geometry.resultShape, "another result's shape")
    size = map.plan.size
    let scale = problem.image.norm() * problem.filter.norm()
    var difference = Tensor<Double>(shape: result.shape, repeating: 0)
    do throws(ConvolutionError) {
      let definition = try Formulation.direct.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter.inDouble(),
        bias: problem.bias.inDouble(),
        options: FormulationOptions())
      definition.apply(to: problem.image.inDouble(), into: &difference)
    } catch {
      preconditionFailure("the definition takes every problem")
    }
    let values = difference.mutableValues
    for index in 0..<values.count { values[index] = Double(result.values[index]) - values[index] }
    func relative(_ norm: Double) -> Double { norm == 0 ? 0 : norm / scale }
    normwiseError = relative(difference.norm())
    normwiseBound = relative(boundNorm)
  }
}
