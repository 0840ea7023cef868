import Convolution
import Equivalence
import TensorCoding

extension JSONWriter {
  /// The verdict: `max_deviation`, `equivalent` with the reason where it is false, and what they rest on.
  mutating func assessment(_ assessment: Assessment) {
    key("max_deviation")
    number(orNull: assessment.maxDeviation)
    key("equivalent")
    boolean(assessment.equivalent)
    if let reason = assessment.reason {
      key("reason")
      string(reason.rawValue)
      key("failures")
      beginObject()
      for reason in Assessment.Reason.allCases {
        guard let count = assessment.failures[reason] else { continue }
        key(text: reason.rawValue)
        integer(count)
      }
      endObject()
      key("first_failure")
      position(assessment.firstFailure)
    }
    nonfinite(assessment.nonfinite)
    newLine()
    key("deviation")
    deviation(assessment.fromDirect, from: "direct")
    newLine()
    key("reference_deviation")
    deviation(assessment.fromReference, from: "reference")
    exactPath(assessment.exactPath, doubtful: assessment.doubtfulElements)
    if let detailed = assessment.detailed {
      newLine()
      measures(detailed)
    }
  }

  /// How many elements needed their exact sum, and how many would have after the most terms were summed.
  mutating func exactPath(_ count: Int, doubtful: Int) {
    key("exact_path")
    integer(count)
    if doubtful > 0 {
      key("rounding_in_doubt")
      integer(doubtful)
    }
  }

  private mutating func deviation(_ deviation: Deviation, from other: StaticString) {
    beginObject()
    key("from")
    string("\(other)")
    measures(of: deviation)
    endObject()
  }

  /// The fields of a deviation beside what it is from.
  mutating func measures(of deviation: Deviation) {
    key("max_abs")
    number(orNull: deviation.maxAbs)
    key("max_ulp")
    integer(orNull: deviation.maxUlp)
    key("at")
    position(deviation.position)
    key("identical")
    integer(deviation.identical)
    key("bound")
    number(orNull: deviation.bound)
    key("max_over_bound")
    number(orNull: deviation.maxOverBound)
  }

  /// The largest of several numbers, or null where one is missing.
  mutating func largest(_ values: [Double?]) {
    let known = values.compactMap { $0 }
    number(orNull: known.count == values.count ? known.max() : nil)
  }

  /// Nothing where there is nothing to report.
  private mutating func nonfinite(_ counts: Assessment.NonfiniteCounts) {
    let given = counts.image + counts.filter + counts.bias + counts.upstream
    guard given + counts.result + counts.direct > 0 else { return }
    key("nonfinite")
    beginObject()
    key("image")
    integer(counts.image)
    key("filter")
    integer(counts.filter)
    if counts.bias > 0 {
      key("bias")
      integer(counts.bias)
    }
    if counts.upstream > 0 {
      key("upstream")
      integer(counts.upstream)
    }
    key("result")
    integer(counts.result)
    key("direct")
    integer(counts.direct)
    key("disagreements")
    integer(counts.disagreements)
    endObject()
  }

  /// The field `measures`; without rungs where there are none.
  mutating func measures(_ measures: DetailedMeasures) {
    key("measures")
    beginObject()
    key("root_mean_square")
    number(measures.rootMeanSquare)
    key("signal_to_noise_db")
    number(orNull: measures.signalToNoise)
    key("max_relative")
    number(orNull: measures.maxRelative)
    key("condition_at_max_relative")
    number(orNull: measures.conditionAtMaxRelative)
    key("max_over_unit_roundoff")
    number(orNull: measures.maxOverUnitRoundoff)
    key("ulp_histogram")
    beginArray()
    for bin in measures.histogram {
      beginObject()
      key("from")
      integer(clamping: bin.lower)
      key("to")
      integer(clamping: bin.upper)
      key("count")
      integer(bin.count)
      endObject()
    }
    endArray()
    if measures.rungs.isEmpty {
      endObject()
      return
    }
    key("rungs")
    beginArray()
    for rung in measures.rungs {
      beginObject()
      key("arithmetic")
      string(rung.arithmetic)
      key("consistent")
      boolean(rung.consistent)
      key("max_over_bound")
      number(rung.maxOverBound)
      key("bound")
      number(rung.bound)
      endObject()
    }
    endArray()
    endObject()
  }

  /// The indices of an element, or null where there is none.
  mutating func position(_ position: Position?) {
    guard let position else { return null() }
    integers(position.indices)
  }

  /// A number, or null where there is none.
  mutating func number(orNull value: Double?) {
    guard let value else { return null() }
    number(value)
  }

  private mutating func integer(orNull value: UInt64?) {
    guard let value else { return null() }
    integer(clamping: value)
  }

  private mutating func integer(clamping value: UInt64) {
    integer(Int(clamping: value))
  }
}
