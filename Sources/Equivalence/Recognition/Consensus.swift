import Buffers
import Convolution

/// What the entries of each class agree on by majority, and which of them dissent.
struct Consensus {
  /// The fit of what they agree on.
  let fit: Fit
  /// Its weights.
  let weights: [Double]
  /// Entries that are other than their class.
  let dissenters: Int
  /// The first of them, row by row.
  let first: Dissenter?

  struct Dissenter {
    let row: Int
    let column: Int
    let expected: Double
    let actual: Double
    /// The class, along rows and columns.
    let key: (vertical: Int, horizontal: Int)
  }

  /// One nonzero entry on its way into its class.
  private struct Member: BitwiseCopyable {
    let label: Int
    let entry: Int
  }

  /// Sorts the entries into classes under `strides`.
  ///
  /// - Parameter slack: How far an entry may lie from its class; 0 asks for the value that most entries have, anything
  ///   else for the median.
  /// - Throws: `filterTooLarge`.
  init(
    _ matrix: borrowing SparseMatrix<Double>, _ layout: MatrixLayout, strides: Extent, slack: Double,
    weightLimit: Int
  ) throws(RecognitionError) {
    let labels = Labels(layout, strides)
    if labels.count == .max { throw .filterTooLarge(weights: .max, limit: weightLimit) }
    let members = Self.members(of: matrix, labels)
    var count = 0
    var first: Dissenter?
    var agreed: [(label: Int, value: Double)] = []
    var values: [(value: Double, order: Int)] = []
    var start = 0
    while start < members.count {
      let label = members.base[start].label
      var end = start
      values.removeAll(keepingCapacity: true)
      while end < members.count, members.base[end].label == label {
        values.append((matrix.values.base[members.base[end].entry], end - start))
        end += 1
      }
      let places = labels.places(of: label)
      values.sort { ($0.value, $0.order) < ($1.value, $1.order) }
      let zeros = places.rows.count * places.columns.count - values.count
      let value = slack == 0 ? Self.mode(values, zeros: zeros) : Self.median(values, zeros: zeros)
      if value.magnitude > slack { agreed.append((label, value)) }
      let expected = value.magnitude > slack ? value : 0
      // Members of one class stand in the order of their rows; a place that is passed over holds a zero.
      var next = start
      if expected == 0 || zeros == 0 {
        for member in start..<end {
          let actual = matrix.values.base[members.base[member].entry]
          if (actual - expected).magnitude <= slack { continue }
          count += 1
          let (row, column) = labels.place(members.base[member].entry, matrix)
          Self.note(&first, row, column, expected, actual, labels.key(of: label))
        }
      } else {
        for a in places.rows {
          for b in places.columns {
            let (row, column) = labels.position(of: label, a, b)
            var actual = 0.0
            if next < end, labels.place(members.base[next].entry, matrix) == (row, column) {
              actual = matrix.values.base[members.base[next].entry]
              next += 1
            }
            if (actual - expected).magnitude <= slack { continue }
            count += 1
            Self.note(&first, row, column, expected, actual, labels.key(of: label))
          }
        }
      }
      start = end
    }
    fit = labels.fit(agreed.map(\.label))
    if fit.weights > weightLimit { throw .filterTooLarge(weights: fit.weights, limit: weightLimit) }
    var weights = [Double](repeating: 0, count: fit.weights)
    for (label, value) in agreed {
      let (key, k, c) = (
        labels.key(of: label), labels.channels(of: label).output, labels.channels(of: label).image
      )
      if let index = fit.weight(k, c, key.vertical, key.horizontal) { weights[index] = value }
    }
    self.weights = weights
    dissenters = count
    self.first = first
  }

  private static func members(
    of matrix: borrowing SparseMatrix<Double>, _ labels: Labels
  ) -> AlignedBuffer<Member> {
    AlignedBuffer<Member>(count: matrix.count) { room in
      for row in 0..<matrix.rows {
        for entry in matrix.rowPointers.base[row]..<matrix.rowPointers.base[row + 1] {
          room[entry] = Member(label: labels.label(row, matrix.columnIndices.base[entry]), entry: entry)
        }
      }
      var members = room
      members.sort { ($0.label, $0.entry) < ($1.label, $1.entry) }
    }
  }

  private static func note(
    _ first: inout Dissenter?, _ row: Int, _ column: Int, _ expected: Double, _ actual: Double,
    _ key: (vertical: Int, horizontal: Int)
  ) {
    if let earlier = first, (earlier.row, earlier.column) <= (row, column) { return }
    first = Dissenter(row: row, column: column, expected: expected, actual: actual, key: key)
  }

  /// The value most entries have; zero where as many are zero, else the one that comes first.
  private static func mode(_ sorted: [(value: Double, order: Int)], zeros: Int) -> Double {
    var best = (value: 0.0, count: zeros, order: -1)
    var start = 0
    while start < sorted.count {
      var end = start
      while end < sorted.count, sorted[end].value == sorted[start].value { end += 1 }
      let (count, order) = (end - start, sorted[start].order)
      if count > best.count || count == best.count && order < best.order {
        best = (sorted[start].value, count, order)
      }
      start = end
    }
    return best.value
  }

  /// The lower median of the values and the zeros.
  private static func median(_ sorted: [(value: Double, order: Int)], zeros: Int) -> Double {
    let middle = (sorted.count + zeros - 1) / 2
    let negative = sorted.prefix { $0.value < 0 }.count
    if middle < negative { return sorted[middle].value }
    return middle < negative + zeros ? 0 : sorted[middle - zeros].value
  }
}

/// One number for each class: the block of its channels, then its keys along rows and columns.
private struct Labels {
  let layout: MatrixLayout
  let strides: Extent
  private let least: Extent
  private let keys: Extent

  init(_ layout: MatrixLayout, _ strides: Extent) {
    self.layout = layout
    self.strides = strides
    let (vertical, horizontal) = (layout.vertical, layout.horizontal)
    let reach = Extent(
      saturatingProduct(vertical.outputs - 1, strides.height),
      saturatingProduct(horizontal.outputs - 1, strides.width))
    least = Extent(-reach.height, -reach.width)
    keys = Extent(
      saturatingSum(reach.height, vertical.extent), saturatingSum(reach.width, horizontal.extent))
  }

  /// Labels in all, or `Int.max` where they can't be counted.
  var count: Int {
    saturatingProduct(layout.outputChannels, layout.imageChannels, keys.height, keys.width)
  }

  func label(_ row: Int, _ column: Int32) -> Int {
    let block = row / layout.outputPlane * layout.imageChannels + Int(column) / layout.imagePlane
    let vertical = layout.vertical.pixel(column) - layout.vertical.output(row) * strides.height - least.height
    let horizontal =
      layout.horizontal.pixel(column) - layout.horizontal.output(row) * strides.width - least.width
    return (block * keys.height + vertical) * keys.width + horizontal
  }

  func key(of label: Int) -> (vertical: Int, horizontal: Int) {
    (label / keys.width % keys.height + least.height, label % keys.width + least.width)
  }

  func channels(of label: Int) -> (output: Int, image: Int) {
    let block = label / keys.width / keys.height
    return (block / layout.imageChannels, block % layout.imageChannels)
  }

  /// The outputs at which the class has entries.
  func places(of label: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let key = key(of: label)
    return (
      layout.vertical.outputs(of: key.vertical, stride: strides.height),
      layout.horizontal.outputs(of: key.horizontal, stride: strides.width)
    )
  }

  /// The row and column of the class's entry at an output.
  func position(of label: Int, _ a: Int, _ b: Int) -> (row: Int, column: Int) {
    let (key, channels) = (key(of: label), channels(of: label))
    return (
      layout.row(channels.output, a, b),
      layout.column(channels.image, key.vertical + a * strides.height, key.horizontal + b * strides.width)
    )
  }

  /// The row and column of a stored entry.
  func place(_ entry: Int, _ matrix: borrowing SparseMatrix<Double>) -> (row: Int, column: Int) {
    // The last row that begins at or before the entry.
    var (low, high) = (0, matrix.rows)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if matrix.rowPointers.base[middle] <= entry { low = middle } else { high = middle }
    }
    return (low, Int(matrix.columnIndices.base[entry]))
  }

  /// The smallest fit that has all of the classes.
  func fit(_ labels: [Int]) -> Fit {
    var (vertical, horizontal): (KeyRange?, KeyRange?)
    for label in labels {
      let key = key(of: label)
      vertical = vertical?.adding(key.vertical) ?? KeyRange(key.vertical)
      horizontal = horizontal?.adding(key.horizontal) ?? KeyRange(key.horizontal)
    }
    return Fit(
      layout: layout,
      vertical: vertical.map { AxisFit(layout.vertical, keys: $0, stride: strides.height) }
        ?? AxisFit(zerosAlong: layout.vertical),
      horizontal: horizontal.map { AxisFit(layout.horizontal, keys: $0, stride: strides.width) }
        ?? AxisFit(zerosAlong: layout.horizontal),
      groups: groups(labels))
  }

  private func groups(_ labels: [Int]) -> Int {
    if labels.isEmpty { return 1 }
    let most = greatestCommonDivisor(layout.imageChannels, layout.outputChannels)
    var groups = most
    while groups > 1 {
      let (outputs, images) = (layout.outputChannels / groups, layout.imageChannels / groups)
      if most % groups == 0,
        labels.allSatisfy({
          let pair = channels(of: $0)
          return pair.output / outputs == pair.image / images
        })
      {
        break
      }
      groups -= 1
    }
    return groups
  }
}
