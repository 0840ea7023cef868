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
    self.init(value: room, tail: room + capacity, absolute: room + 2 * capacity)
  }

  private init(
    value: UnsafeMutablePointer<Double>, tail: UnsafeMutablePointer<Double>,
    absolute: UnsafeMutablePointer<Double>
  ) {
    self.value = value
    self.tail = tail
    self.absolute = absolute
  }

  /// The sums from `offset` on.
  @inline(__always)
  func advanced(by offset: Int) -> ReferenceValues {
    ReferenceValues(value: value + offset, tail: tail + offset, absolute: absolute + offset)
  }

  /// Sets the sums at `index`.
  @inline(__always)
  func store(_ sum: some ProductSum, at index: Int) {
    value[index] = sum.value
    tail[index] = sum.tail
    absolute[index] = sum.absolute
  }
}

/// Room for sums of the reference.
struct ReferenceRoom: ~Copyable {
  /// The sums; tails are zero.
  let values: ReferenceValues

  /// Room for so many.
  init(capacity: Int) {
    values = ReferenceValues(
      UnsafeMutablePointer<Double>.allocate(capacity: 3 * capacity), capacity: capacity)
    values.tail.initialize(repeating: 0, count: capacity)
  }

  deinit { values.value.deallocate() }
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
