import Convolution
import Equivalence
import TestSupport

extension SeededNumbers {
  /// Parameters of problems in which mistakes have room to show.
  mutating func roomyParameters() -> Parameters {
    let square = integer(0...1) == 0
    let (height, taps) = (integer(6...11), integer(2...3))
    var p = Parameters(
      image: Extent(height, square ? height : integer(6...11)),
      filter: Extent(taps, integer(0...2) > 0 ? taps : integer(1...4)),
      stride: Extent(integer(1...2), integer(1...2)),
      padding: Padding(
        top: integer(0...2), left: integer(0...2), bottom: integer(0...2), right: integer(0...2)),
      dilation: Extent(integer(1...2), integer(1...2)))
    p.groups = integer(0...1) == 0 ? 1 : integer(1...3)
    p.inputs = p.groups * integer(1...3)
    p.outputs = p.groups * integer(1...3)
    p.batch = integer(1...2)
    (p.imageRank, p.filterRank) = (4, 4)
    p.flip = integer(0...3) == 0
    p.transposed = integer(0...3) == 0
    if !p.transposed { p.mode = PaddingMode.allCases[integer(0...3)] }
    return p
  }
}

/// A flawed output beside the correct one, with the bound `γ_n·S` of float32.
struct FlawedCase {
  let convolution: FlawedConvolution
  let candidate: [Float]
  let exact: [Double]
  let allowed: [Double]

  /// Nil where the problem has no room for the flaws, or they change nothing.
  init?(_ flaws: [Flaw], _ random: inout SeededNumbers) {
    guard var flawed = FlawedConvolution(random.roomyParameters(), &random) else { return nil }
    if random.integer(0...1) == 0 && !flaws.contains(where: { $0.mistake == .missingBias }) {
      flawed.bias = []
    }
    convolution = flawed
    let right = flawed.output()
    for flaw in flaws where !flaw.before(&flawed, &random) { return nil }
    var candidate = flawed.output().output
    for flaw in flaws where !flaw.after(&candidate, flawed, &random) { return nil }
    self.candidate = candidate
    exact = right.exact
    let terms =
      flawed.p.inputs / flawed.p.groups * flawed.p.filter.elementCount + (flawed.bias.isEmpty ? 0 : 1)
    let n = Double(terms) * 0x1p-24
    allowed = right.absolute.map { $0 * n / (1 - n) + 0x1p-140 }
    let bounds = allowed
    let correct = exact
    if candidate.indices.allSatisfy({ (Double(candidate[$0]) - correct[$0]).magnitude <= bounds[$0] }) {
      return nil
    }
  }

  func diagnosis(workLimit: Int = Diagnosis.defaultWorkLimit) throws -> Diagnosis? {
    let problem = try convolution.problem()
    let shape = problem.geometry.resultShape
    return Diagnosis(
      of: Tensor(candidate.map { Double($0) }, shape), problem: problem, allowed: Tensor(allowed, shape),
      exact: Tensor(exact, shape), workLimit: workLimit)
  }

  /// What to print of a case that fails.
  var line: String {
    convolution.p.reproduction(
      convolution.image, convolution.filter, bias: convolution.bias, .direct, .sparse)
  }
}
