import Buffers

/// A request's place in a distributed trace: the `traceparent` field (W3C Trace Context, Recommendation of 23 November
/// 2021, section 3.2).
public struct TraceParent: Equatable, Sendable {
  /// The first half of the trace's number.
  public let traceHigh: UInt64
  /// The second half of it.
  public let traceLow: UInt64
  /// The number of the span that asks.
  public let parent: UInt64
  /// Whether who asks may have recorded the trace.
  public let isSampled: Bool

  /// A place from its parts.
  public init(traceHigh: UInt64, traceLow: UInt64, parent: UInt64, isSampled: Bool) {
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.parent = parent
    self.isSampled = isSampled
  }

  /// What a field's value says; nil where it is invalid, which section 4.3 has treated like none.
  public init?(_ value: UnsafeRawBufferPointer) {
    // `version "-" trace-id "-" parent-id "-" trace-flags`, all in lower case (section 3.2.2). Version 0 has nothing
    // behind that; a later one may, after a dash, and is read as far as it is known (section 4.3). Version ff is invalid.
    guard value.count >= Self.length, let version = Self.number(value, 0, digits: 2), version != 0xFF,
      value.count == Self.length || (version > 0 && value[Self.length] == Self.dash),
      value[2] == Self.dash, value[35] == Self.dash, value[52] == Self.dash,
      let high = Self.number(value, 3, digits: 16), let low = Self.number(value, 19, digits: 16),
      let parent = Self.number(value, 36, digits: 16), let flags = Self.number(value, 53, digits: 2)
    else { return nil }
    // Sections 3.2.2.3 and 3.2.2.4: numbers of zeros alone are invalid.
    if (high == 0 && low == 0) || parent == 0 { return nil }
    self.init(traceHigh: high, traceLow: low, parent: parent, isSampled: flags & 1 == 1)
  }

  /// The same trace as this server passes it on, its own span `span` as the parent; flags that this version does not
  /// define are cleared (section 3.2.2.5.2).
  func append(span: UInt64, to output: inout ByteBuffer) {
    output.append("00-")
    output.append(hexadecimal: traceHigh)
    output.append(hexadecimal: traceLow)
    output.append(Self.dash)
    output.append(hexadecimal: span)
    output.append(isSampled ? "-01" : "-00")
  }

  private static let length = 55
  private static let dash = UInt8(ascii: "-")

  private static func number(_ value: UnsafeRawBufferPointer, _ start: Int, digits: Int) -> UInt64? {
    var number: UInt64 = 0
    for byte in value[start..<start + digits] {
      // Bytes.hexadecimal takes capital letters too.
      guard let digit = Bytes.hexadecimal(byte), Bytes.isDigit(byte) || byte >= UInt8(ascii: "a") else {
        return nil
      }
      number = number << 4 | UInt64(digit)
    }
    return number
  }
}
