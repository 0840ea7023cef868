/// Where a string stands in a document, and whether its bytes are its text.
struct StringExtent {
  /// The opening quote.
  let start: Int
  /// The offset behind the closing quote.
  let end: Int
  /// Whether a backslash stands inside, so that the text must be unescaped.
  let hasEscapes: Bool

  /// The bytes between the quotes.
  var content: Range<Int> { start + 1..<end - 1 }
}

extension JSONScanner {
  /// The string whose opening quote stands at `offset`: escapes and UTF-8 (RFC 3629) checked, lone surrogates
  /// refused.
  func string(at offset: Int) throws(JSONError) -> StringExtent {
    var at = offset + 1
    var hasEscapes = false
    while true {
      at = endOfPlainText(from: at)
      guard at < count else { throw malformed("the document ends inside a string", at: count) }
      let byte = base[at]
      if byte == ASCII.quote { return StringExtent(start: offset, end: at + 1, hasEscapes: hasEscapes) }
      if byte == ASCII.backslash {
        hasEscapes = true
        at = try escape(at: at).end
      } else if byte < 0x20 {
        throw malformed("a control character stands unescaped in a string", at: at)
      } else {
        at = try endOfScalar(ofUTF8At: at)
      }
    }
  }

  /// The text of a string that `string(at:)` has accepted.
  func text(of string: StringExtent) -> String {
    let content = string.content
    if !string.hasEscapes {
      return String(
        decoding: UnsafeBufferPointer(start: base + content.lowerBound, count: content.count), as: UTF8.self)
    }
    return String(decoding: unescaped(string), as: UTF8.self)
  }

  /// The UTF-8 of a string that `string(at:)` has accepted, its escapes resolved.
  func unescaped(_ string: StringExtent) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(string.content.count)
    var at = string.content.lowerBound
    while at < string.content.upperBound {
      guard base[at] == ASCII.backslash, let escape = try? escape(at: at) else {
        text.append(base[at])
        at += 1
        continue
      }
      text.append(contentsOf: UTF8.encode(escape.scalar)!)
      at = escape.end
    }
    return text
  }

  /// The first offset at or behind `offset` whose byte is a quote, a backslash, a control character or no
  /// ASCII, found eight bytes at a time.
  private func endOfPlainText(from offset: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var at = offset
    while at + 8 <= count {
      let word = UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self)
      // x − 1 borrows into the high bit of a byte exactly where x is 0 or above 0x80; a borrow out of a byte
      // starts at a hit, so that the first hit is always a true one.
      let quotes = (word ^ ones &* 0x22) &- ones
      let backslashes = (word ^ ones &* 0x5C) &- ones
      let controls = word &- ones &* 0x20
      let hits = (quotes | backslashes | controls | word) & (ones &* 0x80)
      if hits != 0 { return at + Int(UInt64(littleEndian: hits).trailingZeroBitCount) >> 3 }
      at += 8
    }
    while at < count {
      let byte = base[at]
      if byte < 0x20 || byte >= 0x80 || byte == ASCII.quote || byte == ASCII.backslash { break }
      at += 1
    }
    return at
  }

  /// The scalar that the escape at `offset` (its backslash) stands for, and the offset behind it.
  private func escape(at offset: Int) throws(JSONError) -> (scalar: Unicode.Scalar, end: Int) {
    guard offset + 1 < count else { throw malformed("the document ends inside an escape", at: count) }
    let scalar: Unicode.Scalar
    switch base[offset + 1] {
    case ASCII.quote: scalar = "\""
    case ASCII.backslash: scalar = "\\"
    case ASCII.slash: scalar = "/"
    case 0x62: scalar = "\u{8}"
    case 0x66: scalar = "\u{C}"
    case 0x6E: scalar = "\n"
    case 0x72: scalar = "\r"
    case 0x74: scalar = "\t"
    case 0x75: return try unicodeEscape(at: offset)
    default: throw malformed("there is no such escape", at: offset + 1)
    }
    return (scalar, offset + 2)
  }

  /// The scalar of `\uXXXX`, or of two of them that make a surrogate pair (RFC 8259, section 7).
  private func unicodeEscape(at offset: Int) throws(JSONError) -> (scalar: Unicode.Scalar, end: Int) {
    let first = try codeUnit(at: offset + 2)
    if let scalar = Unicode.Scalar(UInt32(first)) { return (scalar, offset + 6) }
    guard first < 0xDC00 else {
      throw malformed("a low surrogate stands without its high surrogate", at: offset)
    }
    let next = offset + 6
    if next >= count || (base[next] == ASCII.backslash && next + 1 >= count) {
      throw malformed("the document ends inside a surrogate pair", at: count)
    }
    guard base[next] == ASCII.backslash, base[next + 1] == 0x75 else {
      throw malformed("a high surrogate stands without its low surrogate", at: offset)
    }
    let second = try codeUnit(at: next + 2)
    guard
      (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + UInt32(first - 0xD800) << 10 + UInt32(second - 0xDC00))
    else { throw malformed("a high surrogate stands without its low surrogate", at: offset) }
    return (scalar, next + 6)
  }

  private func codeUnit(at offset: Int) throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for index in offset..<offset + 4 {
      guard index < count else { throw malformed("the document ends inside an escape", at: count) }
      guard let digit = ASCII.hexadecimalDigit(base[index]) else {
        throw malformed("\\u takes four hexadecimal digits", at: index)
      }
      unit = unit << 4 | digit
    }
    return unit
  }

  /// The offset behind the multi-byte scalar at `offset`, by the table of well-formed sequences (Unicode,
  /// table 3-7): no overlong form, no surrogate, nothing above U+10FFFF.
  private func endOfScalar(ofUTF8At offset: Int) throws(JSONError) -> Int {
    let length: Int
    let second: ClosedRange<UInt8>
    switch base[offset] {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default:
      throw malformed("this byte cannot start a UTF-8 sequence", at: offset)
    }
    for index in 1..<length {
      guard offset + index < count else { throw malformed("the document ends inside a string", at: count) }
      guard (index == 1 ? second : 0x80...0xBF).contains(base[offset + index]) else {
        throw malformed("this byte cannot continue a UTF-8 sequence", at: offset + index)
      }
    }
    return offset + length
  }
}
