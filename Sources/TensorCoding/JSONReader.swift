public import Convolution

/// Reads a JSON document value by value, in the order in which it stands, straight from its bytes.
///
/// The caller drives: open an object, ask for each key, read the value behind it, and `finish()`.
/// A reader is a value: a copy remembers its place, and reading on from the copy reads the same text again.
/// A method whose value has the wrong kind throws `JSONError.invalid` with the pointer of that value; broken
/// grammar throws `malformed`. After an error the reader's place is unspecified. An `invalid` met early may
/// hide that the text is malformed further on: `decodeDocument` settles that, as `validateDocument` does.
///
/// The bytes must outlive the reader and all that it hands out except strings and tensors.
public struct JSONReader {
  /// The most fields an object read with `nextKey()` may have; bounds the search for duplicates.
  public static var fieldLimit: Int { 256 }

  let scanner: JSONScanner
  var at: Int
  private var frames: [Frame] = []
  /// The place of the value that this reader was made for.
  private let root: Place

  /// An array or object that is open, with the place reached in it.
  private struct Frame {
    var isObject: Bool
    var isFirst = true
    var keys: [String] = []
    var index = -1
  }

  /// A reader in front of the document `bytes`.
  public init(_ bytes: UnsafeRawBufferPointer) {
    self.init(JSONScanner(bytes), at: 0, root: Place(around: "", key: nil))
  }

  /// A reader in front of the value at `offset`, which stands at `root`.
  init(_ scanner: JSONScanner, at offset: Int, root: Place) {
    self.scanner = scanner
    self.root = root
    at = offset
  }

  /// The offset of the next byte to be read.
  public var offset: Int { at }

  /// The pointer (RFC 6901) of the value that is being read, or of the document, which is the empty string.
  public var pointer: String { place.pointer }

  /// Where a value stands, in parts that cost nothing to keep; few values are ever blamed.
  struct Place: Sendable {
    /// The pointer of the object or array around the value.
    var around: String
    /// The value's key or index there; nil for the document itself.
    var key: String?

    var pointer: String {
      guard let key else { return around }
      var pointer = around + "/"
      for scalar in key.unicodeScalars {
        switch scalar {
        case "~": pointer += "~0"
        case "/": pointer += "~1"
        default: pointer.unicodeScalars.append(scalar)
        }
      }
      return pointer
    }
  }

  /// Where the value stands that is being read.
  var place: Place {
    var place = root
    for frame in frames {
      guard let key = frame.keys.last ?? (frame.index >= 0 ? String(frame.index) : nil) else { continue }
      if place.key != nil { place.around = place.pointer }
      place.key = key
    }
    return place
  }

  /// An error that blames the current value, or the field or element named by `path` below it.
  public func invalid(
    _ message: String, below path: String = "", at offset: Int? = nil, limit: Int? = nil, actual: Int? = nil
  ) -> JSONError {
    .invalid(
      message: message, pointer: pointer + path, offset: offset ?? at, limit: limit, actual: actual)
  }

  // MARK: Structure

  /// The kind of the next value, which stays unread.
  public mutating func kind() throws(JSONError) -> JSONKind {
    at = scanner.skipWhitespace(from: at)
    return try scanner.kind(at: at)
  }

  mutating func expect(_ expected: JSONKind) throws(JSONError) {
    let found = try kind()
    if found != expected { throw invalid("\(expected.phrase) is expected, found \(found.phrase)") }
  }

  /// Enters the object that must come next.
  public mutating func beginObject() throws(JSONError) {
    try expect(.object)
    at += 1
    frames.append(Frame(isObject: true))
  }

  /// Reads the next key of the open object and its colon, or leaves the object and returns nil at its end.
  ///
  /// The value behind the previous key must have been read. A key that the object had already, and more than
  /// `fieldLimit` of them, are `invalid`.
  public mutating func nextKey() throws(JSONError) -> String? {
    guard try nextMember(isObject: true) else { return nil }
    let string = try scanner.key(at: at)
    let key = scanner.text(of: string)
    let value = try scanner.endOfColon(at: scanner.skipWhitespace(from: string.end))
    let last = frames.count - 1
    let isDuplicate = frames[last].keys.contains(key)
    let fields = frames[last].keys.count + 1
    frames[last].keys.append(key)
    if isDuplicate { throw invalid("the field stands twice") }
    if fields > Self.fieldLimit {
      throw invalid("the object has too many fields", limit: Self.fieldLimit)
    }
    at = value
    return key
  }

  /// Enters the array that must come next.
  public mutating func beginArray() throws(JSONError) {
    try expect(.array)
    at += 1
    frames.append(Frame(isObject: false))
  }

  /// Goes to the next element of the open array, or leaves the array and returns false at its end.
  ///
  /// The previous element must have been read.
  public mutating func nextElement() throws(JSONError) -> Bool {
    guard try nextMember(isObject: false) else { return false }
    frames[frames.count - 1].index += 1
    return true
  }

  /// Goes behind the comma to the next member; false where the frame ends, which is then closed.
  private mutating func nextMember(isObject: Bool) throws(JSONError) -> Bool {
    precondition(frames.last?.isObject == isObject, "asks an array for keys or an object for elements")
    at = scanner.skipWhitespace(from: at)
    let isFirst = frames[frames.count - 1].isFirst
    if scanner.has(isObject ? ASCII.rightBrace : ASCII.rightBracket, at: at) {
      at += 1
      frames.removeLast()
      return false
    }
    if isFirst {
      frames[frames.count - 1].isFirst = false
      return true
    }
    guard scanner.has(ASCII.comma, at: at) else { throw scanner.noSeparator(inObject: isObject, at: at) }
    at = scanner.skipWhitespace(from: at + 1)
    return true
  }

  /// Reads past the next value, whatever it is, and returns its bytes' place.
  @discardableResult
  public mutating func skipValue() throws(JSONError) -> Range<Int> {
    let start = scanner.skipWhitespace(from: at)
    at = try scanner.endOfValue(from: start)
    return start..<at
  }

  /// Checks that nothing but white space follows the document's value.
  public mutating func finish() throws(JSONError) {
    try scanner.endOfDocument(from: at)
    at = scanner.count
  }

  // MARK: Scalars

  /// Reads a string.
  public mutating func string() throws(JSONError) -> String {
    try expect(.string)
    let string = try scanner.string(at: at)
    at = string.end
    return scanner.text(of: string)
  }

  /// Reads `true` or `false`.
  public mutating func boolean() throws(JSONError) -> Bool {
    try expect(.boolean)
    let isTrue = scanner.base[at] == 0x74
    at = try scanner.endOfScalar(.boolean, at: at)
    return isTrue
  }

  /// Reads `null`.
  public mutating func null() throws(JSONError) {
    try expect(.null)
    at = try scanner.endOfScalar(.null, at: at)
  }

  /// Reads an integer: digits without point or exponent (`1.0` and `1e2` are refused) that lies within `range`.
  public mutating func integer(in range: ClosedRange<Int> = .min ... .max) throws(JSONError) -> Int {
    try expect(.number)
    let number = try scanner.number(at: at)
    guard number.isInteger else { throw invalid("an integer is expected, without point or exponent") }
    // More than 19 digits, or a magnitude that no Int has, overflow.
    guard number.exponent == 0, number.significand <= Int.min.magnitude,
      number.isNegative || number.significand <= Int.max.magnitude
    else { throw invalid("the integer overflows 64 bits") }
    let bits = Int(truncatingIfNeeded: number.significand)
    let value = number.isNegative ? 0 &- bits : bits
    guard range.contains(value) else {
      throw invalid(
        "the value must lie from \(range.lowerBound) to \(range.upperBound)",
        limit: value < range.lowerBound ? range.lowerBound : range.upperBound, actual: value)
    }
    at = number.end
    return value
  }

  /// Reads a number as the nearest `Scalar`; one that overflows is `invalid`, one that underflows is zero.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func number<Scalar: TensorScalar>(
    as type: Scalar.Type = Scalar.self
  ) throws(JSONError) -> Scalar {
    try expect(.number)
    let number = try scanner.number(at: at)
    let value = DecimalToBinary.nearest(number, of: scanner, as: type, powers: .shared)
    guard value.isFinite else { throw invalid("the number overflows \(Scalar.dataType.rawValue)") }
    at = number.end
    return value
  }

  /// Reads an array of at most `limit` integers, each within `range`.
  public mutating func integers(
    in range: ClosedRange<Int> = .min ... .max, limit: Int
  ) throws(JSONError) -> [Int] {
    try beginArray()
    var elements: [Int] = []
    while try nextElement() {
      if elements.count == limit {
        throw invalid("the array has more than \(limit) elements", limit: limit)
      }
      elements.append(try integer(in: range))
    }
    return elements
  }
}

/// Lets `read` decode the whole of `bytes`, checks that nothing follows, and tells malformed from invalid.
///
/// - Throws: `malformed` where the document is no JSON, even where `read` threw `invalid` before it came to
///   that place; else what `read` threw.
public func decodeDocument<Result: ~Copyable>(
  _ bytes: UnsafeRawBufferPointer, _ read: (inout JSONReader) throws(JSONError) -> Result
) throws(JSONError) -> Result {
  do throws(JSONError) {
    var reader = JSONReader(bytes)
    let result = try read(&reader)
    try reader.finish()
    return result
  } catch {
    if case .invalid = error { try validateDocument(bytes) }
    throw error
  }
}
