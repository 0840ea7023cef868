/// The kinds of exact probes.
public enum Probe: String, CaseIterable, Sendable {
  /// Images that show one entry of the map for each result, through the floating-point code.
  case combs
  /// Random integers that no sum rounds, through the floating-point code.
  case integers
  /// Numbers that need more bits than shorter formats have, through the floating-point code.
  case precision
  /// Random elements of the field of 2⁶¹ − 1 elements, through the same algorithm.
  case field
}

/// What became of one probe.
public struct ProbeOutcome: Hashable, Sendable {
  /// How a probe ends.
  public enum Verdict: Hashable, Sendable {
    /// Every result was the definition's.
    case passed
    /// It was not tried, and why.
    case notApplicable(String)
    /// A result was another one.
    case failed(Counterexample)
  }

  /// Which probe.
  public let probe: Probe
  /// How it ended.
  public let verdict: Verdict
  /// How often the implementation was applied, the search for the wrong entry not counted.
  public let applications: Int
  /// What holds if it passed, in words.
  public let statement: String
  /// log₂ of a bound on the probability with which a map that is not the definition would have passed; nil where no such
  /// bound is claimed, or nothing is random.
  public let errorExponent: Double?

  /// The counterexample of a probe that failed.
  public var counterexample: Counterexample? {
    if case .failed(let counterexample) = verdict { counterexample } else { nil }
  }
}

/// A result that is not the definition's.
public struct Counterexample: Hashable, Sendable {
  /// What is wrong with it.
  public enum Kind: Hashable, Sendable {
    /// An image of zeros gives something else than the bias.
    case bias
    /// An element under a tap does not count.
    case missingTap
    /// An element counts with another tap, at this place of the filter (K×C/g×kh×kw).
    case otherTap(Position)
    /// An element counts with a number that is no tap.
    case otherWeight
    /// An element counts that stands under no tap.
    case outsideSupport
    /// Images or taps are rounded to fewer bits than the format has.
    case roundedInput
    /// No element alone shows it.
    case onlyTogether
  }

  /// What is wrong.
  public let kind: Kind
  /// The number of the application, from 0.
  public let application: Int
  /// The first wrong element of the result.
  public let position: Position
  /// What it is by the definition; elements of the field by their representatives.
  public let expected: String
  /// What it was.
  public let found: String
  /// A given element that shows it while all others are zero.
  public let pixel: Position?
  /// The tap (K×C/g×kh×kw) under which that element stands.
  public let tap: Position?
}
