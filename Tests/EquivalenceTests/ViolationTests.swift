import Convolution
import Equivalence
import TestSupport
import Testing

/// Matrices that are no convolutions, and the entry that says so.
@Suite struct ViolationTests {
  /// 2×2 taps on 5×5 pixels: 16×25 entries.
  let problem = MatrixProblem(image: (5, 5), filter: (2, 2))
  let weights = [0.5, -1.25, 2, 3]

  /// What `found` says of a matrix of which one entry was changed. Four entries are a class of their own: an image's
  /// corner seen from the output in the opposite corner. With them the matrix still is a convolution, of 5×5 taps.
  func check(
    _ found: borrowing Recognition, _ row: Int, _ column: Int, _ kind: Recognition.Violation.Kind,
    _ expected: Double, _ actual: Double
  ) {
    let comment: Comment = "row \(row), column \(column)"
    let corners = [[0, 24], [3, 20], [12, 4], [15, 0]]
    if corners.contains([row, column]) {
      #expect(found.verdict == .convolution, comment)
      #expect(found.geometry.filter == Extent(5, 5), comment)
      #expect(
        found.remarks.contains(
          .loneEntries([Recognition.Place(row: row, column: column)], kernel: Extent(2, 2))), comment)
      return
    }
    #expect(found.verdict == .violated, comment)
    #expect(found.violations == 1, comment)
    #expect(found.violation?.row == row, comment)
    #expect(found.violation?.column == column, comment)
    #expect(found.violation?.kind == kind, comment)
    #expect(found.violation?.expected == expected, comment)
    #expect(found.violation?.actual == actual, comment)
    #expect(found.geometry.filter == Extent(2, 2), comment)
    #expect(Array(found.filter.values) == weights, comment)
    #expect(found.geometry.stride == Extent(1, 1), comment)
  }

  @Test(
    "each single entry of a 16×25 matrix that is changed is found at its row and column",
    arguments: [false, true])
  func everyEntry(outputGiven: Bool) throws {
    let right = problem.matrix(weights)
    for row in 0..<16 {
      for column in 0..<25 {
        let value = right[row][column]
        for changed in value == 0 ? [7.5, 2] : [0, 7.5, -value, value.nextUp] {
          var wrong = right
          wrong[row][column] = changed
          let found = try Recognition(
            SparseMatrix(wrong), image: Shape(5, 5), output: outputGiven ? Shape(4, 4) : nil)
          let kind: Recognition.Violation.Kind =
            value == 0 ? .extraNonzero : changed == 0 ? .missingTap : .tieBroken
          check(found, row, column, kind, value, changed)
          if value != 0 {
            let (a, b) = (row / 4, row % 4)
            #expect(found.violation?.tap == Extent(column / 5 - a, column % 5 - b))
          }
        }
      }
    }
  }

  @Test("the first of several changed entries is named, and all are counted")
  func several() throws {
    var wrong = problem.matrix(weights)
    wrong[9][12] = 4
    wrong[5][6] = 0
    wrong[14][2] = 1
    let found = try Recognition(SparseMatrix(wrong), image: Shape(5, 5), output: Shape(4, 4))
    #expect(found.violations == 3)
    #expect(found.violation?.row == 5)
    #expect(found.violation?.column == 6)
    #expect(found.violation?.kind == .missingTap)
    #expect(found.violation?.tap == Extent(0, 0))
  }

  @Test("one changed entry is found in strided, dilated, padded and grouped matrices too")
  func general() throws {
    var random = SeededNumbers(seed: 21)
    for _ in 0..<100 {
      var problem = MatrixProblem(
        channels: (2, 2), image: (random.integer(9...11), random.integer(9...11)), filter: (3, 2))
      problem.groups = random.integer(1...2)
      problem.stride = (random.integer(1...2), random.integer(1...2))
      problem.dilation = (1, random.integer(1...2))
      problem.padding = (1, 1, 1, 1)
      let weights = MatrixProblem.weights(problem.weightCount, &random)
      var rows = problem.matrix(weights)
      let row = random.integer(0...rows.count - 1)
      let columns = rows[row].indices.filter { rows[row][$0] != 0 }
      let column = columns[random.integer(0...columns.count - 1)]
      rows[row][column] += 100
      let found = try Recognition(SparseMatrix(rows), image: problem.imageShape, output: problem.outputShape)
      #expect(found.verdict == .violated, "\(problem)")
      #expect(found.violation?.row == row, "\(problem)")
      #expect(found.violation?.column == column, "\(problem)")
      #expect(found.geometry.stride == Extent(problem.stride.0, problem.stride.1))
    }
  }

  @Test("the row and column of a violation in a transposed matrix are those of the given matrix")
  func transposed() throws {
    var rows = problem.matrix(weights)
    rows[6][7] = 9
    let turned = rows[0].indices.map { column in rows.map { $0[column] } }
    let found = try Recognition(
      SparseMatrix(turned), image: Shape(4, 4), output: Shape(5, 5), transposed: true)
    #expect(found.violation?.row == 7)
    #expect(found.violation?.column == 6)
  }

  @Test("a matrix of unrelated numbers is no convolution")
  func unrelated() throws {
    var random = SeededNumbers(seed: 22)
    let rows = random.rows(16, 25) { Double($0.integer(-1000...1000)) }
    for output in [Shape(4, 4), nil] {
      let found = try Recognition(SparseMatrix(rows), image: Shape(5, 5), output: output)
      #expect(found.verdict == .violated)
    }
  }
}

/// Matrices that leave something open, or that can't be examined.
@Suite struct DegenerateMatrixTests {
  @Test("a matrix of zeros is a filter of zeros, with any options")
  func zeros() throws {
    let rows = [[Double]](repeating: [Double](repeating: 0, count: 12), count: 6)
    let found = try Recognition(SparseMatrix(rows), image: Shape(3, 4), output: Shape(2, 3))
    #expect(found.verdict == .convolution)
    #expect(found.remarks.contains(.zeroFilter))
    #expect(found.geometry.filter == Extent(1, 1))
    #expect(try found.regenerated() == rows)
  }

  @Test("of a single output neither stride is known")
  func singleOutput() throws {
    let found = try Recognition(SparseMatrix([[0, 0, 0, 0, 1, 2, 0, 3, 4]]), image: Shape(3, 3))
    #expect(found.verdict == .convolution)
    #expect(found.remarks.contains(.strideNotIdentifiable(.height)))
    #expect(found.remarks.contains(.strideNotIdentifiable(.width)))
    // The first row and column are read by zero taps: there is no negative padding.
    #expect(found.remarks.contains(.zeroEdgeTaps(.height, 1)))
    #expect(found.geometry.filter == Extent(3, 3))
    #expect(try found.regenerated() == [[0, 0, 0, 0, 1, 2, 0, 3, 4]])
  }

  @Test("a single pixel and a single entry are a convolution")
  func singleEntry() throws {
    let found = try Recognition(SparseMatrix([[2.5]]), image: Shape(1, 1))
    #expect(found.verdict == .convolution)
    #expect(found.filter[0, 0] == 2.5)
    #expect(found.remarks.contains(.dilationNotIdentifiable(.height)))
  }

  @Test("the identity is one tap")
  func identity() throws {
    let rows = (0..<20).map { row in (0..<20).map { $0 == row ? 1.0 : 0.0 } }
    let found = try Recognition(SparseMatrix(rows), image: Shape(4, 5))
    #expect(found.geometry.filter == Extent(1, 1))
    #expect(found.geometry.output == Extent(4, 5))
  }

  @Test("zeros at the ends of a filter don't count")
  func zeroEdges() throws {
    var problem = MatrixProblem(image: (6, 6), filter: (3, 3))
    problem.padding = (1, 1, 1, 1)
    let rows = problem.matrix([0, 0, 0, 0, 5, 6, 0, 0, 0])
    let found = try Recognition(SparseMatrix(rows), image: Shape(6, 6), output: Shape(6, 6))
    #expect(found.geometry.filter == Extent(1, 2))
    #expect(found.geometry.padding.top == 0)
    #expect(try found.regenerated() == rows)
  }

  @Test("a stride past the image ties nothing, which is said")
  func untied() throws {
    let rows: [[Double]] = [[3, 4, 0], [0, 1, 2]]
    let found = try Recognition(SparseMatrix(rows), image: Shape(1, 3), output: Shape(1, 2))
    #expect(try found.verdict == .violated || found.regenerated() == rows)
    var tall = MatrixProblem(image: (3, 5), filter: (2, 2))
    (tall.stride, tall.padding) = ((3, 1), (1, 0, 2, 0))
    let matrix = tall.matrix([1, 2, 3, 4])
    let second = try Recognition(SparseMatrix(matrix), image: Shape(3, 5), output: Shape(2, 4))
    #expect(try second.regenerated() == matrix)
    #expect(second.remarks.contains(.untied(.height)))
  }

  @Test("what can't be a matrix of the image is refused", arguments: [0, 1, 2, 3, 4, 5, 6, 7])
  func refused(_ index: Int) throws {
    let matrix = try SparseMatrix([[1, 2], [3, 4]])
    let (expected, image, output, transposed, tolerance): (RecognitionError, Shape, Shape?, Bool, Double?) = [
      (.columnMismatch(columns: 2, image: Shape(2, 2)), Shape(2, 2), nil, false, nil),
      (.rowMismatch(rows: 2, output: Shape(1, 3)), Shape(1, 2), Shape(1, 3), false, nil),
      (.badShape(field: .image, Shape(2)), Shape(2), nil, false, nil),
      (.badShape(field: .output, Shape(1, 1, 1, 2)), Shape(1, 2), Shape(1, 1, 1, 2), false, nil),
      (.badShape(field: .image, Shape(-1, -2)), Shape(-1, -2), nil, false, nil),
      (.outputNeeded, Shape(1, 2), nil, true, nil),
      (.badTolerance(1), Shape(1, 2), nil, false, 1),
      (.badTolerance(-0.5), Shape(1, 2), nil, false, -0.5),
    ][index]
    #expect(throws: expected) {
      _ = try Recognition(matrix, image: image, output: output, transposed: transposed, tolerance: tolerance)
    }
  }

  func sparse(
    _ rows: Int, _ columns: Int, _ pointers: [Int], _ indices: [Int], _ values: [Double]
  ) throws -> SparseMatrix<Double> {
    // The buffers outlive the call.
    let (p, c, v) = (copy(pointers), copy(indices), copy(values))
    defer {
      p.deallocate()
      c.deallocate()
      v.deallocate()
    }
    return try SparseMatrix(
      rows: rows, columns: columns, rowPointers: UnsafeBufferPointer(p),
      columnIndices: UnsafeBufferPointer(c),
      values: UnsafeBufferPointer(v))
  }

  func copy<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
    let room = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = room.initialize(from: elements)
    return room
  }

  @Test("compressed rows that are none are refused with their place")
  func compressedRows() throws {
    #expect(throws: RecognitionError.rowPointers(at: 0)) { _ = try sparse(1, 2, [1, 1], [0], [1]) }
    #expect(throws: RecognitionError.rowPointers(at: 2)) { _ = try sparse(2, 2, [0, 1, 0], [0], [1]) }
    #expect(throws: RecognitionError.rowPointers(at: 1)) { _ = try sparse(2, 2, [0, 9, 1], [0], [1]) }
    #expect(throws: RecognitionError.rowPointers(at: 1)) { _ = try sparse(1, 2, [0, 0], [0], [1]) }
    #expect(throws: RecognitionError.columnIndices(row: 0, at: 1)) {
      _ = try sparse(1, 3, [0, 2], [1, 1], [1, 2])
    }
    #expect(throws: RecognitionError.columnIndices(row: 0, at: 0)) { _ = try sparse(1, 3, [0, 1], [3], [1]) }
    #expect(throws: RecognitionError.columnIndices(row: 0, at: 0)) {
      _ = try sparse(1, 3, [0, 1], [-1], [1])
    }
    #expect(throws: RecognitionError.nonfinite(row: 0, column: 2)) {
      _ = try sparse(1, 3, [0, 1], [2], [.nan])
    }
    #expect(throws: RecognitionError.lengthMismatch(part: "row pointers", count: 1, expected: 2)) {
      _ = try sparse(1, 3, [0], [], [])
    }
    #expect(throws: RecognitionError.lengthMismatch(part: "column indices", count: 0, expected: 1)) {
      _ = try sparse(1, 3, [0, 1], [], [1])
    }
    #expect(throws: RecognitionError.emptyMatrix) { _ = try sparse(0, 3, [0], [], []) }
    #expect(throws: RecognitionError.matrixTooLarge(rows: 1, columns: .max)) {
      _ = try sparse(1, .max, [0, 0], [], [])
    }
    #expect(try sparse(1, 3, [0, 2], [0, 2], [0, 5]).count == 1)
    #expect(throws: RecognitionError.nonfinite(row: 1, column: 0)) {
      _ = try SparseMatrix([[1], [.infinity]])
    }
  }

  @Test("huge shapes with few entries neither trap nor run on")
  func hugeShapes() throws {
    let wide = Int(Int32.max)
    let matrix = try sparse(3, wide, [0, 1, 2, 3], [0, wide / 2, wide - 1], [1, 2, 3])
    for (image, output) in [
      (Shape(1, wide), Shape(1, 3)), (Shape(wide, 1), Shape(3, 1)), (Shape(1, wide), nil),
    ] {
      // Any answer will do, and any refusal.
      _ = try? Recognition(matrix, image: image, output: output, workLimit: 1 << 22)
    }
    let far = try sparse(1, 1 << 20, [0, 2], [0, 1 << 19], [1, 2])
    #expect(try Recognition(far, image: Shape(1, 1 << 20)).geometry.filter == Extent(1, 2))
    let spread = try sparse(1, 1 << 20, [0, 3], [0, 1, 1 << 19], [1, 2, 3])
    #expect(throws: RecognitionError.filterTooLarge(weights: (1 << 19) + 1, limit: 1 << 16)) {
      _ = try Recognition(spread, image: Shape(1, 1 << 20))
    }
    #expect(throws: RecognitionError.tooMuchWork(limit: 1 << 16)) {
      _ = try Recognition(
        sparse(2, wide, [0, 1, 2], [5, 5], [1, 2]), image: Shape(1, wide), output: Shape(1, 2),
        workLimit: 1 << 16)
    }
  }

  @Test("a lone entry in an image's corner says what the kernel would be without it")
  func wordsOfRemarks() throws {
    let remark = Recognition.Remark.loneEntries([.init(row: 15, column: 0)], kernel: Extent(2, 2))
    #expect(
      remark.description
        == "One entry is alone in its class, the first at row 15, column 0; without it the kernel would be 2×2."
    )
  }
}
