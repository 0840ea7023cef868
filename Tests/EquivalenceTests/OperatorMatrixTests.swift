import Convolution
import Equivalence
import TestSupport
import Testing

/// The matrices against the definition, written anew.
@Suite struct OperatorMatrixTests {
  func tensor(_ shape: Shape, _ values: [Double]) -> Tensor<Double> {
    var tensor = Tensor<Double>(shape: shape, repeating: 0)
    for index in values.indices { tensor.mutableValues[index] = values[index] }
    return tensor
  }

  @Test("the matrix of any convolution is what the definition says", arguments: PaddingMode.allCases)
  func definition(mode: PaddingMode) throws {
    var random = SeededNumbers(seed: 11)
    for _ in 0..<120 {
      var (problem, weights) = MatrixProblem.random(&random, channels: true)
      problem.mode = mode
      let matrix = try OperatorMatrix(problem.geometry)
      let made = try matrix.matrix(filter: tensor(problem.filterShape, weights))
      #expect(made.dense().rows == problem.matrix(weights), "\(problem)")
      #expect(made.count == matrix.statistics.nonzeros, "\(problem)")
      let ones = problem.matrix([Double](repeating: 1, count: weights.count))
      #expect(matrix.statistics.nonzeros == ones.joined().count { $0 != 0 })
      #expect(matrix.statistics.fixedZeros == ones.joined().count { $0 == 0 })
      let reached = (0..<weights.count).count { weight in
        var unit = [Double](repeating: 0, count: weights.count)
        unit[weight] = 1
        return problem.matrix(unit).joined().contains { $0 != 0 }
      }
      #expect(matrix.statistics.distinctWeights == reached, "\(problem)")
      #expect(matrix.statistics.ties == made.count - min(made.count, reached))
    }
  }

  @Test("the matrix of a transposed convolution is the transpose")
  func transposed() throws {
    var random = SeededNumbers(seed: 12)
    for _ in 0..<200 {
      let (problem, weights) = MatrixProblem.random(&random, channels: true)
      var options = problem.options
      options.transposed = true
      options.outputShape = Extent(problem.image.0, problem.image.1)
      guard
        let geometry = try? ConvolutionGeometry(
          image: problem.outputShape, filter: problem.filterShape, options: options)
      else { continue }
      let made = try OperatorMatrix(geometry).matrix(filter: tensor(problem.filterShape, weights)).dense()
        .rows
      let forwards = problem.matrix(weights)
      let turned = forwards[0].indices.map { column in forwards.map { $0[column] } }
      #expect(made == turned, "\(problem)")
    }
  }

  @Test("the factors of the separable terms multiply to the matrix, as many as the planes have rank")
  func factors() throws {
    var random = SeededNumbers(seed: 14)
    for mode in PaddingMode.allCases {
      for _ in 0..<60 {
        var (problem, weights) = MatrixProblem.random(&random, channels: true)
        problem.mode = mode
        let geometry = try problem.geometry
        let matrices = try SeparableMatrices(
          geometry, filter: tensor(problem.filterShape, weights), rank: nil)
        let matrix = problem.matrix(weights)
        var sum = matrix.map { $0.map { _ in 0.0 } }
        let (image, output, channels) = (geometry.image, geometry.output, geometry.channels)
        for k in 0..<channels.output {
          for c in 0..<channels.imagePerGroup {
            let terms = matrices.terms(ofPlane: k * channels.imagePerGroup + c)
            #expect(terms.count <= min(geometry.filter.height, geometry.filter.width))
            for term in terms {
              let left = try matrices.left(term).dense().rows
              let right = try matrices.right(term).dense().rows
              #expect(left.count == output.height && left[0].count == image.height)
              #expect(right.count == image.width && right[0].count == output.width)
              for (row, column) in product(output.elementCount, image.elementCount) {
                let entry =
                  left[row / output.width][column / image.width]
                  * right[column % image.width][row % output.width]
                let pixels = channels.firstImageChannel(of: k) + c
                sum[k * output.elementCount + row][pixels * image.elementCount + column] += entry
              }
            }
          }
        }
        // The decomposition is off by some units in the last place of a plane's norm, here of 25 numbers up to 150; as
        // many terms may meet in one entry.
        let slack = 100 * 0x1p-52 * 750 * 25
        for (found, wanted) in zip(sum.joined(), matrix.joined()) where (found - wanted).magnitude > slack {
          Issue.record("\(problem): \(found) is not \(wanted)")
        }
      }
    }
  }

  private func product(_ rows: Int, _ columns: Int) -> [(Int, Int)] {
    (0..<rows).flatMap { row in (0..<columns).map { (row, $0) } }
  }

  @Test("the banded matrices of a plane, each over its shifted columns, add up to the matrix")
  func bands() throws {
    var random = SeededNumbers(seed: 13)
    for mode in PaddingMode.allCases {
      var problem = MatrixProblem(channels: (2, 3), image: (5, 6), filter: (3, 2))
      (problem.stride, problem.dilation, problem.padding, problem.mode) = ((2, 1), (1, 2), (1, 2, 2, 0), mode)
      let weights = MatrixProblem.weights(problem.weightCount, &random)
      let matrix = try OperatorMatrix(problem.geometry)
      let (height, width) = problem.output
      var sum = [[Double]](repeating: [Double](repeating: 0, count: 60), count: 3 * height * width)
      let filter = tensor(problem.filterShape, weights)
      for k in 0..<3 {
        for c in 0..<2 {
          for v in 0..<2 {
            let band = try matrix.bandMatrix(filter: filter, outputChannel: k, plane: c, column: v)
            #expect(Extent(band.rows, band.columns) == matrix.statistics.bandSize)
            #expect(band.count == matrix.statistics.bandNonzeros)
            let rows = band.dense().rows
            for a in 0..<height {
              for b in 0..<width {
                guard let j = try problem.geometry.columns.source(of: b + 2 * v - 2) else { continue }
                for i in 0..<5 { sum[(k * height + a) * width + b][(c * 5 + i) * 6 + j] += rows[a][i] }
              }
            }
          }
        }
      }
      #expect(sum == problem.matrix(weights))
    }
  }

  @Test("a matrix that does not fit the memory is refused before it is made")
  func memory() throws {
    let geometry = try ConvolutionGeometry(image: Extent(1 << 13, 1 << 13), filter: Extent(3, 3))
    let matrix = try OperatorMatrix(geometry)
    #expect(matrix.statistics.nonzeros == 8190 * 8190 * 9)
    #expect(matrix.statistics.denseBytes(scalarByteCount: 4) == 8190 * 8190 * 8192 * 8192 * 4)
    #expect {
      _ = try matrix.matrix(filter: Tensor<Double>(shape: Shape(3, 3), repeating: 1), memoryLimit: 1 << 30)
    } throws: {
      guard
        case ConvolutionError.operatorTooLarge(.toeplitz, .sparse, _, 1 << 30, nil)? = $0 as? ConvolutionError
      else { return false }
      return true
    }
  }

  @Test("sizes that overflow are counted as such and refused")
  func overflow() throws {
    let huge = Extent(Int(Int32.max), Int(Int32.max))
    let geometry = try ConvolutionGeometry(image: huge, filter: Extent(2, 2), maximumOutputElements: .max)
    let statistics = try OperatorMatrix(geometry).statistics
    #expect(statistics.entries == .max)
    #expect(statistics.fixedZeros == .max)
    #expect(throws: ConvolutionError.self) {
      _ = try OperatorMatrix(geometry).matrix(filter: Tensor<Double>([[1, 2], [3, 4]]))
    }
  }
}
