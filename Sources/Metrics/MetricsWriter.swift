public import Buffers

/// Something that can say how it is, in numbers.
public protocol MetricsSource: Sendable {
  /// Appends its families to `writer`.
  func append(to writer: inout MetricsWriter)
}

/// Writes metrics in the text format of Prometheus, version 0.0.4: families one after the other, each with its HELP and
/// TYPE before its samples.
public struct MetricsWriter: ~Copyable {
  /// The media type of such a text.
  public static var mediaType: StaticString { "text/plain; version=0.0.4; charset=utf-8" }

  /// What a family's samples are.
  public enum Kind: String {
    case counter, gauge, histogram
  }

  /// A label and its value.
  public typealias Label = (name: StaticString, value: String)

  private var text = ByteBuffer(capacity: 32 << 10)
  private var name: StaticString = ""

  /// An empty text.
  public init() {}

  /// The text.
  public consuming func finish() -> ByteBuffer { text }

  /// Starts the family `name`.
  public mutating func family(_ name: StaticString, _ kind: Kind, _ help: String) {
    self.name = name
    text.append("# HELP ")
    text.append(name)
    text.append(" ")
    append(escaped: help, quotes: false)
    text.append("\n# TYPE ")
    text.append(name)
    text.append(" ")
    text.append(text: kind.rawValue)
    text.append("\n")
  }

  /// A sample of the family in hand that is a whole number.
  public mutating func sample(_ labels: Label..., value: Int) {
    head("", labels)
    text.append(decimal: value)
    text.append("\n")
  }

  /// A sample of the family in hand in seconds.
  public mutating func sample(_ labels: Label..., nanoseconds: Int) {
    head("", labels)
    append(nanoseconds: nanoseconds)
    text.append("\n")
  }

  /// All samples of one histogram of durations: how many took up to each of `bounds`, in nanoseconds and ascending, and
  /// how many longer; `counts` has one number more than `bounds`. `sum` is what all took together.
  public mutating func histogram(_ labels: Label..., bounds: [Int], counts: [Int], sum: Int) {
    precondition(counts.count == bounds.count + 1, "a histogram counts what is beyond the last bound too")
    var total = 0
    for (index, count) in counts.enumerated() {
      total += count
      head(
        "_bucket", labels + [(name: "le", value: index < bounds.count ? Self.bound(bounds[index]) : "+Inf")])
      text.append(decimal: total)
      text.append("\n")
    }
    head("_sum", labels)
    append(nanoseconds: sum)
    text.append("\n")
    head("_count", labels)
    text.append(decimal: total)
    text.append("\n")
  }

  /// A bound in seconds, without zeros at the end.
  private static func bound(_ nanoseconds: Int) -> String {
    var digits = String(nanoseconds % 1_000_000_000 + 1_000_000_000).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(nanoseconds / 1_000_000_000)\(digits.isEmpty ? "" : ".")\(digits)"
  }

  private mutating func append(nanoseconds: Int) {
    text.append(decimal: max(0, nanoseconds), places: 9)
  }

  private mutating func head(_ suffix: StaticString, _ labels: [Label]) {
    text.append(name)
    text.append(suffix)
    for (index, label) in labels.enumerated() {
      text.append(index == 0 ? "{" : ",")
      text.append(label.name)
      text.append("=\"")
      append(escaped: label.value, quotes: true)
      text.append("\"")
    }
    text.append(labels.isEmpty ? " " : "} ")
  }

  /// Backslashes and line feeds are escaped everywhere, quotation marks in the values of labels only.
  private mutating func append(escaped value: String, quotes: Bool) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): text.append("\\\\")
      case UInt8(ascii: "\n"): text.append("\\n")
      case UInt8(ascii: "\"") where quotes: text.append("\\\"")
      default: text.append(byte)
      }
    }
  }
}
