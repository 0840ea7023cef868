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
    // The days of a year that starts in March, after H. Hinnant, "chrono-compatible low-level date
    // algorithms": leap days then fall at the end, and (153·m + 2) / 5 is the first day of month m.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 2 : marchMonth - 10
    let year = yearOfEra + era * 400 + (month < 2 ? 1 : 0)
    let weekday = Self.weekdays[(day + 4) % 7]
    let clock = [time / 3600, time / 60 % 60, time % 60].map { Self.padded($0, 2) }.joined(separator: ":")
    let written = "\(Self.padded(dayOfMonth, 2)) \(Self.months[month]) \(Self.padded(year, 4))"
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
