/// Holds gradients against finite differences along one direction, in float64.
///
/// `L(t) = ⟨g, conv(x + t·dx, w + t·dw) + t·db⟩` is a polynomial of degree 2 in `t`, so that the central difference
/// `(L(t) − L(−t)) / 2t` is `L′(0)` exactly, for any `t`, but for rounding. With `t = 1` and directions as large as the
/// numbers themselves nothing cancels but by chance. The bias adds a constant to `L` and stays out of it.
///
/// Numbers whose products overflow float64 make all three values infinite or NaN.
public struct DirectionalCheck: Hashable, Sendable {
  /// `⟨∂x, dx⟩ + ⟨∂w, dw⟩ + ⟨∂b, db⟩` with the gradients that are checked.
  public let directional: Double
  /// The central difference of the direct computation.
  public let difference: Double
  /// `|directional − difference|` relative to the larger magnitude; 0 where both are 0.
  public let relativeDeviation: Double

  /// Computes the gradients of `problem` by `formulation` in float64 and checks them along a seeded random direction.
  ///
  /// - Throws: what `Formulation.gradients` throws; the limits are held against the costs in float64.
  public init<Scalar: TensorScalar>(
    _ formulation: Formulation, storage: Storage, problem: borrowing ConvolutionProblem<Scalar>,
    upstream: borrowing Tensor<Scalar>, seed: UInt64 = 1, memoryLimit: Int = .max, workLimit: Int = .max
  ) throws(ConvolutionError) {
    let geometry = problem.geometry
    let image = problem.image.inDouble()
    let filter = problem.filter.inDouble()
    let upstream = upstream.inDouble()
    let gradients = try formulation.gradients(
      geometry: geometry, image: image, filter: filter, isFlipped: problem.isFlipped, upstream: upstream,
      storage: storage, memoryLimit: memoryLimit, workLimit: workLimit)

    var random = DeterministicNumbers(seed: seed)
    let (imageScale, filterScale) = (scale(of: image), scale(of: filter))
    let imageStep = scaled(random.tensor(image.shape), by: imageScale)
    var filterStep = scaled(random.tensor(filter.shape), by: filterScale)
    let biasStep = scaled(random.tensor(gradients.bias.shape), by: imageScale * filterScale)
    directional =
      inner(gradients.image, imageStep) + inner(gradients.filter, filterStep)
      + inner(gradients.bias, biasStep)

    // The step is one of the given filter; what is applied may be rotated.
    if problem.isFlipped { rotatePlanes(filterStep.mutableValues, taps: geometry.taps) }
    func result(_ t: Double) throws(ConvolutionError) -> Tensor<Double> {
      var output = Tensor<Double>(shape: geometry.resultShape, repeating: 0)
      let moved = sum(image, imageStep, times: t)
      try Formulation.direct.makeOperator(
        storage: .sparse, geometry: geometry, filter: sum(filter, filterStep, times: t),
        bias: scaled(biasStep, by: t)
      ).apply(to: moved, into: &output)
      return output
    }
    let ahead = try result(1)
    let behind = try result(-1)
    difference = inner(upstream, scaled(sum(ahead, behind, times: -1), by: 0.5))
    let larger = max(abs(directional), abs(difference))
    relativeDeviation = larger == 0 ? 0 : abs(directional - difference) / larger
  }
}

/// The largest magnitude, or 1 where all are zero.
private func scale(of tensor: borrowing Tensor<Double>) -> Double {
  let largest = tensor.values.reduce(0) { max($0, abs($1)) }
  return largest == 0 ? 1 : largest
}

private func scaled(_ tensor: borrowing Tensor<Double>, by factor: Double) -> Tensor<Double> {
  var result = Tensor<Double>(shape: tensor.shape, repeating: 0)
  let (source, target) = (tensor.values, result.mutableValues)
  for index in 0..<source.count { target[index] = factor * source[index] }
  return result
}

/// `a + t·b`.
private func sum(
  _ a: borrowing Tensor<Double>, _ b: borrowing Tensor<Double>, times t: Double
) -> Tensor<Double> {
  var result = Tensor<Double>(shape: a.shape, repeating: 0)
  let (first, second, target) = (a.values, b.values, result.mutableValues)
  for index in 0..<first.count { target[index] = first[index] + t * second[index] }
  return result
}

private func inner(_ a: borrowing Tensor<Double>, _ b: borrowing Tensor<Double>) -> Double {
  let (first, second) = (a.values, b.values)
  var total = 0.0
  for index in 0..<first.count { total += first[index] * second[index] }
  return total
}
