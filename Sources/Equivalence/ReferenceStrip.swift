import Convolution

/// Sums of the reference side by side: element `i` is `y ≈ value[i] + tail[i]`, and `absolute[i]` is `S`.
struct ReferenceValues {
  /// The leading part of each sum.
  let value: UnsafeMutablePointer<Double>
  /// What the leading part has lost; zero for float32.
  let tail: UnsafeMutablePointer<Double>
  /// The sums of the products' magnitudes.
  let absolute: UnsafeMutablePointer<Double>

  /// The sums in `room`, which holds `capacity` of each of the three.
  init(_ room: UnsafeMutablePointer<Double>, capacity: Int) {
    value = room
    tail = room + capacity
    absolute = room + 2 * capacity
  }

  /// Sets the sums at `index`.
  @inline(__always)
  func store(_ sum: some ProductSum, at index: Int) {
    value[index] = sum.value
    tail[index] = sum.tail
    absolute[index] = sum.absolute
  }
}

/// A strip of whole rows of one plane of the reference. Its elements lie side by side as they do in the results, and
/// few enough of them to stay in the first cache.
struct ReferenceStrip: ~Copyable {
  /// The sums.
  let values: ReferenceValues
  /// The most rows it holds.
  let rowCapacity: Int

  /// The most lanes of a kernel.
  private static var spare: Int { 8 }

  /// Room for strips of planes of this size.
  init(_ plane: Extent) {
    // 1024 elements take 24 KiB.
    rowCapacity = min(plane.height, max(1, 1024 / plane.width))
    // A kernel that forms more outputs of the last row than there are writes behind it.
    let capacity = rowCapacity * plane.width + Self.spare
    values = ReferenceValues(
      UnsafeMutablePointer<Double>.allocate(capacity: 3 * capacity), capacity: capacity)
    values.tail.initialize(repeating: 0, count: capacity)
  }

  deinit { values.value.deallocate() }

  /// Calls `body` with the rows of each strip of plane `plane`, its first element in the result, and its elements.
  @inline(__always)
  borrowing func forEachPart(
    of plane: Int, _ size: Extent, _ body: (_ rows: Range<Int>, _ from: Int, _ count: Int) -> Void
  ) {
    var row = 0
    while row < size.height {
      let rows = row..<min(row &+ rowCapacity, size.height)
      body(rows, (plane &* size.height &+ row) &* size.width, rows.count &* size.width)
      row = rows.upperBound
    }
  }
}

extension ReferenceValues {
  /// Forms rows `rows` of plane `plane` of `contraction`, whatever it contracts to; every sum starts with `start`.
  @inline(__always)
  func form<Sum: ProductSum>(
    _ rows: Range<Int>, of plane: Int, _ contraction: Contraction, _ first: UnsafePointer<Sum.Factor>,
    _ second: UnsafePointer<Sum.Factor>, start: Double, as _: Sum.Type
  ) {
    var index = 0
    for row in rows {
      for column in 0..<contraction.plane.width {
        var sum = Sum(start)
        _ = contraction.forEachProduct(plane, row, column, first, second) { left, right in
          sum.add(left, right)
          return true
        }
        store(sum, at: index)
        index += 1
      }
    }
  }
}
