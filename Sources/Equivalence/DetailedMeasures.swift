public import Convolution
import Glibc

/// The measures of a full report. They inform; only bounds decide. Elements without a finite value, or without a
/// finite bound, are left out.
public struct DetailedMeasures: Hashable, Sendable {
  /// An arithmetic with the least that can be said of it.
  public struct Rung: Hashable, Sendable {
    /// The arithmetic's name as in a claim: `float32` or `float64`.
    public let arithmetic: DataType
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
  /// Distances to the rounded reference in units in the last place: 0, 1, 2, 3–4, 5–8, … up to the last that occurs.
  public let histogram: [Bin]
  /// float32 in any order, then float64 rounded once, for float32 problems; float64 in any order for float64 ones.
  public let rungs: [Rung]
}

/// Collects the measures element by element.
struct MeasureTracker {
  private let dataType: DataType
  private let terms: Int
  private var finite = 0
  private var squaredError = 0.0
  private var squaredSignal = 0.0
  private var relative = -1.0
  private var condition = 0.0
  private var overRoundoff = -1.0
  private var bins = [Int](repeating: 0, count: 66)
  private var ownRatio = 0.0
  private var ownBound = 0.0
  private var narrowRatio = 0.0
  private var narrowBound = 0.0

  init(dataType: DataType, terms: Int) {
    self.dataType = dataType
    self.terms = terms
  }

  mutating func note(error: Double, reference: Double, absoluteSum: Double, bound: Double, ulp: UInt64) {
    finite += 1
    squaredError += error * error
    squaredSignal += reference * reference
    let magnitude = reference.magnitude
    if magnitude > 0, error / magnitude > relative {
      relative = error / magnitude
      condition = absoluteSum / magnitude
    }
    if absoluteSum > 0 {
      let unitRoundoff = dataType == .float32 ? 0x1p-24 : 0x1p-53
      overRoundoff = max(overRoundoff, error / absoluteSum / unitRoundoff)
    }
    bins[ulp == 0 ? 0 : 65 - (ulp - 1).leadingZeroBitCount] += 1
    if error / bound >= ownRatio {
      ownRatio = error / bound
      ownBound = bound
    }
    if dataType == .float32 {
      let narrow = ErrorBound.roundedOnce(terms: terms, absoluteSum: absoluteSum, magnitude: magnitude)
      if error / narrow >= narrowRatio {
        narrowRatio = error / narrow
        narrowBound = narrow
      }
    }
  }

  func measures(allFinite: Bool) -> DetailedMeasures {
    let last = bins.lastIndex { $0 > 0 } ?? 0
    var rungs = [
      DetailedMeasures.Rung(
        arithmetic: dataType, consistent: allFinite && ownRatio <= 1, maxOverBound: ownRatio, bound: ownBound)
    ]
    if dataType == .float32 {
      rungs.append(
        DetailedMeasures.Rung(
          arithmetic: .float64, consistent: allFinite && narrowRatio <= 1, maxOverBound: narrowRatio,
          bound: narrowBound))
    }
    let ratio = squaredSignal / squaredError
    return DetailedMeasures(
      rootMeanSquare: finite == 0 ? 0 : (squaredError / Double(finite)).squareRoot(),
      signalToNoise: ratio > 0 && ratio < .infinity ? 10 * log10(ratio) : nil,
      maxRelative: relative >= 0 ? relative : nil,
      conditionAtMaxRelative: relative >= 0 ? condition : nil,
      maxOverUnitRoundoff: overRoundoff >= 0 ? overRoundoff : nil,
      histogram: (0...last).map { DetailedMeasures.Bin(class: $0, count: bins[$0]) },
      rungs: rungs)
  }
}
