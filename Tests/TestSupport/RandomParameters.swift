public import Convolution

extension SeededNumbers {
  /// Parameters of a whole problem with extents up to `size`: batches, channels, groups, all padding modes, flips and
  /// transposition. They need not fit.
  public mutating func parameters(upTo size: Int) -> Parameters {
    var p = Parameters(
      image: Extent(integer(1...size), integer(1...size)),
      filter: Extent(integer(1...min(5, size)), integer(1...min(5, size))),
      stride: Extent(integer(1...3), integer(1...3)),
      padding: Padding(
        top: integer(0...4), left: integer(0...4), bottom: integer(0...4), right: integer(0...4)),
      dilation: Extent(integer(1...3), integer(1...3)))
    p.groups = integer(0...1) == 0 ? 1 : integer(1...3)
    p.inputs = p.groups * integer(1...3)
    p.outputs = p.groups * integer(1...3)
    p.batch = integer(1...2)
    p.imageRank = p.batch > 1 ? 4 : p.inputs > 1 ? integer(3...4) : integer(2...4)
    p.filterRank = p.inputs == 1 && p.outputs == 1 && integer(0...1) == 0 ? 2 : 4
    p.flip = integer(0...3) == 0
    p.transposed = integer(0...2) == 0
    if p.transposed {
      p.outputPadding = Extent(integer(0...2), integer(0...2))
    } else {
      p.mode = PaddingMode.allCases[integer(0...3)]
    }
    return p
  }

  /// As many integers in `range`.
  public mutating func integers(_ count: Int, _ range: ClosedRange<Int> = -9...9) -> [Int] {
    (0..<count).map { _ in integer(range) }
  }
}

extension Tensor {
  /// A tensor of `values` in row-major order.
  public init(_ values: [Scalar], _ shape: Shape) {
    self.init(shape: shape, repeating: values[0])
    let room = mutableValues
    precondition(room.count == values.count, "shape and element count disagree")
    for index in values.indices { room[index] = values[index] }
  }
}

/// The storages of every formulation that gives sums of the definition's products.
public let dotProductForms: [(formulation: Formulation, storage: Storage)] = Formulation.allCases
  .filter(\.isDotProduct).flatMap { formulation in formulation.storages.map { (formulation, $0) } }
