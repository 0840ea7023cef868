import Buffers
public import Convolution

extension Recognition {
  /// The most comparisons where a caller sets no limit: a few seconds.
  public static var defaultWorkLimit: Int { 1 << 30 }
  /// The most weights of a filter where a caller sets no limit: 128 MiB.
  public static var defaultWeightLimit: Int { 1 << 24 }

  /// Recognises `matrix`, a row an output and a column a pixel, both in row-major order of channel, row and column.
  ///
  /// Cost: one pass over the nonzeros for each stride that the first rows don't refute, apart for rows and columns; memory
  /// three times the nonzeros' only where there is a violation.
  ///
  /// - Parameters:
  ///   - image: H×W or C×H×W of what the matrix is applied to.
  ///   - output: H×W or K×H×W of what it makes; nil looks for the shape with the smallest kernel.
  ///   - transposed: Whether it is to be recognised as the matrix of a transposed convolution.
  ///   - tolerance: How far entries may lie from the value of their class, as a part of the greatest entry. Nil asks for
  ///     equality, and where no two entries of most classes are equal for the least tolerance with which they are.
  /// - Throws: `RecognitionError`.
  public init(
    _ matrix: borrowing SparseMatrix<Double>, image: Shape, output: Shape? = nil, transposed: Bool = false,
    tolerance: Double? = nil, workLimit: Int = defaultWorkLimit, weightLimit: Int = defaultWeightLimit
  ) throws(RecognitionError) {
    try Self.check(matrix, image, output, tolerance)
    // Few nonzeros far apart could ask for a huge kernel: the answer's memory is bounded by the matrix, too.
    let weightLimit = min(weightLimit, max(1 << 16, saturatingProduct(16, matrix.count)))
    if transposed {
      guard let output else { throw .outputNeeded }
      let turned = matrix.transposed()
      self = try Self.recognize(
        turned, Request(image: output, output: image, isTransposed: true, weightLimit: weightLimit),
        tolerance,
        Budget(workLimit))
    } else {
      self = try Self.recognize(
        matrix, Request(image: image, output: output, isTransposed: false, weightLimit: weightLimit),
        tolerance,
        Budget(workLimit))
    }
  }

  private static func check(
    _ matrix: borrowing SparseMatrix<Double>, _ image: Shape, _ output: Shape?, _ tolerance: Double?
  ) throws(RecognitionError) {
    if matrix.rows < 1 || matrix.columns < 1 { throw .emptyMatrix }
    if max(matrix.rows, matrix.columns) > Int32.max {
      throw .matrixTooLarge(rows: matrix.rows, columns: matrix.columns)
    }
    func isBad(_ shape: Shape) -> Bool {
      !(2...3).contains(shape.rank) || (0..<shape.rank).contains { shape[$0] < 1 }
    }
    if isBad(image) { throw .badShape(field: .image, image) }
    if image.elementCount != matrix.columns { throw .columnMismatch(columns: matrix.columns, image: image) }
    if let output {
      if isBad(output) { throw .badShape(field: .output, output) }
      if output.elementCount != matrix.rows { throw .rowMismatch(rows: matrix.rows, output: output) }
    }
    if let tolerance, !(tolerance >= 0 && tolerance < 1) { throw .badTolerance(tolerance) }
  }

  private static func recognize(
    _ matrix: borrowing SparseMatrix<Double>, _ request: Request, _ tolerance: Double?, _ budget: Budget
  ) throws(RecognitionError) -> Recognition {
    let layouts = request.layouts(rows: matrix.rows)
    let largest = matrix.values.elements.reduce(0) { max($0, $1.magnitude) }
    var search = StrideSearch(slack: 0, budget: budget)
    var exact: Fit?
    if tolerance == nil || tolerance == 0 {
      exact = try search.smallestFit(matrix, layouts)
      if let exact, layouts.count == 1 {
        return try recognized(matrix, request, exact, tolerance: 0, &search.budget)
      }
      if exact == nil, let padded = try PaddedFit.find(matrix, layouts, nil, request, &search) {
        return try Recognition(request, padded)
      }
    } else if let tolerance {
      let found = try approximate(matrix, request, layouts, tolerance, largest, search.budget)
      if let fit = found.fit {
        return try recognized(matrix, request, fit, tolerance: tolerance, &search.budget)
      }
      search = StrideSearch(slack: 2 * tolerance * largest, budget: found.budget)
    }
    let (layout, strides, score) = try search.likeliest(matrix, layouts)
    // Where hardly any two neighbours agree the entries may be noisy: the least tolerance that explains them.
    if tolerance == nil, exact == nil, score <= 0,
      let fit = try noisy(matrix, request, layouts, largest, &search.budget)
    {
      return try recognized(matrix, request, fit.fit, tolerance: fit.tolerance, &search.budget)
    }
    let consensus = try Consensus(
      matrix, layout, strides: strides, slack: search.slack, weightLimit: request.weightLimit)
    // A guessed shape counts only if it says less than the likeliest one and its exceptions, three numbers each.
    if let exact, exact.weights <= saturatingSum(consensus.fit.weights, 3 * consensus.dissenters) {
      return try recognized(matrix, request, exact, tolerance: 0, &search.budget)
    }
    if consensus.dissenters == 0 {
      return try recognized(matrix, request, consensus.fit, tolerance: tolerance ?? 0, &search.budget)
    }
    return try Recognition(request, matrix, consensus, tolerance: tolerance ?? 0)
  }

  /// The fit with the least tolerance that has one, from 2⁻⁴⁴ up to 2⁻⁴ in steps of 4; with a larger one where that
  /// halves the weights, as a little noise that still stood out may have stretched the kernel.
  private static func noisy(
    _ matrix: borrowing SparseMatrix<Double>, _ request: Request, _ layouts: [MatrixLayout],
    _ largest: Double,
    _ budget: inout Budget
  ) throws(RecognitionError) -> (fit: Fit, tolerance: Double)? {
    var best: (fit: Fit, tolerance: Double)?
    var tolerance = 0x1p-44
    while tolerance <= 0x1p-4 {
      let found = try approximate(matrix, request, layouts, tolerance, largest, budget)
      budget = found.budget
      if let best, found.fit.map({ 2 * $0.weights > best.fit.weights }) ?? true { return best }
      best = found.fit.map { ($0, tolerance) }
      tolerance *= 4
    }
    return best
  }

  /// The fit of the entries that stand out from `tolerance`, entries of one class at most twice that apart.
  private static func approximate(
    _ matrix: borrowing SparseMatrix<Double>, _ request: Request, _ layouts: [MatrixLayout],
    _ tolerance: Double,
    _ largest: Double, _ budget: Budget
  ) throws(RecognitionError) -> (fit: Fit?, budget: Budget) {
    let clear = matrix.entries(above: tolerance * largest)
    var search = StrideSearch(slack: 2 * tolerance * largest, budget: budget)
    return (try search.smallestFit(clear, layouts, needsEvidence: true), search.budget)
  }

  private static func recognized(
    _ matrix: borrowing SparseMatrix<Double>, _ request: Request, _ fit: Fit, tolerance: Double,
    _ budget: inout Budget
  ) throws(RecognitionError) -> Recognition {
    let (weights, distance) = try fit.project(matrix, weightLimit: request.weightLimit)
    if distance == 0,
      fit.vertical.reach > fit.layout.vertical.extent || fit.horizontal.reach > fit.layout.horizontal.extent
    {
      var search = StrideSearch(slack: 0, budget: budget)
      if let padded = try PaddedFit.find(matrix, [fit.layout], fit, request, &search) {
        return try Recognition(request, padded)
      }
    }
    return try Recognition(request, fit, weights, distance: distance, tolerance: tolerance)
  }
}

/// What was asked for, forwards: the image is what `A` is applied to.
struct Request {
  let image: Shape
  let output: Shape?
  let isTransposed: Bool
  let weightLimit: Int

  /// All ways to read the matrix: one where the output's shape is known, else one for each K×H×W that has as many
  /// elements as there are rows.
  func layouts(rows: Int) -> [MatrixLayout] {
    let image = Self.planes(image)
    if let output { return [MatrixLayout(image: image, output: Self.planes(output))] }
    let divisors = (1...rows).filter { rows % $0 == 0 }
    let layouts = divisors.flatMap { k in
      divisors.filter { rows / k % $0 == 0 }.map { height in
        MatrixLayout(image: image, output: (k, Extent(height, rows / k / height)))
      }
    }
    // Outputs are mostly shaped as the image is: the sooner the right one comes, the less is spent on others.
    return layouts.sorted { ($0.distortion, $0.outputChannels) < ($1.distortion, $1.outputChannels) }
  }

  private static func planes(_ shape: Shape) -> (channels: Int, plane: Extent) {
    let plane = Extent(shape[shape.rank - 2], shape[shape.rank - 1])
    return (shape.rank == 3 ? shape[0] : 1, plane)
  }
}
