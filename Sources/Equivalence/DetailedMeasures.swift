import Convolution
import Glibc  // log10

/// The measures of a full report. They inform; only bounds decide. Elements without a finite value, or without a
/// finite bound, are left out.
public struct DetailedMeasures: Hashable, Sendable {
  /// An arithmetic with the least that can be said of it.
  public struct Rung: Hashable, Sendable {
    /// The arithmetic's name as in a claim: `float32`, `float64`, or that of a formulation with a bound of its own.
    public let arithmetic: String
    /// Whether every element lies within this arithmetic's bound.
    public let consistent: Bool
    /// The largest ratio of an error to this bound.
    public let maxOverBound: Double
    /// This bound at the element with that ratio.
    public let bound: Double
  }

  /// One class of the histogram: distances `lower ... upper`, and how many elements have one.
  public struct Bin: Hashable, Sendable {
    /// The least distance.
    public let lower: UInt64
    /// The greatest distance.
    public let upper: UInt64
    /// Elements.
    public let count: Int

    /// Class 0 is 0, class 1 is 1, and class k from 2 on ends at 2ᵏ⁻¹.
    init(class index: Int, count: Int) {
      func end(_ k: Int) -> UInt64 { k == 0 ? 0 : k == 65 ? .max : 1 << UInt64(k - 1) }
      lower = index == 0 ? 0 : end(index - 1) + 1
      upper = end(index)
      self.count = count
    }
  }

  /// The root of the mean squared error against the reference.
  public let rootMeanSquare: Double
  /// `10·log₁₀(Σy² / Σ(ŷ − y)²)` in dB; nil where either sum is zero or not finite.
  public let signalToNoise: Double?
  /// The largest `|ŷ − y| / |y|` over elements whose reference is not zero; nil where there is none.
  public let maxRelative: Double?
  /// The condition number `S / |y|` there.
  public let conditionAtMaxRelative: Double?
  /// The largest `|ŷ − y| / (u·S)`; nil where every `S` is zero.
  public let maxOverUnitRoundoff: Double?
  /// Distances to the correctly rounded value in units in the last place: 0, 1, 2, 3–4, 5–8, … up to the last that occurs.
  public let histogram: [Bin]
  /// The formulation's own arithmetic; the problem's precision in any order, where that is another; and for problems
  /// computed in float32, float64 in any order, rounded once.
  public let rungs: [Rung]
}

/// Collects the measures element by element. A class: most judgements have none, and shall not carry room for one.
final class MeasureTracker {
  /// One arithmetic's largest ratio of an error to its bound.
  private struct RungTracker {
    let arithmetic: String
    private var ratio = 0.0
    private var boundThere = 0.0

    init(_ arithmetic: String) { self.arithmetic = arithmetic }

    mutating func note(_ error: Double, bound: Double) {
      // Also where both are zero, so that some bound is named.
      if error >= ratio * bound {
        ratio = error > 0 ? error / bound : 0
        boundThere = bound
      }
    }

    func rung(allFinite: Bool) -> DetailedMeasures.Rung {
      DetailedMeasures.Rung(
        arithmetic: arithmetic, consistent: allFinite && ratio <= 1, maxOverBound: ratio, bound: boundThere)
    }
  }

  /// What is allowed to a formulation; nil where the arithmetics are judged elsewhere.
  private let allowance: Allowance?
  private let unitRoundoff: Double
  private let terms: Int
  private var finite = 0
  private var squaredError = 0.0
  private var squaredSignal = 0.0
  private var relative = -1.0
  private var condition = 0.0
  private var overRoundoff = -1.0
  private var bins = [Int](repeating: 0, count: 66)
  private var own: RungTracker?
  /// The computation's precision in any order, where `own` is another arithmetic.
  private var dotProduct: RungTracker?
  /// float64 rounded once, where the computation's precision is float32.
  private var roundedOnce: RungTracker?

  /// - Parameters:
  ///   - arithmetic: the name of the result's own arithmetic; nil is a dot product in `precision`.
  ///   - terms: the most terms in a sum.
  init(_ allowance: Allowance, arithmetic: String?, computedIn precision: DataType, terms: Int) {
    self.allowance = allowance
    unitRoundoff = allowance.format.unitRoundoff
    self.terms = terms
    own = RungTracker(arithmetic ?? precision.rawValue)
    dotProduct = arithmetic == nil ? nil : RungTracker(precision.rawValue)
    roundedOnce = precision == .float32 ? RungTracker(DataType.float64.rawValue) : nil
  }

  /// Measures of a result in `format`, without rungs.
  init(_ format: DataType) {
    allowance = nil
    unitRoundoff = format.unitRoundoff
    terms = 0
  }

  func note(error: Double, reference: Double, absoluteSum: Double, bound: Double, ulp: UInt64) {
    finite += 1
    squaredError += error * error
    squaredSignal += reference * reference
    let magnitude = reference.magnitude
    if magnitude > 0, error / magnitude > relative {
      relative = error / magnitude
      condition = absoluteSum / magnitude
    }
    if absoluteSum > 0 {
      overRoundoff = max(overRoundoff, error / absoluteSum / unitRoundoff)
    }
    bins[ulp == 0 ? 0 : 65 - (ulp - 1).leadingZeroBitCount] += 1
    guard let allowance else { return }
    own?.note(error, bound: bound)
    dotProduct?.note(error, bound: allowance.direct(value: reference, absolute: absoluteSum))
    roundedOnce?.note(
      error,
      bound: ErrorBound.roundedOnce(
        to: allowance.format, terms: terms, absoluteSum: absoluteSum, magnitude: magnitude))
  }

  func measures(allFinite: Bool) -> DetailedMeasures {
    let last = bins.lastIndex { $0 > 0 } ?? 0
    let ratio = squaredSignal / squaredError
    return DetailedMeasures(
      rootMeanSquare: finite == 0 ? 0 : (squaredError / Double(finite)).squareRoot(),
      signalToNoise: ratio > 0 && ratio < .infinity ? 10 * log10(ratio) : nil,
      maxRelative: relative >= 0 ? relative : nil,
      conditionAtMaxRelative: relative >= 0 ? condition : nil,
      maxOverUnitRoundoff: overRoundoff >= 0 ? overRoundoff : nil,
      histogram: (0...last).map { DetailedMeasures.Bin(class: $0, count: bins[$0]) },
      rungs: [own, dotProduct, roundedOnce].compactMap { $0?.rung(allFinite: allFinite) })
  }
}
