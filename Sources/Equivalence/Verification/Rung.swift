import Convolution

/// One arithmetic of the ladder while elements are held against it.
struct Rung {
  let claim: Claim
  /// The largest ratio of an error to its bound so far; infinite for an element that the arithmetic cannot have made.
  private(set) var worst = 0.0
  /// Where it was found first; below zero while there is none.
  private(set) var place = -1
  /// Elements that nothing can be said about, since they have no finite bound.
  private(set) var unbounded = 0
  /// Elements beyond their bounds.
  private(set) var refuting = 0
  /// The first of them.
  private(set) var firstRefuting: Int?

  init(_ claim: Claim) { self.claim = claim }

  /// Whether no element refutes the arithmetic.
  var isConsistent: Bool { refuting == 0 }
  /// Whether the arithmetic explains every element.
  var explains: Bool { refuting == 0 && unbounded == 0 }

  /// Notes an element that lies `error` from the reference, both finite; returns the ratio.
  @inline(__always)
  mutating func note(_ error: Double, bound: Double, at index: Int) {
    if !(bound < .infinity) {
      unbounded &+= 1
      return
    }
    // A product decides; only the rare new maximum divides.
    if error > worst * bound || place < 0 {
      // A bound of zero is met by an error of zero only.
      worst = error == 0 ? 0 : error / bound
      place = index
    }
    if !(error <= bound) { refute(index) }
  }

  /// Notes an element that the arithmetic cannot have made.
  mutating func noteImpossible(at index: Int) {
    if worst < .infinity {
      worst = .infinity
      place = index
    }
    refute(index)
  }

  /// Notes an element about which nothing can be said.
  mutating func noteUnbounded() { unbounded &+= 1 }

  private mutating func refute(_ index: Int) {
    if refuting == 0 { firstRefuting = index }
    refuting &+= 1
  }
}
