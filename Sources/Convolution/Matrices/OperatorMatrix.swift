import Buffers

/// The matrices behind a convolution, written from the definition entry by entry.
///
/// `A` has a row for each element of the result and a column for each element of the image, both in row-major order
/// of channel, row and column; a batch repeats it and is left out. Of a transposed problem it is `Aᵀ`. An entry stands
/// wherever some tap joins the two, also where the tap happens to be zero; taps that meet in one entry, as padding other
/// than zeros makes them, are added in row-major order.
public struct OperatorMatrix: Sendable {
  /// The problem's shape.
  public let geometry: ConvolutionGeometry
  /// What is known of the matrix without making it.
  public let statistics: OperatorStatistics

  /// The matrix of `geometry`, not yet made.
  ///
  /// - Throws: `tooMuchWork` where counting the entries alone would take too long.
  public init(_ geometry: ConvolutionGeometry) throws(ConvolutionError) {
    self.geometry = geometry
    statistics = try OperatorStatistics(geometry)
  }

  /// `A` for the taps of `filter`, which has as many weights as the geometry says.
  ///
  /// - Parameter memoryLimit: The most bytes the matrix may have; checked before anything is allocated.
  /// - Throws: `operatorTooLarge`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func matrix<Scalar: Ring>(
    filter: borrowing Tensor<Scalar>, memoryLimit: Int = .max
  ) throws(ConvolutionError) -> SparseMatrix<Scalar> {
    precondition(filter.values.count == geometry.weights, "another filter's shape")
    try check(rows: statistics.rows, stored: statistics.nonzeros, Scalar.self, memoryLimit)
    let weights = filter.values
    var pointers = AlignedBuffer<Int>(capacity: statistics.rows + 1)
    var columns = AlignedBuffer<Int32>(capacity: statistics.nonzeros)
    var values = AlignedBuffer<Scalar>(capacity: statistics.nonzeros)
    pointers.append(0)
    forEachTerm { row, column, weight, meetsAnother in
      while pointers.count <= row { pointers.append(values.count) }
      if meetsAnother {
        values[values.count - 1] += weights[weight]
      } else {
        columns.append(Int32(column))
        values.append(weights[weight])
      }
    }
    while pointers.count <= statistics.rows { pointers.append(values.count) }
    return SparseMatrix(
      rows: statistics.rows, columns: statistics.columns, rowPointers: pointers, columnIndices: columns,
      values: values)
  }

  /// `B_kcv` of the banded formulation, the rows of `A` for one column of one filter plane: `out_h × in_h`, or of a
  /// transposed problem its transpose. `plane` counts the image channels of `k`'s group.
  ///
  /// - Throws: `operatorTooLarge`.
  public func bandMatrix<Scalar: Ring>(
    filter: borrowing Tensor<Scalar>, outputChannel k: Int, plane c: Int, column v: Int,
    memoryLimit: Int = .max
  ) throws(ConvolutionError) -> SparseMatrix<Scalar> {
    precondition(filter.values.count == geometry.weights, "another filter's shape")
    precondition(
      (0..<geometry.channels.output).contains(k) && (0..<geometry.channels.imagePerGroup).contains(c)
        && (0..<geometry.columns.filter).contains(v), "no such band matrix")
    let axis = geometry.rows
    let (rows, columns) =
      geometry.isTransposed ? (axis.image, axis.output) : (axis.output, axis.image)
    try check(rows: rows, stored: statistics.bandNonzeros, Scalar.self, memoryLimit)
    let weights = filter.values
    let start = (k * geometry.channels.imagePerGroup + c) * geometry.taps + v
    let meetings = AxisMeetings(axis, transposed: geometry.isTransposed)
    var pointers = AlignedBuffer<Int>(repeating: 0, count: 1)
    var indices = AlignedBuffer<Int32>(capacity: statistics.bandNonzeros)
    var values = AlignedBuffer<Scalar>(capacity: statistics.bandNonzeros)
    for row in 0..<rows {
      var last = -1
      for meeting in meetings[row] {
        let weight = weights[start + meeting.tap * axisWidth]
        if meeting.position == last {
          values[values.count - 1] += weight
        } else {
          indices.append(Int32(meeting.position))
          values.append(weight)
        }
        last = meeting.position
      }
      pointers.append(values.count)
    }
    return SparseMatrix(
      rows: rows, columns: columns, rowPointers: pointers, columnIndices: indices, values: values)
  }

  private var axisWidth: Int { geometry.columns.filter }

  private func check<Scalar>(
    rows: Int, stored: Int, _: Scalar.Type, _ limit: Int
  ) throws(ConvolutionError) where Scalar: BitwiseCopyable & Sendable {
    // The meetings of the axes are counted with it: two integers each, beside where those of each row begin.
    let places = saturatingProduct(saturatingSum(rows, statistics.meetings), 2 * MemoryLayout<Int>.stride)
    let bytes = saturatingSum(SparseMatrix<Scalar>.byteCount(rows: rows, stored: stored), places)
    // Columns are 32 bits wide; more of them than that come with more bytes than there are anywhere.
    if bytes > limit || bytes > Int(Int32.max) * 64 {
      throw .operatorTooLarge(formulation: .toeplitz, storage: .sparse, bytes: bytes, limit: limit, fits: nil)
    }
  }

  /// Calls `body` for each tap of each entry, by row, then column, then tap: with the row, the column, the weight's index
  /// in the filter, and whether an earlier tap stands in the same entry.
  @inline(__always)
  package func forEachTerm(
    _ body: (_ row: Int, _ column: Int, _ weight: Int, _ meetsAnother: Bool) -> Void
  ) {
    let (channels, transposed) = (geometry.channels, geometry.isTransposed)
    let vertical = AxisMeetings(geometry.rows, transposed: transposed)
    let horizontal = AxisMeetings(geometry.columns, transposed: transposed)
    let (height, width) =
      transposed
      ? (geometry.output.height, geometry.output.width) : (geometry.image.height, geometry.image.width)
    let planes = channels.imagePerGroup
    var row = 0
    for plane in 0..<(transposed ? channels.image : channels.output) {
      let group = plane / (transposed ? planes : channels.outputPerGroup)
      let partners =
        transposed
        ? group * channels.outputPerGroup..<(group + 1) * channels.outputPerGroup
        : group * planes..<(group + 1) * planes
      for y in 0..<vertical.count {
        for x in 0..<horizontal.count {
          for partner in partners {
            let (k, c) = transposed ? (partner, plane) : (plane, partner)
            let filter = (k * planes + c - group * planes) * geometry.taps
            var lines = vertical[y]
            while let line = lines.first {
              let run = lines.prefix { $0.position == line.position }
              lines = lines.dropFirst(run.count)
              var pixels = horizontal[x]
              while let pixel = pixels.first {
                let meeting = pixels.prefix { $0.position == pixel.position }
                pixels = pixels.dropFirst(meeting.count)
                let column = (partner * height + line.position) * width + pixel.position
                var isFirst = true
                for u in run {
                  for v in meeting {
                    body(row, column, filter + u.tap * geometry.columns.filter + v.tap, !isFirst)
                    isFirst = false
                  }
                }
              }
            }
          }
          row += 1
        }
      }
    }
  }
}
