public import Convolution

/// Where in a tensor something was found.
public struct Position: Hashable, Sendable {
  /// The index along each dimension of the tensor, outermost first, each from 0.
  public let indices: [Int]

  /// The element at `indices`.
  public init(_ indices: Int...) { self.indices = indices }

  /// The element at row-major place `place` of a tensor of `shape`.
  public init(_ place: Int, in shape: Shape) {
    var rest = place
    var indices = [Int](repeating: 0, count: shape.rank)
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      (rest, indices[axis]) = rest.quotientAndRemainder(dividingBy: shape[axis])
    }
    self.indices = indices
  }
}

/// How far one output lies from another, over all elements.
///
/// Pairs that are not both finite have no distance. Where such a pair is of the same kind (both NaN, the same
/// infinity) it is left out; where it is not, `maxAbs`, `maxUlp` and `maxOverBound` are nil and `position` names it.
public struct Deviation: Hashable, Sendable {
  /// The largest distance; infinite where a difference overflows float64.
  public let maxAbs: Double?
  /// The largest distance counted in representable numbers of the format.
  public let maxUlp: UInt64?
  /// Where `maxAbs` was found first; nil where nothing could be compared.
  public let position: Position?
  /// Elements that are the same bits in both.
  public let identical: Int
  /// Elements in all.
  public let elements: Int
  /// What the distance at `position` may be at most; nil where no finite bound exists there.
  public let bound: Double?
  /// The largest ratio of a distance to its bound; nil where a pair has no distance or no bound.
  public let maxOverBound: Double?
}

/// Collects a deviation element by element.
struct DeviationTracker {
  /// The largest distance; below zero while there is none.
  private(set) var largest = -1.0
  /// The largest ratio of a distance to its bound.
  private(set) var largestRatio = 0.0
  /// The largest distance in units in the last place.
  private(set) var largestUlp: UInt64 = 0
  private var at = 0
  private var boundThere = 0.0
  private var identicalCount = 0
  private var disagreement: Int?
  private var unbounded = false

  @inline(__always)
  mutating func countIdentical(_ same: Bool) {
    identicalCount &+= same ? 1 : 0
  }

  /// Notes two finite elements that lie `distance` apart.
  @inline(__always)
  mutating func note(_ distance: Double, bound: Double, ulp: UInt64, at index: Int) {
    if distance > largest {
      largest = distance
      at = index
      boundThere = bound
    }
    largestUlp = max(largestUlp, ulp)
    // A product decides and the rare new maximum divides: a division for each element would cost more than all else.
    if distance > largestRatio * bound { largestRatio = distance / bound }
    if !(bound < .infinity) { unbounded = true }
  }

  /// Notes the elements `y` and `z`, which `bound` allows to lie apart; returns whether they differ in kind.
  @inline(__always)
  mutating func compare<Scalar: TensorScalar>(
    _ y: Scalar, _ z: Scalar, bound: Double, format: RoundingFormat?, at index: Int
  ) -> Bool {
    countIdentical(identical(y, z))
    if y.isFinite && z.isFinite {
      note((Double(y) - Double(z)).magnitude, bound: bound, ulp: unitsBetween(y, z, format), at: index)
      return false
    }
    let same = sameKind(y, z)
    note(sameKind: same, at: index)
    return !same
  }

  /// Notes a pair that is not both finite.
  mutating func note(sameKind: Bool, at index: Int) {
    unbounded = true
    if !sameKind && disagreement == nil { disagreement = index }
  }

  /// The deviation, with `identicalBesides` identical elements that were counted elsewhere.
  func deviation(shape: Shape, elements: Int, identicalBesides: Int) -> Deviation {
    let found = disagreement ?? (largest >= 0 ? at : nil)
    let comparable = disagreement == nil && largest >= 0
    return Deviation(
      maxAbs: comparable ? largest : nil,
      maxUlp: comparable ? largestUlp : nil,
      position: found.map { Position($0, in: shape) },
      identical: identicalCount + identicalBesides,
      elements: elements,
      bound: comparable && boundThere < .infinity ? boundThere : nil,
      maxOverBound: comparable && !unbounded ? largestRatio : nil)
  }
}
