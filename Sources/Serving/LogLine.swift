import Buffers
import Glibc
import HTTP

/// How log lines are written.
package enum LogFormat: String, CaseIterable, Sendable {
  /// `time level message key=value …`, for people.
  case text
  /// One JSON object a line, for programs.
  case json
}

/// Writes one log line into room of a fixed size. No byte of a value can end the line or pass for another field; what does
/// not fit is cut off, field by field.
package struct LogLine: ~Copyable {
  /// The longest line, in bytes: more than a request's line ever takes, and as much as the stack is used for.
  package static let capacity = 1024
  /// As much as fields may take: the rest is kept for a quotation mark, a brace and the line feed.
  private static let most = capacity - 8

  private let format: LogFormat
  private let room: UnsafeMutableBufferPointer<UInt8>
  private var count = 0

  /// Shows `use` the line of `level` that says `message`, with the fields that `fill` adds.
  @inline(__always)
  package static func write<Result>(
    _ format: LogFormat, _ level: String, _ message: String, unixMilliseconds: Int,
    fill: (inout LogLine) -> Void, use: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { room in
      var line = LogLine(format, room)
      line.begin(level, message, unixMilliseconds)
      fill(&line)
      line.put(format == .text ? "\n" : "}\n", limit: capacity)
      return use(UnsafeBufferPointer(rebasing: room[..<line.count]))
    }
  }

  private init(_ format: LogFormat, _ room: UnsafeMutableBufferPointer<UInt8>) {
    self.format = format
    self.room = room
  }

  private mutating func begin(_ level: String, _ message: String, _ unixMilliseconds: Int) {
    if format == .json { put("{\"time\":\"") }
    put(time: unixMilliseconds)
    put(format == .text ? " " : "\",\"level\":\"")
    put(escaped: level)
    put(format == .text ? " " : "\",\"message\":\"")
    put(escaped: message)
    if format == .json { put("\"") }
  }

  // MARK: Fields

  /// Adds a field whose value is any text.
  package mutating func field(_ key: String, _ value: String) {
    guard count + 6 * key.utf8.count + 16 <= Self.most else { return }
    put(format == .text ? " " : ",\"")
    put(escaped: key)
    put(format == .text ? "=" : "\":")
    // As text quoted only where it could be taken for something else.
    let isPlain =
      format == .text && !value.isEmpty
      && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    if !isPlain { put("\"", limit: Self.capacity) }
    put(escaped: value)
    if !isPlain { put("\"", limit: Self.capacity) }
  }

  /// Starts a field whose value follows in pieces: a number, or text between `"` in JSON.
  @inline(__always)
  mutating func begin(_ key: StaticString, isNumber: Bool) {
    put(format == .text ? " " : ",\"")
    put(key)
    put(format == .text ? "=" : isNumber ? "\":" : "\":\"")
  }

  /// Ends a field of text.
  @inline(__always)
  mutating func endText() {
    if format == .json { put("\"") }
  }

  // MARK: Pieces

  @inline(__always)
  mutating func put(_ text: StaticString, limit: Int = LogLine.most) {
    put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), limit: limit)
  }

  /// Bytes that need no escape.
  @inline(__always)
  mutating func put(_ bytes: UnsafeRawBufferPointer, limit: Int = LogLine.most) {
    guard let source = bytes.baseAddress, let target = room.baseAddress, count + bytes.count <= limit else {
      return
    }
    memcpy(target + count, source, bytes.count)
    count += bytes.count
  }

  /// A number that is not negative.
  mutating func put(decimal value: Int) {
    guard count + 20 <= Self.most else { return }
    var digits = 1
    var rest = value / 10
    while rest > 0 {
      rest /= 10
      digits += 1
    }
    put(value, digits: digits)
  }

  mutating func put(hexadecimal value: UInt64) {
    var digits = ByteBuffer(capacity: 16)
    digits.append(hexadecimal: value)
    put(digits.bytes)
  }

  /// Seconds, to the microsecond.
  mutating func put(nanoseconds: Int) {
    put(decimal: max(0, nanoseconds) / 1_000_000_000)
    put(".")
    guard count + 6 <= Self.most else { return }
    put(max(0, nanoseconds) / 1000 % 1_000_000, digits: 6)
  }

  /// The escapes of JSON; for text too, so that a line feed never ends a line.
  mutating func put(escaped text: String) {
    var text = text
    text.withUTF8 { put(escaped: $0) }
  }

  mutating func put(escaped bytes: UnsafeBufferPointer<UInt8>) {
    // Nearly all text is plain, and is copied as it is. Without a branch in the loop, so that it is vectorised.
    var special: UInt8 = 0
    for byte in bytes {
      let isControl: UInt8 = byte < 0x20 ? 1 : 0
      let isQuote: UInt8 = byte == 0x22 ? 1 : 0
      let isBackslash: UInt8 = byte == 0x5C ? 1 : 0
      let isDelete: UInt8 = byte == 0x7F ? 1 : 0
      special |= isControl | isQuote | isBackslash | isDelete
    }
    if special == 0, count + bytes.count <= Self.most {
      put(UnsafeRawBufferPointer(bytes))
      return
    }
    for byte in bytes {
      // The most that a byte becomes.
      guard count + 6 <= Self.most else { return }
      switch byte {
      case 0x22, 0x5C:
        room[count] = 0x5C
        room[count + 1] = byte
        count += 2
      case 0..<0x20, 0x7F:
        put("\\u00")
        room[count] = 0x30 + byte >> 4
        room[count + 1] = (byte & 15 < 10 ? 0x30 : 0x57) + byte & 15
        count += 2
      default:
        room[count] = byte
        count += 1
      }
    }
  }

  /// `2026-11-23T05:44:00.123Z` (RFC 3339).
  private mutating func put(time unixMilliseconds: Int) {
    let second = max(0, unixMilliseconds) / 1000
    let time = second % 86_400
    let date = CivilDate(daysSince1970: second / 86_400)
    put(date.year, digits: 4)
    put("-", date.month)
    put("-", date.day)
    put("T", time / 3600)
    put(":", time / 60 % 60)
    put(":", time % 60)
    put(".")
    put(unixMilliseconds % 1000, digits: 3)
    put("Z")
  }

  /// A separator and two digits; there is room for them.
  @inline(__always)
  private mutating func put(_ separator: Unicode.Scalar, _ value: Int) {
    room[count] = UInt8(ascii: separator)
    room[count + 1] = UInt8(truncatingIfNeeded: 0x30 + value / 10)
    room[count + 2] = UInt8(truncatingIfNeeded: 0x30 + value % 10)
    count += 3
  }

  /// The last `digits` digits of `value`; there is room for them.
  @inline(__always)
  private mutating func put(_ value: Int, digits: Int) {
    var rest = UInt(bitPattern: value)
    var index = count + digits
    while index > count {
      index -= 1
      room[index] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
      rest /= 10
    }
    count += digits
  }
}
