/// Reads the one Python literal that a header of NumPy's file format is made of:
///
///     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
///
/// with spaces and a line feed behind it. The three entries may stand in any order, strings in either kind of quotes.
struct NumPyHeaderScanner {
  /// The three values, each with the right kind, but not yet judged.
  struct Entries {
    var descr: String
    var isFortranOrder: Bool
    /// The extents; one that does not fit an `Int` stands at `Int.max`.
    var shape: [Int]
  }

  private let bytes: UnsafeRawBufferPointer
  private let end: Int
  private var at: Int

  /// A scanner of the header at `range`, which must be within `bytes`.
  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    self.bytes = bytes
    at = range.lowerBound
    end = range.upperBound
  }

  /// Reads the whole header.
  ///
  /// - Throws: `malformed`, or `refused` where the type is one of records.
  mutating func dictionary() throws(NumPyError) -> Entries {
    var descr: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{", in: .header)
    while !skip("}") {
      skipSpaces()
      let start = at
      let key = try string(in: .header)
      let part = NumPyError.Part(rawValue: key)
      let isTwice =
        switch part {
        case .elementType: descr != nil
        case .fortranOrder: isFortranOrder != nil
        case .shape: shape != nil
        default: false
        }
      if isTwice {
        throw .malformed(.header, message: "the key \(key) stands there twice", offset: start)
      }
      try expect(":", in: .header)
      switch part {
      case .elementType: descr = try elementType()
      case .fortranOrder: isFortranOrder = try boolean()
      case .shape: shape = try tuple()
      default:
        throw .malformed(
          .header, message: "the keys are descr, fortran_order and shape, and no other", offset: start)
      }
      if !skip(",") {
        try expect("}", in: .header)
        break
      }
    }
    let behind = at
    guard let descr else {
      throw .malformed(.elementType, message: "the header has no such key", offset: behind)
    }
    guard let isFortranOrder else {
      throw .malformed(.fortranOrder, message: "the header has no such key", offset: behind)
    }
    guard let shape else {
      throw .malformed(.shape, message: "the header has no such key", offset: behind)
    }
    skipSpaces()
    guard at == end - 1, bytes[at] == ASCII.lineFeed else {
      throw .malformed(
        .header, message: "behind the dictionary stand spaces and one line feed, which ends it", offset: at)
    }
    return Entries(descr: descr, isFortranOrder: isFortranOrder, shape: shape)
  }

  private mutating func elementType() throws(NumPyError) -> String {
    skipSpaces()
    if at < end, bytes[at] == ASCII.leftBracket || bytes[at] == UInt8(ascii: "(") {
      throw .refused(.elementType, message: "arrays of records are not taken")
    }
    return try string(in: .elementType)
  }

  /// A string in either kind of quotes, of printable ASCII without escapes, which is all that the three keys and a type need.
  private mutating func string(in part: NumPyError.Part) throws(NumPyError) -> String {
    skipSpaces()
    guard at < end, bytes[at] == UInt8(ascii: "'") || bytes[at] == UInt8(ascii: "\"") else {
      throw .malformed(part, message: "a string is expected", offset: at)
    }
    let quote = bytes[at]
    let start = at + 1
    at = start
    while at < end, bytes[at] != quote {
      guard (0x20...0x7E).contains(bytes[at]), bytes[at] != UInt8(ascii: "\\") else {
        throw .malformed(part, message: "a string has printable ASCII and no escapes", offset: at)
      }
      at += 1
    }
    guard at < end else { throw .malformed(part, message: "the string does not end", offset: at) }
    at += 1
    return String(decoding: bytes[start..<at - 1], as: UTF8.self)
  }

  private mutating func boolean() throws(NumPyError) -> Bool {
    skipSpaces()
    for (word, value) in [("True", true), ("False", false)]
    where bytes[at..<end].starts(with: word.utf8) {
      at += word.utf8.count
      return value
    }
    throw .malformed(.fortranOrder, message: "True or False is expected", offset: at)
  }

  /// A tuple of whole numbers: `()`, `(3,)`, `(3, 4)`; one number without a comma is no tuple.
  private mutating func tuple() throws(NumPyError) -> [Int] {
    try expect("(", in: .shape)
    var numbers: [Int] = []
    var endsWithComma = true
    while !skip(")") {
      guard endsWithComma else {
        throw .malformed(.shape, message: "a comma or ) is expected", offset: at)
      }
      numbers.append(try wholeNumber())
      endsWithComma = skip(",")
    }
    if numbers.count == 1, !endsWithComma {
      throw .malformed(.shape, message: "a tuple of one number has a comma behind it", offset: at - 1)
    }
    return numbers
  }

  private mutating func wholeNumber() throws(NumPyError) -> Int {
    skipSpaces()
    let start = at
    var value = 0
    while at < end, (0x30...0x39).contains(bytes[at]) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = tens.addingReportingOverflow(Int(bytes[at] - 0x30))
      value = overflow || carry ? .max : next
      at += 1
    }
    guard at > start, at == start + 1 || bytes[start] != 0x30 else {
      throw .malformed(.shape, message: "a whole number in decimal is expected", offset: start)
    }
    return value
  }

  private mutating func expect(_ character: Unicode.Scalar, in part: NumPyError.Part) throws(NumPyError) {
    guard skip(character) else { throw .malformed(part, message: "\(character) is expected", offset: at) }
  }

  /// Goes behind `character` where it comes next.
  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard at < end, bytes[at] == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private mutating func skipSpaces() {
    while at < end, bytes[at] == ASCII.space { at += 1 }
  }
}
