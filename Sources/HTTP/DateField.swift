import Buffers

/// The value of a Date field, an IMF-fixdate (RFC 9110 section 5.6.7), made once a second.
struct DateField {
  let second: Int
  /// `Sun, 06 Nov 1994 08:49:37 GMT`: always 29 bytes.
  private let text: String

  /// The date of `second` since 1970 in UTC, which must not be negative.
  init(second: Int) {
    precondition(second >= 0, "dates before 1970 are not written")
    self.second = second
    let day = second / 86_400
    let time = second % 86_400
    let date = CivilDate(daysSince1970: day)
    let weekday = Self.weekdays[(day + 4) % 7]
    let clock = [time / 3600, time / 60 % 60, time % 60].map { Self.padded($0, 2) }.joined(separator: ":")
    let written = "\(Self.padded(date.day, 2)) \(Self.months[date.month - 1]) \(Self.padded(date.year, 4))"
    text = "\(weekday), \(written) \(clock) GMT"
  }

  func append(to output: inout ByteBuffer) {
    output.append(text: text)
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}
