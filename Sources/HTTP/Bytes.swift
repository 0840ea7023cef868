/// The classes of bytes that RFC 9110 section 5.6 builds its grammar from, and comparisons of bytes with text
/// known at compile time.
enum Bytes {
  static let tab = UInt8(ascii: "\t")
  static let lineFeed = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let space = UInt8(ascii: " ")
  static let comma = UInt8(ascii: ",")
  static let colon = UInt8(ascii: ":")

  /// Whether `byte` is a `tchar` (RFC 9110 section 5.6.2). The two words are bit sets of the 128 ASCII bytes.
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    let word: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
    return byte < 128 && (word >> UInt64(byte & 63)) & 1 == 1
  }

  /// Whether `bytes` is a token: at least one byte, each of them a `tchar`.
  @inline(__always)
  static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if bytes.isEmpty { return false }
    for byte in bytes where !isToken(byte) { return false }
    return true
  }

  /// Whether `bytes` may stand in a field value (RFC 9110 section 5.5): no control byte but the tab. Written
  /// without a branch in the loop so that it is vectorised.
  @inline(__always)
  static func isFieldContent(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var controls: UInt8 = 0
    for byte in bytes {
      let low: UInt8 = byte < 0x20 ? 1 : 0
      let other: UInt8 = byte != tab ? 1 : 0
      let delete: UInt8 = byte == 0x7F ? 1 : 0
      controls |= (low & other) | delete
    }
    return controls == 0
  }

  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// The value of a hexadecimal digit, nil for any other byte.
  @inline(__always)
  static func hexadecimal(_ byte: UInt8) -> Int? {
    if isDigit(byte) { return Int(byte &- 0x30) }
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? Int(letter) + 10 : nil
  }

  /// Whether `bytes` equals `text`, which is written in lower case, when the case of letters is ignored.
  @inline(__always)
  static func equal(_ bytes: UnsafeRawBufferPointer, ignoringCase text: StaticString) -> Bool {
    if bytes.count != text.utf8CodeUnitCount { return false }
    let expected = text.utf8Start
    for index in 0..<bytes.count {
      let byte = bytes[index]
      let isUpper = byte &- UInt8(ascii: "A") < 26
      if (isUpper ? byte | 0x20 : byte) != expected[index] { return false }
    }
    return true
  }

  /// `bytes` without the optional white space (RFC 9110 section 5.6.3) at both ends.
  @inline(__always)
  static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var first = 0
    var end = bytes.count
    while first < end, bytes[first] == space || bytes[first] == tab { first += 1 }
    while end > first, bytes[end - 1] == space || bytes[end - 1] == tab { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[first..<end])
  }

  /// Calls `visit` with each element of a comma-separated list; empty elements are skipped, as RFC 9110
  /// section 5.6.1.2 asks of recipients.
  @inline(__always)
  static func forEachElement<Failure: Error>(
    of list: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var first = 0
    for index in 0...list.count where index == list.count || list[index] == comma {
      let element = trimmed(UnsafeRawBufferPointer(rebasing: list[first..<index]))
      if !element.isEmpty { try visit(element) }
      first = index + 1
    }
  }
}
