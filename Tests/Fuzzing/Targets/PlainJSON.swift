/// The grammar of RFC 8259 as it stands there, one function a rule: slow, recursive, and sharing nothing with the scanner.
struct PlainJSON {
  private var rest: ArraySlice<UInt8>

  /// Whether `input` is one JSON text of well-formed UTF-8 without lone surrogates.
  static func accepts(_ input: [UInt8]) -> Bool {
    var grammar = PlainJSON(rest: input[...])
    // The standard library's own decoder judges UTF-8.
    guard String(validating: input, as: UTF8.self) != nil, grammar.value() else { return false }
    grammar.whitespace()
    return grammar.rest.isEmpty
  }

  private mutating func whitespace() {
    while let byte = rest.first, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { rest.removeFirst() }
  }

  private mutating func takes(_ text: String) -> Bool {
    guard rest.starts(with: text.utf8) else { return false }
    rest.removeFirst(text.utf8.count)
    return true
  }

  private mutating func value() -> Bool {
    whitespace()
    if takes("{") { return members(end: "}") { $0.string() && $0.colon() && $0.value() } }
    if takes("[") { return members(end: "]") { $0.value() } }
    if rest.first == UInt8(ascii: "\"") { return string() }
    return takes("true") || takes("false") || takes("null") || number()
  }

  private mutating func members(end: String, _ member: (inout PlainJSON) -> Bool) -> Bool {
    whitespace()
    if takes(end) { return true }
    while true {
      whitespace()
      guard member(&self) else { return false }
      whitespace()
      if takes(end) { return true }
      guard takes(",") else { return false }
    }
  }

  private mutating func colon() -> Bool {
    whitespace()
    return takes(":")
  }

  private mutating func string() -> Bool {
    guard takes("\"") else { return false }
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") { return true }
      if byte < 0x20 { return false }
      guard byte == UInt8(ascii: "\\") else { continue }
      guard let escaped = rest.popFirst() else { return false }
      if escaped == UInt8(ascii: "u") {
        guard let unit = codeUnit() else { return false }
        if UTF16.isTrailSurrogate(unit) { return false }
        if UTF16.isLeadSurrogate(unit) {
          guard takes("\\u"), let other = codeUnit(), UTF16.isTrailSurrogate(other) else { return false }
        }
      } else if !"\"\\/bfnrt".utf8.contains(escaped) {
        return false
      }
    }
    return false
  }

  private mutating func codeUnit() -> UInt16? {
    let digits = rest.prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 128 })
    else { return nil }
    rest.removeFirst(4)
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private mutating func number() -> Bool {
    _ = takes("-")
    if !takes("0") {
      guard digits() else { return false }
    }
    if takes("."), !digits() { return false }
    if takes("e") || takes("E") {
      if !takes("+") { _ = takes("-") }
      return digits()
    }
    return true
  }

  private mutating func digits() -> Bool {
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    rest.removeFirst(digits.count)
    return !digits.isEmpty
  }
}
