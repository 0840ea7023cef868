import Convolution
package import Equivalence
package import TensorCoding

extension JSONWriter {
  /// What became of a probe.
  package mutating func outcome(_ outcome: ProbeOutcome) {
    beginObject()
    key("probe")
    string(outcome.probe.rawValue)
    key("verdict")
    switch outcome.verdict {
    case .passed: string("passed")
    case .notApplicable(let why):
      string("not_applicable")
      key("why")
      string(why)
    case .failed(let counterexample):
      string("failed")
      key("counterexample")
      self.counterexample(counterexample)
    }
    key("applications")
    integer(outcome.applications)
    key("log2_error_probability")
    number(orNull: outcome.errorExponent)
    key("statement")
    string(outcome.statement)
    endObject()
  }

  private mutating func counterexample(_ counterexample: Counterexample) {
    beginObject()
    key("kind")
    string(counterexample.kind.name)
    key("application")
    integer(counterexample.application)
    key("position")
    position(counterexample.position)
    key("expected")
    string(counterexample.expected)
    key("found")
    string(counterexample.found)
    key("pixel")
    position(counterexample.pixel)
    key("tap")
    position(counterexample.tap)
    if case .otherTap(let other) = counterexample.kind {
      key("other_tap")
      position(other)
    }
    endObject()
  }
}

extension Counterexample.Kind {
  /// What is wrong, in one word.
  fileprivate var name: String {
    switch self {
    case .bias: "bias"
    case .missingTap: "missing_tap"
    case .otherTap: "other_tap"
    case .otherWeight: "other_weight"
    case .outsideSupport: "outside_support"
    case .roundedInput: "rounded_input"
    case .onlyTogether: "only_together"
    }
  }
}
