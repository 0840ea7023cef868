import Convolution

/// The search for the strides, over both axes apart.
struct StrideSearch {
  /// How far tied entries may lie apart.
  let slack: Double
  /// Comparisons that may still be made.
  var budget: Budget

  /// The fit with the smallest kernel among all strides under which every tie holds; nil where there is none.
  ///
  /// Strides that reach past the image tie nothing, and with them any matrix at all is a convolution. They count only
  /// where the filter has no more weights than the matrix nonzeros. Where `isDerived`, the output's shape is a guess of
  /// ours: then all fits must do with fewer weights, and such strides don't count at all.
  mutating func smallestFit(
    _ matrix: borrowing SparseMatrix<Double>, _ layout: MatrixLayout, isDerived: Bool
  ) throws(RecognitionError) -> Fit? {
    let groups = try layout.groups(of: matrix, &budget)
    let rows = try fits(matrix, layout.vertical, isDerived)
    if rows.isEmpty { return nil }
    let columns = try fits(matrix, layout.horizontal, isDerived)
    var best: Fit?
    for vertical in rows {
      for horizontal in columns {
        let fit = Fit(layout: layout, vertical: vertical, horizontal: horizontal, groups: groups)
        let needsEvidence = isDerived || vertical.isUntied || horizontal.isUntied
        if needsEvidence && !Self.isEvident(fit, matrix, isDerived) { continue }
        if best.map({ fit.taps < $0.taps }) ?? true { best = fit }
      }
    }
    return best
  }

  /// Whether a fit says less than the matrix does: with as many weights as there are entries, any matrix has one.
  private static func isEvident(
    _ fit: Fit, _ matrix: borrowing SparseMatrix<Double>, _ isDerived: Bool
  ) -> Bool {
    if isDerived { return fit.weights < matrix.count }
    return fit.weights <= matrix.count && fit.weights < matrix.rows * matrix.columns
  }

  /// The best fit of strides within the image, then that of a stride past it.
  private mutating func fits(
    _ matrix: borrowing SparseMatrix<Double>, _ axis: MatrixAxis, _ isDerived: Bool
  ) throws(RecognitionError) -> [AxisFit] {
    if matrix.count == 0 { return [AxisFit(zerosAlong: axis)] }
    if axis.outputs == 1 {
      return try axis.keys(matrix, stride: 1, &budget).map { [AxisFit(axis, keys: $0, stride: 1)] } ?? []
    }
    var best: AxisFit?
    for stride in 1..<max(2, axis.extent) {
      let agreement = try axis.agreement(matrix, stride: stride, slack: slack, above: nil, &budget)
      if agreement.mismatches > 0 { continue }
      if let keys = try axis.keys(matrix, stride: stride, &budget) {
        let fit = AxisFit(axis, keys: keys, stride: stride)
        if fit.isBetter(than: best) { best = fit }
      }
    }
    var fits = best.map { [$0] } ?? []
    if !isDerived, axis.extent > 1, let keys = try axis.keys(matrix, stride: axis.extent, &budget) {
      fits.append(AxisFit(axis, keys: keys, stride: axis.extent))
    }
    return fits
  }

  /// The strides under which most neighbours agree, and by how many more than don't; nil where that is not above `floor`.
  private mutating func likeliestStrides(
    _ matrix: borrowing SparseMatrix<Double>, _ layout: MatrixLayout, above floor: Int
  ) throws(RecognitionError) -> (strides: Extent, score: Int)? {
    // Of either axis at most every entry agrees with its neighbour.
    guard let rows = try likeliestStride(matrix, layout.vertical, above: floor - matrix.count),
      let columns = try likeliestStride(matrix, layout.horizontal, above: floor - rows.score)
    else { return nil }
    return (Extent(rows.stride, columns.stride), rows.score + columns.score)
  }

  private mutating func likeliestStride(
    _ matrix: borrowing SparseMatrix<Double>, _ axis: MatrixAxis, above floor: Int
  ) throws(RecognitionError) -> (stride: Int, score: Int)? {
    if axis.outputs == 1 || axis.extent == 1 { return floor < 0 ? (1, 0) : nil }
    var best: (stride: Int, score: Int)?
    for stride in 1..<axis.extent {
      let least = best?.score ?? floor
      let score = try axis.agreement(matrix, stride: stride, slack: slack, above: least, &budget).score
      if score > least { best = (stride, score) }
    }
    return best
  }
}

extension StrideSearch {
  /// The fit with the smallest kernel, and then the fewest weights, among all layouts.
  mutating func smallestFit(
    _ matrix: borrowing SparseMatrix<Double>, _ layouts: [MatrixLayout], needsEvidence: Bool = false
  ) throws(RecognitionError) -> Fit? {
    var best: Fit?
    for layout in layouts {
      let guessed = needsEvidence || layouts.count > 1
      guard let fit = try smallestFit(matrix, layout, isDerived: guessed) else { continue }
      if best.map({ (fit.taps, fit.weights) < ($0.taps, $0.weights) }) ?? true { best = fit }
    }
    return best
  }

  /// The layout and the strides under which most neighbours agree; the first among equals.
  mutating func likeliest(
    _ matrix: borrowing SparseMatrix<Double>, _ layouts: [MatrixLayout]
  ) throws(RecognitionError) -> (layout: MatrixLayout, strides: Extent, score: Int) {
    var best: (layout: MatrixLayout, strides: Extent, score: Int)?
    for layout in layouts {
      // Channels of single outputs have no neighbours: as a guess they would hide every violation.
      if layouts.count > 1, layout.outputPlane == 1 { continue }
      let floor = best?.score ?? -4 * (matrix.count + 1)
      if let (strides, score) = try likeliestStrides(matrix, layout, above: floor) {
        best = (layout, strides, score)
      }
    }
    guard let best else { preconditionFailure("a matrix has at least one layout") }
    return best
  }
}
