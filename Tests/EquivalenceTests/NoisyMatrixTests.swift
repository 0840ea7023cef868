import Convolution
import Equivalence
import TestSupport
import Testing

/// Matrices that are convolutions but for noise.
@Suite struct NoisyMatrixTests {
  /// The least squares solution with one column for each weight, by the normal equations and Gaussian elimination:
  /// weights and residual.
  func leastSquares(_ problem: MatrixProblem, _ noisy: [[Double]]) -> (weights: [Double], residual: Double) {
    let basis = (0..<problem.weightCount).map { weight in
      var unit = [Double](repeating: 0, count: problem.weightCount)
      unit[weight] = 1
      return Array(problem.matrix(unit).joined())
    }
    let target = Array(noisy.joined())
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    var system = basis.map { left in basis.map { product(left, $0) } + [product(left, target)] }
    for pivot in system.indices {
      let best =
        (pivot..<system.count).max { system[$0][pivot].magnitude < system[$1][pivot].magnitude } ?? pivot
      system.swapAt(pivot, best)
      for row in system.indices where row != pivot {
        let factor = system[row][pivot] / system[pivot][pivot]
        for column in pivot...system.count { system[row][column] -= factor * system[pivot][column] }
      }
    }
    let weights = system.indices.map { system[$0][system.count] / system[$0][$0] }
    var rest = target
    for (weight, column) in zip(weights, basis) {
      for index in rest.indices { rest[index] -= weight * column[index] }
    }
    return (weights, (product(rest, rest) / product(target, target)).squareRoot())
  }

  @Test(
    "the projection is the least squares solution, with and without a tolerance",
    arguments: [1e-9, 1e-6, 1e-3])
  func projection(noise: Double) throws {
    var random = SeededNumbers(seed: 31)
    for _ in 0..<12 {
      var problem = MatrixProblem(image: (random.integer(6...8), random.integer(6...8)), filter: (3, 2))
      problem.stride = (random.integer(1...2), 1)
      problem.padding = (1, random.integer(0...1), 1, 0)
      problem.channels = (random.integer(1...2), 1)
      let weights = MatrixProblem.weights(problem.weightCount, &random)
      let largest = weights.map(\.magnitude).max() ?? 1
      for dense in [false, true] {
        let noisy = problem.matrix(weights).map { row in
          row.map { value in
            value == 0 && !dense ? 0 : value + noise * largest * Double(random.integer(-1000...1000)) / 1000
          }
        }
        let expected = leastSquares(problem, noisy)
        for tolerance in [nil, 2 * noise] {
          let found = try Recognition(
            SparseMatrix(noisy), image: problem.imageShape, output: problem.outputShape, tolerance: tolerance)
          #expect(found.verdict == .approximate, "\(problem) dense \(dense)")
          #expect(found.geometry.filter == Extent(3, 2), "\(problem) dense \(dense)")
          #expect(found.geometry.stride == Extent(problem.stride.0, 1))
          // Both solve the same well-conditioned system; float64 leaves some 1e-12 between them.
          #expect(zip(found.filter.values, expected.weights).allSatisfy { ($0 - $1).magnitude <= 1e-11 })
          #expect((found.distance - expected.residual).magnitude <= 1e-11 + 1e-9 * expected.residual)
          #expect(found.tolerance > 0)
        }
      }
    }
  }

  @Test("an exact matrix asked with a tolerance is exact")
  func exactWithTolerance() throws {
    let problem = MatrixProblem(image: (6, 6), filter: (3, 3))
    let weights = (1...9).map { Double($0) / 10 }
    let found = try Recognition(
      SparseMatrix(problem.matrix(weights)), image: Shape(6, 6), output: Shape(4, 4), tolerance: 1e-6)
    #expect(found.verdict == .convolution)
    #expect(found.distance == 0)
    #expect(Array(found.filter.values) == weights)
  }

  @Test("an entry beyond the tolerance is a violation at its place")
  func beyondTolerance() throws {
    var random = SeededNumbers(seed: 32)
    let problem = MatrixProblem(image: (7, 7), filter: (3, 3))
    let weights = (1...9).map { Double($0) }
    var noisy = problem.matrix(weights).map { row in
      row.map { $0 == 0 ? 0 : $0 + 1e-7 * Double(random.integer(-100...100)) }
    }
    noisy[7][9] += 1
    let found = try Recognition(
      SparseMatrix(noisy), image: Shape(7, 7), output: Shape(5, 5), tolerance: 1e-4)
    #expect(found.verdict == .violated)
    #expect(found.violation?.row == 7)
    #expect(found.violation?.column == 9)
    #expect(found.violations == 1)
  }

  @Test("float32 entries that were summed in float64 and rounded are no noise")
  func float32() throws {
    let problem = MatrixProblem(image: (5, 5), filter: (2, 2))
    let rows = problem.matrix([0.1, 0.2, 0.3, 0.4]).map { $0.map { Float($0) } }
    let found = try Recognition(SparseMatrix(Tensor(rows)), image: Shape(5, 5), output: Shape(4, 4))
    #expect(found.verdict == .convolution)
    #expect(
      found.filter.rows == [
        [Double(Float(0.1)), Double(Float(0.2))], [Double(Float(0.3)), Double(Float(0.4))],
      ])
  }
}
