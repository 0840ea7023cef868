import Buffers
import Convolution

/// A candidate: strides, the kernels that follow from them, and groups.
struct Fit {
  let layout: MatrixLayout
  let vertical: AxisFit
  let horizontal: AxisFit
  let groups: Int

  /// Taps of one filter plane.
  var taps: Int { saturatingProduct(vertical.filter, horizontal.filter) }
  /// Weights of all filters.
  var weights: Int {
    saturatingProduct(layout.outputChannels, layout.imageChannels / groups, taps)
  }

  /// The weight's index for an entry of class (`keyV`, `keyH`) in the block of `k` and `c`; nil where there is none.
  @inline(__always)
  func weight(_ k: Int, _ c: Int, _ keyV: Int, _ keyH: Int) -> Int? {
    let planes = layout.imageChannels / groups
    let plane = c - k / (layout.outputChannels / groups) * planes
    guard plane >= 0, plane < planes, let u = vertical.tap(of: keyV), let v = horizontal.tap(of: keyH) else {
      return nil
    }
    return ((k * planes + plane) * vertical.filter + u) * horizontal.filter + v
  }

  /// Calls `body` for each entry of `matrix` with its weight's index, nil for one that no tap reaches.
  @inline(__always)
  func forEachEntry(
    _ matrix: borrowing SparseMatrix<Double>, _ body: (_ weight: Int?, _ value: Double) -> Void
  ) {
    for row in 0..<matrix.rows {
      let k = row / layout.outputPlane
      let top = layout.vertical.output(row) * vertical.stride
      let left = layout.horizontal.output(row) * horizontal.stride
      for entry in matrix.rowPointers.base[row]..<matrix.rowPointers.base[row + 1] {
        let column = matrix.columnIndices.base[entry]
        let weight = weight(
          k, Int(column) / layout.imagePlane, layout.vertical.pixel(column) - top,
          layout.horizontal.pixel(column) - left)
        body(weight, matrix.values.base[entry])
      }
    }
  }

  /// How many entries tap (`u`, `v`) of one plane stands in.
  func places(_ u: Int, _ v: Int) -> Int { outputs(u, v).rows.count * outputs(u, v).columns.count }

  /// The outputs that tap (`u`, `v`) reaches.
  func outputs(_ u: Int, _ v: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    (
      layout.vertical.outputs(of: u * vertical.dilation - vertical.before, stride: vertical.stride),
      layout.horizontal.outputs(of: v * horizontal.dilation - horizontal.before, stride: horizontal.stride)
    )
  }

  /// The nearest weights, the means of the classes, and the distance `‖T − P(T)‖_F / ‖T‖_F`: class means, with zeros
  /// outside of the kernel, are the orthogonal projection onto the convolutions of this geometry.
  ///
  /// Where all entries of each class are the same the weights are those entries, exactly, and the distance is 0.
  func project(
    _ matrix: borrowing SparseMatrix<Double>, weightLimit: Int
  ) throws(RecognitionError) -> (weights: [Double], distance: Double) {
    if weights > weightLimit { throw .filterTooLarge(weights: weights, limit: weightLimit) }
    // Scaled by the largest entry, no square overflows or vanishes that matters.
    var largest = 0.0
    for value in matrix.values.elements { largest = max(largest, value.magnitude) }
    if largest == 0 { return ([Double](repeating: 0, count: weights), 0) }
    var first = [Double](repeating: 0, count: weights)
    var counts = [Int](repeating: 0, count: weights)
    var excess = [Double](repeating: 0, count: weights)
    // Means as a first value plus the mean of the differences from it: equal entries have their own value as mean.
    forEachEntry(matrix) { weight, value in
      guard let weight else { return }
      if counts[weight] == 0 { first[weight] = value }
      counts[weight] += 1
      excess[weight] += value / largest - first[weight] / largest
    }
    let places = self.places()
    var missing = 0.0
    for weight in 0..<weights where counts[weight] > 0 {
      let place = places[weight % taps]
      let zeros = place - counts[weight]
      excess[weight] -= Double(zeros) * (first[weight] / largest)
      if excess[weight] != 0 { first[weight] += excess[weight] / Double(place) * largest }
      missing += Double(zeros) * square(first[weight] / largest)
    }
    var residual = missing
    var total = 0.0
    forEachEntry(matrix) { weight, value in
      residual += square(value / largest - (weight.map { first[$0] } ?? 0) / largest)
      total += square(value / largest)
    }
    return (first, (residual / total).squareRoot())
  }

  private func places() -> [Int] {
    (0..<vertical.filter).flatMap { u in (0..<horizontal.filter).map { v in places(u, v) } }
  }

  private func square(_ x: Double) -> Double { x * x }
}
