import Convolution

/// The judgement of somebody else's result: whether it can have been computed in the arithmetic it claims, and in which
/// it can.
///
/// `isConsistent` is one-sided. An element beyond its bound refutes the claim (a theorem); all within their bounds means
/// that rounding alone explains every difference, and a small error of a tap could still hide there.
public struct Verification: Sendable {
  /// One arithmetic of the ladder.
  public struct Step: Hashable, Sendable {
    /// The arithmetic.
    public let claim: Claim
    /// Whether no element refutes it.
    public let isConsistent: Bool
    /// The largest ratio of an error to its bound; nil where an element has no bound or cannot have been made at all.
    public let maxOverBound: Double?
    /// Where that ratio was found first.
    public let position: Position?
  }

  /// Elements of a candidate that are not finite.
  public struct Nonfinite: Hashable, Sendable {
    /// NaN.
    public let nan: Int
    /// +∞.
    public let positiveInfinity: Int
    /// −∞.
    public let negativeInfinity: Int
    /// Those of the same kind in exact arithmetic, because their window holds an infinity or NaN.
    public let expected: Int
    /// The first of all.
    public let first: Position
  }

  /// The arithmetic that was claimed.
  public let claim: Claim
  /// Whether the claim is not refuted.
  public var isConsistent: Bool { refuting == 0 }
  /// Elements that refute the claim.
  public let refuting: Int
  /// The first of them.
  public let firstRefuting: Position?
  /// The narrowest arithmetic that explains every element; nil where none does. Not float64, unless it is the problem's own or
  /// the one that is claimed: what float32 rounded correctly is still float32's. The claim, where nothing refutes it, but elements
  /// have no bound in any arithmetic.
  public let explanation: Claim?
  /// The arithmetics that the candidate was held against, from narrow to wide: all dot products; Winograd and Fourier
  /// transforms only where one is claimed, or where nothing narrower explains the candidate.
  public let ladder: [Step]
  /// The distance from the exact value; `maxUlp` and `identical` are by the exact value rounded to the candidate's format,
  /// and the bounds are those of the claim.
  public let deviation: Deviation
  /// The condition number `S/|y|` at the element with the largest distance; nil where `y` is zero.
  public let condition: Double?
  /// Elements whose correct rounding needed exact sums.
  public let exactElements: Int
  /// Elements that needed them as well, after the most terms were summed exactly: where `maxUlp` and `identical` may be wrong
  /// by the last rounding. No verdict rests on it.
  public let doubtfulElements: Int
  /// What is not finite in the candidate; nil where everything is.
  public let nonfinite: Nonfinite?
  /// More measures, where they were asked for.
  public let detailed: DetailedMeasures?
  /// Where the candidate errs, where that was asked for.
  public let map: ErrorMap?
}

extension Verification {
  init<Scalar: TensorScalar>(_ climb: Climb<Scalar>, claim: Claim, shape: Shape) {
    let elements = shape.elementCount ?? .max
    let rungs = climb.rungs.sorted { Self.order($0.claim) < Self.order($1.claim) }
    guard let claimed = rungs.first(where: { $0.claim == claim }) else {
      preconditionFailure("the claim is a step of the ladder")
    }
    self.claim = claim
    refuting = claimed.refuting
    firstRefuting = claimed.firstRefuting.map { Position($0, in: shape) }
    explanation =
      rungs.first { rung in
        rung.explains && (rung.claim != .float64 || claim == .float64 || Scalar.dataType == .float64)
      }?.claim ?? (claimed.isConsistent ? claim : nil)
    ladder = rungs.map { rung in
      Step(
        claim: rung.claim, isConsistent: rung.isConsistent,
        maxOverBound: rung.unbounded == 0 && rung.worst < .infinity ? rung.worst : nil,
        position: rung.place < 0 ? nil : Position(rung.place, in: shape))
    }
    let measured = climb.deviation.deviation(
      shape: shape, elements: elements, identicalBesides: climb.identicalInBlocks)
    deviation = Deviation(
      maxAbs: measured.maxAbs, maxUlp: measured.maxUlp, position: measured.position,
      identical: measured.identical, elements: elements,
      bound: claim.dotProduct == nil ? climb.boundAtLargest : measured.bound,
      maxOverBound: claimed.unbounded == 0 && claimed.worst < .infinity ? claimed.worst : nil)
    condition = measured.maxAbs == nil ? nil : climb.condition
    exactElements = climb.rounding.exactCount
    doubtfulElements = climb.rounding.doubtfulCount
    let found = climb.nonfinite
    nonfinite = found.first.map {
      Nonfinite(
        nan: found.nan, positiveInfinity: found.positive, negativeInfinity: found.negative,
        expected: found.expected, first: Position($0, in: shape))
    }
    detailed = climb.measures?.measures(allFinite: found.first == nil)
    map = climb.map
  }

  private static func order(_ claim: Claim) -> Int { Claim.allCases.firstIndex(of: claim) ?? 0 }
}
