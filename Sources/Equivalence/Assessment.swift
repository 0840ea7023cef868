/// The judgement of one computed output against the exact value and against the direct formulation.
///
/// `equivalent` is one-sided: an element beyond its bound refutes that the output was computed in the arithmetic it
/// claims (a theorem); all within their bounds means consistent with it, since a small error of a tap could hide there.
public struct Assessment: Sendable {
  /// Why an output is not called equivalent.
  public enum Reason: String, CaseIterable, Sendable {
    /// An element lies further from the exact value than rounding can bring it.
    case beyondBound = "beyond_bound"
    /// An element's window, with its weights and its bias, holds an infinity or NaN: there is no exact value to compare with.
    case nonfiniteWindow = "nonfinite_window"
    /// An element is not finite though its window is: it overflowed, or met 0·∞ outside its window. An overflow in the
    /// one rounding to a short format is none where rounding can have led to it.
    case nonfiniteResult = "nonfinite_result"
    /// The products are too large for a finite bound, or the formulation has none for the element.
    case unbounded
  }

  /// Elements without a finite value, and what they led to.
  public struct NonfiniteCounts: Hashable, Sendable {
    /// Pixels that are not finite.
    public let image: Int
    /// Taps that are not finite.
    public let filter: Int
    /// Numbers of the bias that are not finite.
    public let bias: Int
    /// Numbers of a gradient's upstream that are not finite; 0 where there is none.
    public let upstream: Int
    /// Elements of the result that are not finite.
    public let result: Int
    /// Elements of the direct result that are not finite.
    public let direct: Int
    /// Elements where result and direct differ in kind: finite, +∞, −∞ or NaN.
    public let disagreements: Int
  }

  /// Whether every element has a bound and is within it.
  public var equivalent: Bool { failures.isEmpty }
  /// The gravest reason why not, nil where `equivalent`.
  public var reason: Reason? {
    failures.isEmpty ? nil : Reason.allCases.first { failures[$0] != nil }
  }
  /// How many elements fail for each reason; reasons that don't occur are missing.
  public let failures: [Reason: Int]
  /// The first element, in row-major order, that fails.
  public let firstFailure: Position?
  /// What is not finite.
  public let nonfinite: NonfiniteCounts
  /// The distance from the direct result, its bound being the sum of both results' bounds.
  public let fromDirect: Deviation
  /// The distance from the exact value: `maxUlp` and `identical` count from it correctly rounded to the format, and for
  /// `maxAbs` the reference stands for it.
  public let fromReference: Deviation
  /// How many elements needed their exact sum, because the reference's error left doubt about the rounding.
  public let exactPath: Int
  /// Elements that needed it as well, after the most terms were summed exactly: where `maxUlp` and `identical` may be wrong
  /// by the last rounding. No verdict rests on it.
  public let doubtfulElements: Int
  /// More measures, where they were asked for.
  public let detailed: DetailedMeasures?

  /// `max |result − direct|`; nil where a pair of elements differs in kind or none is finite.
  public var maxDeviation: Double? { fromDirect.maxAbs }
}
