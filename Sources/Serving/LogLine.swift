package import Buffers

/// How log lines are written.
package enum LogFormat: String, CaseIterable, Sendable {
  /// `time level message key=value …`, for people.
  case text
  /// One JSON object a line, for programs.
  case json
}

/// Writes one log line at the end of a buffer. No byte of a value can end the line or pass for another field.
package struct LogLine {
  private let format: LogFormat

  /// Starts a line of `level` that says `message`.
  package init(
    _ format: LogFormat, _ level: String, _ message: String, unixMilliseconds: Int, in line: inout ByteBuffer
  ) {
    self.format = format
    switch format {
    case .text:
      Self.append(time: unixMilliseconds, to: &line)
      line.append(" ")
      line.append(text: level)
      line.append(" ")
      Self.append(escaped: message, to: &line)
    case .json:
      line.append("{\"time\":\"")
      Self.append(time: unixMilliseconds, to: &line)
      line.append("\",\"level\":\"")
      line.append(text: level)
      line.append("\",\"message\":\"")
      Self.append(escaped: message, to: &line)
      line.append("\"")
    }
  }

  /// Adds a field whose value is any text.
  package func field(_ key: String, _ value: String, in line: inout ByteBuffer) {
    switch format {
    case .text:
      line.append(" ")
      Self.append(escaped: key, to: &line)
      line.append("=")
      // Quoted where it could be taken for something else.
      let isPlain =
        !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
      if !isPlain { line.append("\"") }
      Self.append(escaped: value, to: &line)
      if !isPlain { line.append("\"") }
    case .json:
      line.append(",\"")
      Self.append(escaped: key, to: &line)
      line.append("\":\"")
      Self.append(escaped: value, to: &line)
      line.append("\"")
    }
  }

  /// Adds a field whose value `append` writes: a number where `isNumber`, else bytes that need no escape.
  @inline(__always)
  func field(
    _ key: StaticString, isNumber: Bool = false, in line: inout ByteBuffer,
    append: (inout ByteBuffer) -> Void
  ) {
    switch format {
    case .text:
      line.append(" ")
      line.append(key)
      line.append("=")
      append(&line)
    case .json:
      line.append(",\"")
      line.append(key)
      line.append(isNumber ? "\":" : "\":\"")
      append(&line)
      if !isNumber { line.append("\"") }
    }
  }

  /// Ends the line.
  package func end(in line: inout ByteBuffer) {
    line.append(format == .text ? "\n" : "}\n")
  }

  /// The escapes of JSON; for text too, so that a line feed never ends a line. The most a byte becomes is six.
  static func append(escaped text: String, to line: inout ByteBuffer) {
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C:
        line.append(0x5C)
        line.append(byte)
      case 0..<0x20, 0x7F:
        line.append("\\u00")
        line.append(UInt8(0x30 + byte >> 4))
        line.append((byte & 15 < 10 ? 0x30 : 0x57) + byte & 15)
      default: line.append(byte)
      }
    }
  }

  /// `2026-11-23T05:44:00.123Z` (RFC 3339).
  static func append(time unixMilliseconds: Int, to line: inout ByteBuffer) {
    let second = max(0, unixMilliseconds) / 1000
    let time = second % 86_400
    let date = CivilDate(daysSince1970: second / 86_400)
    line.append(upTo: 24) { room in
      func put(_ value: Int, digits: Int, at start: Int) {
        var rest = value
        for index in (start..<start + digits).reversed() {
          room[index] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
          rest /= 10
        }
      }
      put(date.year, digits: 4, at: 0)
      put(date.month, digits: 2, at: 5)
      put(date.day, digits: 2, at: 8)
      put(time / 3600, digits: 2, at: 11)
      put(time / 60 % 60, digits: 2, at: 14)
      put(time % 60, digits: 2, at: 17)
      put(unixMilliseconds % 1000, digits: 3, at: 20)
      for (index, byte) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z")]
        as [(Int, Unicode.Scalar)]
      { room[index] = UInt8(ascii: byte) }
      return 24
    }
  }
}

/// A day of the Gregorian calendar.
private struct CivilDate {
  let year: Int
  let month: Int
  let day: Int

  init(daysSince1970: Int) {
    // After H. Hinnant, "chrono-compatible low-level date algorithms", as HTTP's DateField: years that start in March.
    let shifted = daysSince1970 + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * fromMarch + 2) / 5 + 1
    month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    year = 400 * era + yearOfEra + (month <= 2 ? 1 : 0)
  }
}
