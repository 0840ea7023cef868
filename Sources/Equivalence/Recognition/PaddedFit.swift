import Buffers
import Convolution

/// A convolution with something other than zeros on its padding.
///
/// Its kernel is read off an output in the middle of the image, whose taps don't reach the padding; the matrix that
/// follows is compared entry by entry.
struct PaddedFit {
  let fit: Fit
  let mode: PaddingMode
  let weights: [Double]
  /// The kernel with zeros on the padding, where there is one.
  let zeros: Extent?

  /// The fit in another mode with a kernel smaller than that of `known`; nil where there is none.
  static func find(
    _ matrix: borrowing SparseMatrix<Double>, _ layouts: [MatrixLayout], _ known: Fit?, _ request: Request,
    _ search: inout StrideSearch
  ) throws(RecognitionError) -> PaddedFit? {
    if request.isTransposed || matrix.count == 0 { return nil }
    let (layout, likeliest, _) = try search.likeliest(matrix, layouts)
    let strides = known.map { Extent($0.vertical.stride, $0.horizontal.stride) } ?? likeliest
    let groups = try layout.groups(of: matrix, &search.budget)
    guard let kernel = middle(matrix, layout, strides) else { return nil }
    let fit = Fit(
      layout: layout, vertical: AxisFit(layout.vertical, keys: kernel.vertical, stride: strides.height),
      horizontal: AxisFit(layout.horizontal, keys: kernel.horizontal, stride: strides.width), groups: groups)
    if fit.weights > min(matrix.count, known?.weights ?? .max) || fit.weights > request.weightLimit {
      return nil
    }
    if let known, known.taps <= fit.taps { return nil }
    let weights = weights(matrix, fit)
    for mode in [PaddingMode.circular, .reflect, .replicate] {
      guard let geometry = try? request.geometry(fit, mode),
        let operatorMatrix = try? OperatorMatrix(geometry),
        operatorMatrix.statistics.nonzeros <= 16 * matrix.count
      else { continue }
      let values = Tensor(shape: request.filterShape(fit), weights)
      guard let made = try? operatorMatrix.matrix(filter: values) else { continue }
      try search.budget.spend(made.count)
      if made.entries(above: 0).isEqual(to: matrix) {
        return PaddedFit(
          fit: fit, mode: mode, weights: weights,
          zeros: known.map { Extent($0.vertical.filter, $0.horizontal.filter) })
      }
    }
    return nil
  }

  /// The classes of the nonzeros in the rows of the middle output of each channel.
  private static func middle(
    _ matrix: borrowing SparseMatrix<Double>, _ layout: MatrixLayout, _ strides: Extent
  ) -> (vertical: KeyRange, horizontal: KeyRange)? {
    let (a, b) = (layout.vertical.outputs / 2, layout.horizontal.outputs / 2)
    var (vertical, horizontal): (KeyRange?, KeyRange?)
    for k in 0..<layout.outputChannels {
      let row = layout.row(k, a, b)
      for entry in matrix.rowPointers.base[row]..<matrix.rowPointers.base[row + 1] {
        let column = matrix.columnIndices.base[entry]
        let i = layout.vertical.pixel(column) - a * strides.height
        let j = layout.horizontal.pixel(column) - b * strides.width
        vertical = vertical?.adding(i) ?? KeyRange(i)
        horizontal = horizontal?.adding(j) ?? KeyRange(j)
      }
    }
    guard let vertical, let horizontal else { return nil }
    return (vertical, horizontal)
  }

  private static func weights(_ matrix: borrowing SparseMatrix<Double>, _ fit: Fit) -> [Double] {
    let layout = fit.layout
    let (a, b) = (layout.vertical.outputs / 2, layout.horizontal.outputs / 2)
    var weights = [Double](repeating: 0, count: fit.weights)
    for k in 0..<layout.outputChannels {
      let row = layout.row(k, a, b)
      for entry in matrix.rowPointers.base[row]..<matrix.rowPointers.base[row + 1] {
        let column = matrix.columnIndices.base[entry]
        let weight = fit.weight(
          k, Int(column) / layout.imagePlane, layout.vertical.pixel(column) - a * fit.vertical.stride,
          layout.horizontal.pixel(column) - b * fit.horizontal.stride)
        if let weight { weights[weight] = matrix.values.base[entry] }
      }
    }
    return weights
  }
}
