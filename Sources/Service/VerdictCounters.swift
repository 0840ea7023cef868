import Metrics

/// How often each route has come to each of its verdicts.
final class VerdictCounters: MetricsSource {
  /// A verdict of a route, a closed set.
  enum Verdict: Int, CaseIterable {
    case convolveEquivalent, convolveDifferent
    case compareEquivalent, compareDifferent
    case gradientsEquivalent, gradientsDifferent
    case verifyConsistent, verifyRefuted
    case proveHolds, proveFails
    case recognizeConvolution, recognizeApproximate, recognizeViolated

    /// Where it is made, and how the answer puts it.
    var labels: (route: Route, outcome: String) {
      switch self {
      case .convolveEquivalent: (.convolve, "equivalent")
      case .convolveDifferent: (.convolve, "different")
      case .compareEquivalent: (.compare, "equivalent")
      case .compareDifferent: (.compare, "different")
      case .gradientsEquivalent: (.gradients, "equivalent")
      case .gradientsDifferent: (.gradients, "different")
      case .verifyConsistent: (.verify, "consistent")
      case .verifyRefuted: (.verify, "refuted")
      case .proveHolds: (.prove, "holds")
      case .proveFails: (.prove, "fails")
      case .recognizeConvolution: (.recognize, "convolution")
      case .recognizeApproximate: (.recognize, "approximate")
      case .recognizeViolated: (.recognize, "violated")
      }
    }
  }

  private let counts = CounterTable(count: Verdict.allCases.count)

  func count(_ verdict: Verdict) { counts.add(at: verdict.rawValue) }

  func append(to writer: inout MetricsWriter) {
    writer.family(
      "convcheck_verdicts_total", .counter, "Verdicts by the route that made them and their outcome.")
    for verdict in Verdict.allCases {
      let (route, outcome) = verdict.labels
      writer.sample(("route", route.rawValue), ("outcome", outcome), value: counts[verdict.rawValue])
    }
  }
}
