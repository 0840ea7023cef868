import Benchmarking
import Convolution

/// The rows of a benchmark as text.
struct BenchTable {
  /// The table, a line each; cases that do not fit say why behind it.
  let lines: [String]

  init(_ rows: [BenchmarkRow]) {
    var table = TextTable(
      header: [
        "image", "filter", "formulation", "storage", "minimum", "median", "95 %", "setup", "bytes", "GFLOP/s",
        "GB/s",
        "deviation",
      ], leftAligned: 4)
    var refusals: [String] = []
    for row in rows {
      let subject = row.subject
      let names = [
        "\(subject.image)", "\(subject.filter)", subject.formulation.rawValue, subject.storage.rawValue,
      ]
      switch row.outcome {
      case .measured(let measured):
        table.append(
          names + [
            Self.time(measured.minimum), Self.time(measured.median), Self.time(measured.percentile95),
            Self.time(measured.setup), String(measured.heldBytes), Self.short(measured.gigaflops),
            Self.short(measured.gigabytesPerSecond), "\(Float(measured.maxDeviation))",
          ])
      case .refused(let error):
        table.append(names + ["–", "–", "–", "–", row.cost.map { "\($0.heldBytes)" } ?? "–", "–", "–", "–"])
        let refusal = "\(subject.image) by \(subject.filter): \(error)"
        // What no formulation can compute is said once.
        if refusals.last != refusal { refusals.append(refusal) }
      }
    }
    lines = table.lines + refusals
  }

  /// Seconds in the unit that leaves one to three digits before the point.
  static func time(_ seconds: Double) -> String {
    switch seconds {
    case ..<1e-6: short(seconds * 1e9) + " ns"
    case ..<1e-3: short(seconds * 1e6) + " µs"
    case ..<1: short(seconds * 1e3) + " ms"
    default: short(seconds) + " s"
    }
  }

  /// A number with three significant digits, or all before the point.
  static func short(_ value: Double) -> String {
    switch value {
    case 100...: String(Int(value.rounded()))
    case 10...: String((value * 10).rounded() / 10)
    default: String((value * 100).rounded() / 100)
    }
  }
}
