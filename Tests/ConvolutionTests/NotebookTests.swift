import Convolution
import TestSupport
import Testing

/// The worked example: a 5×5 image and a 2×2 filter, with every matrix written out.
@Suite struct NotebookTests {
  let image: [[Double]] = (0..<5).map { row in (0..<5).map { Double(row * 5 + $0) } }
  let filter: [[Double]] = [[1, 2], [3, 4]]

  func problem() throws -> ConvolutionProblem<Double> {
    try ConvolutionProblem(image: Tensor(image), filter: Tensor(filter))
  }

  func result(_ formulation: Formulation, _ storage: Storage) throws -> [[Double]] {
    let problem = try problem()
    var output = problem.makeOutput()
    try formulation.makeOperator(storage: storage, geometry: problem.geometry, filter: problem.filter)
      .apply(to: problem.image, into: &output)
    return output.rows
  }

  @Test("all formulations give the 4×4 result computed by hand")
  func results() throws {
    // 1·x + 2·(x+1) + 3·(x+5) + 4·(x+6) = 10·x + 41 for the pixel x at the window's corner.
    let expected: [[Double]] = [
      [41, 51, 61, 71], [91, 101, 111, 121], [141, 151, 161, 171], [191, 201, 211, 221],
    ]
    for formulation in Formulation.allCases where formulation.isDotProduct {
      for storage in formulation.storages {
        #expect(try result(formulation, storage) == expected, "\(formulation) \(storage)")
      }
    }
  }

  @Test("the 16×25 matrix holds the filter where it must and zeros elsewhere")
  func toeplitzMatrix() throws {
    let problem = try problem()
    let prepared = try Formulation.toeplitz.makeOperator(
      storage: .dense, geometry: problem.geometry, filter: problem.filter)
    let corners = [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18]
    let expected: [[Double]] = corners.map { corner in
      var row = [Double](repeating: 0, count: 25)
      row[corner] = 1
      row[corner + 1] = 2
      row[corner + 5] = 3
      row[corner + 6] = 4
      return row
    }
    let matrix = prepared.matrix(at: 0)?.rows ?? []
    #expect(matrix == expected)
    #expect(matrix[0] == [1, 2, 0, 0, 0, 3, 4] + [Double](repeating: 0, count: 18))
    #expect(matrix[15] == [Double](repeating: 0, count: 18) + [1, 2, 0, 0, 0, 3, 4])
    let noSecond = prepared.matrix(at: 1)?.rows
    #expect(noSecond == nil)
    #expect(prepared.heldBytes == 16 * 25 * 8)
  }

  @Test("the two 4×5 band matrices hold a column of the filter each")
  func bandMatrices() throws {
    let problem = try problem()
    let prepared = try Formulation.banded.makeOperator(
      storage: .dense, geometry: problem.geometry, filter: problem.filter)
    let first = prepared.matrix(at: 0)?.rows ?? []
    let second = prepared.matrix(at: 1)?.rows ?? []
    #expect(first == [[1, 3, 0, 0, 0], [0, 1, 3, 0, 0], [0, 0, 1, 3, 0], [0, 0, 0, 1, 3]])
    #expect(second == [[2, 4, 0, 0, 0], [0, 2, 4, 0, 0], [0, 0, 2, 4, 0], [0, 0, 0, 2, 4]])
    let noThird = prepared.matrix(at: 2)?.rows
    #expect(noThird == nil)
    #expect(prepared.heldBytes == 2 * 4 * 5 * 8)
  }

  @Test("flip rotates the filter by 180° once")
  func flip() throws {
    let problem = try ConvolutionProblem(
      image: Tensor(image), filter: Tensor(filter), options: ConvolutionOptions(flip: true))
    let rotated = problem.filter.rows
    #expect(rotated == [[4, 3], [2, 1]])
  }

  @Test("same padding puts the smaller half before the image")
  func samePadding() throws {
    for (taps, dilation, before, after) in [(2, 1, 0, 1), (3, 1, 1, 1), (4, 1, 1, 2), (2, 3, 1, 2)] {
      let geometry = try ConvolutionGeometry(
        image: Extent(9, 9), filter: Extent(taps, taps),
        options: ConvolutionOptions(padding: .same, dilation: Extent(dilation, dilation)))
      #expect(geometry.output == geometry.image)
      #expect(geometry.padding == Padding(top: before, left: before, bottom: after, right: after))
    }
  }
}
