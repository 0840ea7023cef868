import Benchmarking
import Convolution

/// The rows of a benchmark as text.
struct BenchTable {
  /// The table, a line each; cases that do not fit say why behind it.
  let lines: [String]

  init(_ rows: [BenchmarkRow]) {
    var table = TextTable(
      header: [
        "image", "filter", "measured", "formulation", "storage", "minimum", "median", "95 %", "setup",
        "bytes",
        "GFLOP/s", "GB/s", "limit", "of", "share", "deviation",
      ], leftAligned: 5)
    var refusals: [String] = []
    for row in rows {
      let subject = row.subject
      let names = [
        "\(subject.image)", "\(subject.filter)", subject.quantity.rawValue, subject.formulation.rawValue,
        subject.storage.rawValue,
      ]
      switch row.outcome {
      case .measured(let measured):
        table.append(
          names + [
            Self.time(measured.minimum), Self.time(measured.median), Self.time(measured.percentile95),
            Self.time(measured.setup), String(measured.heldBytes), Self.short(measured.gigaflops),
            Self.short(measured.gigabytesPerSecond),
          ] + Self.share(of: measured) + ["\(Float(measured.maxDeviation))"])
      case .refused(let error):
        table.append(
          names + [
            "–", "–", "–", "–", row.cost.map { "\($0.heldBytes)" } ?? "–", "–", "–", "–", "–", "–", "–",
          ])
        let refusal = "\(subject.image) by \(subject.filter): \(error)"
        // What no formulation can compute is said once.
        if refusals.last != refusal { refusals.append(refusal) }
      }
    }
    lines = table.lines + refusals
  }

  /// The limit, what it is one of, and its share of the time measured.
  private static func share(of measured: BenchmarkMeasurement) -> [String] {
    guard let limit = measured.limit else { return ["–", "–", "–"] }
    let isOperations = limit.operations >= limit.bytes
    return [
      time(limit.seconds), isOperations ? "operations" : "\(limit.place) bytes",
      "\(short(100 * limit.seconds / max(measured.minimum, 1e-9))) %",
    ]
  }

  /// What the machine can do at most, a line a variant; the selected one is marked.
  static func limits(_ limits: [MachineLimits], selected: KernelVariant) -> [String] {
    let levels = limits.first?.levels ?? []
    var table = TextTable(
      header: ["limits of one core", "float32 GFLOP/s", "float64 GFLOP/s"]
        + levels.map { "\($0.name) GB/s read, copied, streamed" }, leftAligned: 1)
    for limit in limits {
      table.append(
        [
          limit.kernels.rawValue + (limit.kernels == selected ? ", in use" : ""),
          short(2 * limit.float32 / 1e9), short(2 * limit.float64 / 1e9),
        ]
          + limit.levels.map {
            "\(short($0.read / 1e9)), \(short($0.copy / 1e9)), \(short($0.stream / 1e9))"
          })
    }
    return table.lines
  }

  /// How fast numbers are coded, a line a form.
  static func coding(_ rows: [CodingBenchmark]) -> [String] {
    var table = TextTable(header: ["coding", "bytes", "decode MB/s", "encode MB/s"], leftAligned: 1)
    for row in rows {
      table.append([
        "\(row.dataType.rawValue) \(row.form)", String(row.bytes),
        short(Double(row.bytes) / row.decode / 1e6),
        short(Double(row.bytes) / row.encode / 1e6),
      ])
    }
    return table.lines
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
