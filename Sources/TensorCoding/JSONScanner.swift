/// The grammar of RFC 8259 over a run of bytes: where a value ends, or at which byte it stops being one.
///
/// The scanner holds no position and builds no values; `JSONReader` and the validator share it, so that both
/// agree about every byte.
struct JSONScanner {
  let base: UnsafePointer<UInt8>
  let count: Int

  /// A scanner over `bytes`, which must outlive it.
  init(_ bytes: UnsafeRawBufferPointer) {
    // An empty buffer may have no address. Nothing is ever read through this one, since `count` is 0.
    let address = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    base = address.assumingMemoryBound(to: UInt8.self)
    count = bytes.count
  }

  /// The error that stands for a broken grammar at `offset`, with the line and column found by counting.
  func malformed(_ message: String, at offset: Int) -> JSONError {
    var line = 1
    var column = 1
    for index in 0..<min(offset, count) {
      let byte = base[index]
      if byte == ASCII.lineFeed {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return .malformed(message: message, offset: offset, line: line, column: column)
  }

  /// The first offset at or behind `offset` that is no white space.
  @inline(__always)
  func skipWhitespace(from offset: Int) -> Int {
    var at = offset
    while at < count {
      let byte = base[at]
      if byte > ASCII.space { break }
      guard
        byte == ASCII.space || byte == ASCII.lineFeed || byte == ASCII.carriageReturn || byte == ASCII.tab
      else { break }
      at += 1
    }
    return at
  }

  /// Whether `byte` stands at `offset`.
  @inline(__always)
  func has(_ byte: UInt8, at offset: Int) -> Bool {
    offset < count && base[offset] == byte
  }

  /// The kind of the value that starts at `offset`, judged by its first byte.
  func kind(at offset: Int) throws(JSONError) -> JSONKind {
    guard offset < count else {
      throw malformed(count == 0 ? "it is empty" : "the document ends where a value is expected", at: offset)
    }
    switch base[offset] {
    case ASCII.leftBrace: return .object
    case ASCII.leftBracket: return .array
    case ASCII.quote: return .string
    case ASCII.minus, 0x30...0x39: return .number
    case 0x74, 0x66: return .boolean
    case 0x6E: return .null
    case 0x49, 0x4E:
      throw malformed("JSON has no Infinity and no NaN; a tensor in base64 can hold them", at: offset)
    default: throw malformed("a value is expected, found \(character(at: offset))", at: offset)
    }
  }

  /// What stands at `offset`, as it is shown in a message.
  private func character(at offset: Int) -> String {
    let byte = base[offset]
    guard byte > ASCII.space, byte < 0x7F else {
      return "the byte 0x" + String(byte, radix: 16, uppercase: true)
    }
    return "“\(Character(Unicode.Scalar(byte)))”"
  }

  /// The offset behind the literal `text`, which must stand at `offset`.
  func endOfLiteral(_ text: StaticString, at offset: Int) throws(JSONError) -> Int {
    for index in 0..<text.utf8CodeUnitCount {
      guard offset + index < count else {
        throw malformed("the document ends inside a literal", at: count)
      }
      guard base[offset + index] == text.utf8Start[index] else {
        throw malformed("the only literals are true, false and null", at: offset + index)
      }
    }
    return offset + text.utf8CodeUnitCount
  }

  /// The offset behind the scalar (no array, no object) that starts at `offset`.
  func endOfScalar(_ kind: JSONKind, at offset: Int) throws(JSONError) -> Int {
    switch kind {
    case .string: try string(at: offset).end
    case .number: try number(at: offset).end
    case .null: try endOfLiteral("null", at: offset)
    default: try base[offset] == 0x74 ? endOfLiteral("true", at: offset) : endOfLiteral("false", at: offset)
    }
  }

  /// The offset behind the key that must start at `offset` and the colon that must follow it.
  private func endOfKey(at offset: Int) throws(JSONError) -> Int {
    let colon = skipWhitespace(from: try key(at: offset).end)
    return try endOfColon(at: colon)
  }

  /// The string that must stand at `offset` as an object's key.
  func key(at offset: Int) throws(JSONError) -> StringExtent {
    guard offset < count else { throw malformed("the document ends where a key is expected", at: offset) }
    guard base[offset] == ASCII.quote else {
      throw malformed("a key in double quotes is expected, found \(character(at: offset))", at: offset)
    }
    return try string(at: offset)
  }

  /// The offset behind the colon that must stand at `offset`.
  func endOfColon(at offset: Int) throws(JSONError) -> Int {
    guard offset < count else { throw malformed("the document ends where a colon is expected", at: offset) }
    guard base[offset] == ASCII.colon else { throw malformed("a colon is expected", at: offset) }
    return offset + 1
  }

  /// The error for what stands at `offset` instead of a comma or the end of an array or object.
  func noSeparator(inObject: Bool, at offset: Int) -> JSONError {
    let place = inObject ? "an object" : "an array"
    if offset >= count { return malformed("the document ends inside \(place)", at: offset) }
    return malformed("a comma or the end of \(place) is expected", at: offset)
  }

  /// The offset behind the value, of whatever kind and depth, that starts at or behind `offset`.
  ///
  /// Iterative: an open array or object costs one bit, so that no nesting exhausts the stack.
  func endOfValue(from offset: Int) throws(JSONError) -> Int {
    var nesting = Nesting()
    var at = offset
    value: while true {
      at = skipWhitespace(from: at)
      let kind = try kind(at: at)
      switch kind {
      case .object:
        at = skipWhitespace(from: at + 1)
        guard has(ASCII.rightBrace, at: at) else {
          nesting.open(isObject: true)
          at = try endOfKey(at: at)
          continue value
        }
        at += 1
      case .array:
        at = skipWhitespace(from: at + 1)
        guard has(ASCII.rightBracket, at: at) else {
          nesting.open(isObject: false)
          continue value
        }
        at += 1
      default:
        at = try endOfScalar(kind, at: at)
      }
      while nesting.depth > 0 {
        at = skipWhitespace(from: at)
        let inObject = nesting.isInObject
        if has(ASCII.comma, at: at) {
          at = skipWhitespace(from: at + 1)
          if inObject { at = try endOfKey(at: at) }
          continue value
        }
        guard has(inObject ? ASCII.rightBrace : ASCII.rightBracket, at: at) else {
          throw noSeparator(inObject: inObject, at: at)
        }
        nesting.close()
        at += 1
      }
      return at
    }
  }

  /// How many values the well-formed array that starts at `offset` has.
  func countElements(ofArrayAt offset: Int) throws(JSONError) -> Int {
    var at = skipWhitespace(from: offset + 1)
    if has(ASCII.rightBracket, at: at) { return 0 }
    var elements = 0
    while true {
      at = skipWhitespace(from: try endOfValue(from: at))
      elements += 1
      if has(ASCII.rightBracket, at: at) { return elements }
      guard has(ASCII.comma, at: at) else { throw noSeparator(inObject: false, at: at) }
      at += 1
    }
  }

  /// Refuses anything but white space from `offset` to the end.
  func endOfDocument(from offset: Int) throws(JSONError) {
    let at = skipWhitespace(from: offset)
    if at < count { throw malformed("the document goes on behind its value", at: at) }
  }
}

/// Checks that `bytes` are one JSON value and nothing else, whatever its kind and however deep it nests.
///
/// Runs in linear time and takes one bit of memory for each open array or object.
///
/// - Throws: `JSONError.malformed` at the first byte that breaks the grammar; never `invalid`.
public func validateDocument(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
  let scanner = JSONScanner(bytes)
  try scanner.endOfDocument(from: scanner.endOfValue(from: 0))
}

/// The arrays and objects that are open at a point of a document, innermost last, one bit each.
private struct Nesting {
  private var bits: [UInt64] = []
  private(set) var depth = 0

  var isInObject: Bool { bits[(depth - 1) >> 6] >> UInt64((depth - 1) & 63) & 1 == 1 }

  mutating func open(isObject: Bool) {
    let (word, bit) = (depth >> 6, UInt64(depth & 63))
    if word == bits.count { bits.append(0) }
    bits[word] = bits[word] & ~(1 << bit) | (isObject ? 1 : 0) << bit
    depth += 1
  }

  mutating func close() { depth -= 1 }
}
