import Convolution
import Equivalence
import TestSupport
import Testing

/// Matrices of known convolutions, given back as such.
@Suite struct RecognitionTests {
  /// How the answer relates to the parameters the matrix was made from.
  enum Outcome { case same, equivalent, unreachedTaps }

  /// Recognises the matrix of a problem and checks what must hold for any: the matrix that follows from the answer is the
  /// given one, and the kernel is no larger than the taps that the matrix shows, but for zeros at its ends where padding
  /// would have to be negative.
  func check(_ problem: MatrixProblem, _ weights: [Double]) throws -> Outcome {
    let rows = problem.matrix(weights)
    let found = try Recognition(SparseMatrix(rows), image: problem.imageShape, output: problem.outputShape)
    let comment: Comment = "\(problem) \(weights)"
    #expect(found.verdict == .convolution, comment)
    #expect(found.distance == 0, comment)
    #expect(try found.regenerated() == rows, comment)
    let geometry = try problem.geometry
    #expect(found.geometry.taps <= geometry.taps, comment)
    let (vertical, horizontal) = (problem.reached(.height), problem.reached(.width))
    if let vertical, let horizontal {
      var extent = found.geometry.filter
      for case .zeroEdgeTaps(let axis, let count) in found.remarks {
        if axis == .height { extent.height -= count } else { extent.width -= count }
      }
      #expect(extent.elementCount <= vertical.count * horizontal.count, comment)
    }
    if vertical != 0...problem.filter.0 - 1 || horizontal != 0...problem.filter.1 - 1 {
      return .unreachedTaps
    }
    let same =
      found.geometry.filter == geometry.filter && found.geometry.stride == geometry.stride
      && found.geometry.dilation == geometry.dilation && found.geometry.padding.top == geometry.padding.top
      && found.geometry.padding.left == geometry.padding.left && found.geometry.channels == geometry.channels
    if same {
      #expect(Array(found.filter.values) == weights, comment)
      #expect(found.paddingAfter.height.contains(problem.padding.2), comment)
      #expect(found.paddingAfter.width.contains(problem.padding.3), comment)
      return .same
    }
    // Another answer is right only where the matrix does not say more, or for a smaller kernel.
    let smaller = found.geometry.weights < geometry.weights
    let free = found.remarks.contains {
      switch $0 {
      case .strideNotIdentifiable, .dilationNotIdentifiable: true
      default: false
      }
    }
    #expect(smaller || free, comment)
    return .equivalent
  }

  @Test("700 random geometries are recovered, the same wherever the matrix says it")
  func random() throws {
    var random = SeededNumbers(seed: 1)
    var outcomes: [Outcome: Int] = [:]
    for _ in 0..<700 {
      let (problem, weights) = MatrixProblem.random(&random, channels: false)
      outcomes[try check(problem, weights), default: 0] += 1
    }
    #expect(outcomes[.same, default: 0] > 300)
  }

  @Test("500 random geometries with channels and groups are recovered")
  func channels() throws {
    var random = SeededNumbers(seed: 2)
    var outcomes: [Outcome: Int] = [:]
    for _ in 0..<500 {
      let (problem, weights) = MatrixProblem.random(&random, channels: true)
      outcomes[try check(problem, weights), default: 0] += 1
    }
    #expect(outcomes[.same, default: 0] > 200)
  }

  @Test("the output's shape is found where it is not given")
  func derived() throws {
    var random = SeededNumbers(seed: 3)
    var (right, all) = (0, 0)
    for _ in 0..<200 {
      let (problem, weights) = MatrixProblem.random(&random, channels: false)
      let rows = problem.matrix(weights)
      let nonzeros = rows.joined().count { $0 != 0 }
      if nonzeros < 4 * weights.count || min(problem.output.0, problem.output.1) < 2 { continue }
      all += 1
      let found = try Recognition(SparseMatrix(rows), image: Shape(problem.image.0, problem.image.1))
      #expect(found.verdict == .convolution, "\(problem) \(weights)")
      if found.geometry.output == Extent(problem.output.0, problem.output.1) {
        right += 1
        #expect(try found.regenerated() == rows)
      }
    }
    #expect(right == all && all > 100)
  }

  @Test("random transposed convolutions are recovered")
  func transposed() throws {
    var random = SeededNumbers(seed: 4)
    for _ in 0..<200 {
      let (problem, weights) = MatrixProblem.random(&random, channels: true)
      let forwards = problem.matrix(weights)
      let turned = forwards[0].indices.map { column in forwards.map { $0[column] } }
      let found = try Recognition(
        SparseMatrix(turned), image: problem.outputShape, output: problem.imageShape, transposed: true)
      #expect(found.verdict == .convolution, "\(problem)")
      #expect(found.geometry.isTransposed)
      #expect(try found.regenerated() == turned, "\(problem)")
    }
  }

  @Test(
    "other padding modes are recognised and named", arguments: [PaddingMode.circular, .reflect, .replicate])
  func paddingModes(mode: PaddingMode) throws {
    var random = SeededNumbers(seed: 5)
    for _ in 0..<60 {
      var problem = MatrixProblem(image: (random.integer(6...9), random.integer(6...9)), filter: (3, 3))
      (problem.mode, problem.padding) = (mode, (1, 1, 1, 1))
      problem.stride = (random.integer(1...2), random.integer(1...2))
      problem.channels = (random.integer(1...2), random.integer(1...2))
      let weights = MatrixProblem.weights(problem.weightCount, &random)
      let rows = problem.matrix(weights)
      let found = try Recognition(SparseMatrix(rows), image: problem.imageShape, output: problem.outputShape)
      #expect(found.verdict == .convolution, "\(problem) \(weights)")
      #expect(try found.regenerated() == rows)
      #expect(found.geometry.paddingMode == mode, "\(problem)")
      #expect(found.geometry.filter == Extent(3, 3))
    }
  }

  @Test("zeros within the filter leave the taps where they are")
  func sparseFilters() throws {
    var random = SeededNumbers(seed: 6)
    for _ in 0..<200 {
      var (problem, weights) = MatrixProblem.random(&random, channels: false)
      problem.stride = (1, 1)
      for index in weights.indices where random.next() & 1 == 0 { weights[index] = 0 }
      let rows = problem.matrix(weights)
      let found = try Recognition(SparseMatrix(rows), image: problem.imageShape, output: problem.outputShape)
      #expect(found.verdict == .convolution, "\(problem) \(weights)")
      #expect(try found.regenerated() == rows, "\(problem) \(weights)")
    }
  }
}
