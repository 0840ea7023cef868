/// The extents of a tensor, outermost first: up to four of them, stored in place.
public struct Shape: Hashable, Sendable {
  /// The most dimensions a tensor can have: N × C × H × W.
  public static var maximumRank: Int { 4 }

  private var extents: (Int, Int, Int, Int)
  /// How many dimensions there are, 0 to 4.
  public private(set) var rank: Int

  /// The empty product: no dimension yet.
  public init() {
    extents = (1, 1, 1, 1)
    rank = 0
  }

  /// A row of `length` elements.
  public init(_ length: Int) {
    extents = (length, 1, 1, 1)
    rank = 1
  }

  /// A matrix of `height` rows and `width` columns.
  public init(_ height: Int, _ width: Int) {
    extents = (height, width, 1, 1)
    rank = 2
  }

  /// Planes of `height` rows and `width` columns: `outermost` times `middle` of them.
  public init(_ outermost: Int, _ middle: Int, _ height: Int, _ width: Int) {
    extents = (outermost, middle, height, width)
    rank = 4
  }

  /// Adds an innermost dimension. Appending a fifth one is a programming error.
  public mutating func append(_ extent: Int) {
    precondition(rank < Self.maximumRank, "a tensor has at most four dimensions")
    rank += 1
    self[rank - 1] = extent
  }

  /// The extent of dimension `axis`, 0 being the outermost.
  public subscript(axis: Int) -> Int {
    get {
      precondition(axis >= 0 && axis < rank, "no such dimension")
      switch axis {
      case 0: return extents.0
      case 1: return extents.1
      case 2: return extents.2
      default: return extents.3
      }
    }
    set {
      precondition(axis >= 0 && axis < rank, "no such dimension")
      switch axis {
      case 0: extents.0 = newValue
      case 1: extents.1 = newValue
      case 2: extents.2 = newValue
      default: extents.3 = newValue
      }
    }
  }

  /// The number of elements, or nil where it does not fit an `Int`.
  public var elementCount: Int? {
    var product = 1
    for axis in 0..<rank {
      let (next, overflow) = product.multipliedReportingOverflow(by: self[axis])
      if overflow { return nil }
      product = next
    }
    return product
  }

  /// Two shapes are equal when they have the same extents in the same order.
  public static func == (left: Shape, right: Shape) -> Bool {
    left.rank == right.rank && left.extents == right.extents
  }

  /// Hashes the rank and the extents.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(rank)
    for axis in 0..<rank { hasher.combine(self[axis]) }
  }
}

extension Shape: CustomStringConvertible {
  /// The extents as in `256×256`.
  public var description: String {
    (0..<rank).map { String(self[$0]) }.joined(separator: "×")
  }
}
