import Convolution
import TensorCoding
import Testing

/// A document and why it is or is not JSON. Bytes above 0x7F are written as hexadecimal in `<…>`.
private struct Document: CustomTestStringConvertible {
  let text: String
  let reason: String
  var testDescription: String { reason }

  init(_ text: String, _ reason: String) {
    self.text = text
    self.reason = reason
  }

  /// The bytes: UTF-8, with `‹FF›` standing for the byte FF.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    var rest = Substring(text)
    while let first = rest.popFirst() {
      if first == "‹" {
        bytes.append(UInt8(rest.prefix(2), radix: 16)!)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(contentsOf: String(first).utf8)
      }
    }
    return bytes
  }
}

private let refused: [Document] = [
  Document("", "an empty document"), Document("   \n\t ", "white space alone"),
  Document("‹EF›‹BB›‹BF›{}", "a byte order mark"), Document("‹FF›‹FE›{‹00›}‹00›", "UTF-16 with its mark"),
  Document("{‹00›}‹00›", "UTF-16 without a mark"), Document("1 2", "two values"),
  Document("{} {}", "two objects"),
  Document("[]]", "one bracket too many"), Document("{}}", "one brace too many"),
  Document("[1],", "a comma behind"),
  Document("[1]x", "a letter behind"), Document("1‹00›", "a zero byte behind"),
  Document("[‹00›]", "a zero byte inside"),
  Document("01", "a leading zero"), Document("-01", "a leading zero behind the sign"),
  Document("00", "two zeros"),
  Document("012.5", "a leading zero before a fraction"), Document("+1", "a plus sign"),
  Document(".5", "no integer part"),
  Document("-.5", "no integer part behind the sign"), Document("1.", "no fraction"),
  Document("-1.", "no fraction, negative"),
  Document("1.e5", "no fraction before the exponent"), Document("1e", "no exponent"),
  Document("1e+", "no exponent behind plus"),
  Document("1e-", "no exponent behind minus"), Document("1E", "no exponent behind E"),
  Document("1e1.5", "a fraction in the exponent"),
  Document("1ee5", "two exponents"), Document("1e5e5", "an exponent twice"), Document("1.2.3", "two points"),
  Document("1..2", "two points in a row"), Document("-", "a sign alone"), Document("--1", "two signs"),
  Document("- 1", "a space behind the sign"),
  Document("1 000", "a space between digits"), Document("1_000", "an underscore between digits"),
  Document("1,5", "a decimal comma"),
  Document("0x10", "hexadecimal"), Document("0b1", "binary"), Document("1f", "a suffix"),
  Document("1e5f", "a suffix behind the exponent"),
  Document("0e", "zero without exponent"), Document("0.", "zero without fraction"),
  Document("-e5", "an exponent alone"),
  Document("NaN", "NaN"), Document("nan", "nan"), Document("-NaN", "minus NaN"),
  Document("Infinity", "Infinity"),
  Document("-Infinity", "minus Infinity"), Document("inf", "inf"), Document("[NaN]", "NaN in an array"),
  Document("∞", "the sign of infinity"),
  Document("1‹EF›‹BC›‹91›", "a full-width digit"), Document("true1", "a digit behind a literal"),
  Document("True", "a capital literal"),
  Document("TRUE", "capital letters"), Document("tru", "a literal cut short"),
  Document("truee", "a literal too long"),
  Document("nul", "null cut short"), Document("nulll", "null too long"), Document("fals", "false cut short"),
  Document("falze", "false misspelt"), Document("undefined", "undefined"), Document("[", "an open bracket"),
  Document("{", "an open brace"), Document("[1", "an array cut short"),
  Document("[1,", "an array cut behind its comma"),
  Document("[1,]", "a comma before the bracket"), Document("[,1]", "a comma behind the bracket"),
  Document("[,]", "a comma alone"),
  Document("[1,,2]", "two commas"), Document("[1 2]", "no comma"), Document("[1:2]", "a colon in an array"),
  Document("[1;2]", "a semicolon"), Document("[1}", "the wrong bracket"),
  Document("{\"a\":1]", "the wrong brace"),
  Document("[[1]", "one bracket too few"), Document("[\"a\",\n4\n,1,", "an array cut behind lines"),
  Document("]", "a closing bracket alone"),
  Document("}", "a closing brace alone"), Document("{\"a\"", "a key cut off"),
  Document("{\"a\":", "no value"),
  Document("{\"a\" 1}", "no colon"), Document("{\"a\",1}", "a comma for the colon"),
  Document("{\"a\"::1}", "two colons"),
  Document("{:1}", "no key"), Document("{1:1}", "a number for a key"), Document("{a:1}", "a bare key"),
  Document("{'a':1}", "single quotes"),
  Document("{null:1}", "null for a key"), Document("{\"a\":1,}", "a comma before the brace"),
  Document("{,\"a\":1}", "a comma behind the brace"),
  Document("{\"a\":1,,\"b\":2}", "two commas between fields"),
  Document("{\"a\":1 \"b\":2}", "no comma between fields"),
  Document("{\"a\":1,\"b\"}", "a key without a value"), Document("{\"a\":}", "a colon without a value"),
  Document("{\"a\"}", "a key alone"),
  Document("{[1]:2}", "an array for a key"), Document("{\"a\":1", "an object cut short"),
  Document("{\"a\":1,", "an object cut behind its comma"),
  Document("\"", "a quote alone"), Document("\"abc", "no closing quote"),
  Document("'abc'", "single quotes around a string"),
  Document("\"a\nb\"", "a line feed in a string"), Document("\"a\tb\"", "a tab in a string"),
  Document("\"‹00›\"", "a zero byte in a string"),
  Document("\"‹1F›\"", "the last control character"),
  Document("\"abcdefghijklm‹01›\"", "a control character far inside"),
  Document("\"\\", "a backslash at the end"), Document("\"\\\"", "an escaped closing quote"),
  Document("\"\\a\"", "the escape \\a"),
  Document("\"\\v\"", "the escape \\v"), Document("\"\\0\"", "the escape \\0"),
  Document("\"\\x41\"", "the escape \\x"), Document("\"\\'\"", "the escape \\'"),
  Document("\"\\U0041\"", "a capital U"), Document("\"\\u\"", "no digits"),
  Document("\"\\u00\"", "two digits"), Document("\"\\u004\"", "three digits"),
  Document("\"\\u00G1\"", "no hexadecimal digit"), Document("\"\\u+041\"", "a plus sign among the digits"),
  Document("\"\\u 041\"", "a space among the digits"),
  Document("\"\\ud800\"", "a lone high surrogate"),
  Document("\"\\uDBFFx\"", "a high surrogate before a letter"),
  Document("\"\\udc00\"", "a lone low surrogate"), Document("\"\\ud800\\ud800\"", "two high surrogates"),
  Document("\"\\udc00\\ud800\"", "surrogates swapped"),
  Document("\"\\ud800\\n\"", "a high surrogate before an escape"),
  Document("\"\\ud800\\u0041\"", "a high surrogate before a letter's escape"),
  Document("\"\\ud83d\\u\"", "half a pair cut short"),
  Document("{\"\\ud800\":1}", "a lone surrogate in a key"),
  Document("\"‹80›\"", "a continuation byte alone"), Document("\"‹BF›\"", "the last continuation byte alone"),
  Document("\"‹C3›\"", "a sequence cut by the quote"),
  Document("\"‹C3›‹28›\"", "a sequence cut by a letter"), Document("\"‹C0›‹80›\"", "overlong zero"),
  Document("\"‹C1›‹BF›\"", "overlong DEL"),
  Document("\"‹E0›‹80›‹80›\"", "overlong in three bytes"),
  Document("\"‹E0›‹9F›‹BF›\"", "the last overlong in three bytes"),
  Document("\"‹F0›‹80›‹80›‹80›\"", "overlong in four bytes"),
  Document("\"‹F0›‹8F›‹BF›‹BF›\"", "the last overlong in four bytes"),
  Document("\"‹ED›‹A0›‹80›\"", "a surrogate in UTF-8"),
  Document("\"‹ED›‹BF›‹BF›\"", "the last surrogate in UTF-8"),
  Document("\"‹F4›‹90›‹80›‹80›\"", "above U+10FFFF"),
  Document("\"‹F5›‹80›‹80›‹80›\"", "a lead byte that is none"), Document("\"‹FF›\"", "the byte FF"),
  Document("\"‹FE›\"", "the byte FE"), Document("\"‹E2›‹82›\"", "two of three bytes"),
  Document("\"‹F0›‹9F›‹98›\"", "three of four bytes"),
  Document("\"‹E9›\"", "Latin-1"), Document("{\"‹E9›\":1}", "Latin-1 in a key"),
  Document("‹E9›", "Latin-1 outside strings"),
  Document("[1,‹C2›‹A0›2]", "a no-break space"), Document("[‹0C›]", "a form feed"),
  Document("[‹0B›]", "a vertical tab"),
  Document("‹E2›‹80›‹A8›1", "a line separator"), Document("// c\n1", "a line comment"),
  Document("/* c */1", "a block comment"),
  Document("#1", "a hash comment"), Document("<1>", "angle brackets"), Document("(1)", "parentheses"),
  Document("*", "an asterisk"),
  Document("\\u0031", "an escape outside strings"), Document("[\"a\"b]", "a letter behind a string"),
  Document("{}[]", "an array behind an object"),
  Document("[1]]]]", "three brackets too many"), Document("[1,2,3", "no closing bracket"),
  Document("\"a\"\"b\"", "two strings"),
]

private let accepted: [Document] = [
  Document("0", "zero"), Document("-0", "minus zero"), Document("-0.0e-0", "minus zero in full"),
  Document("1", "a digit"), Document("10.50", "a trailing zero"),
  Document("1E5", "a capital E"), Document("1e+05", "a leading zero in the exponent"),
  Document("0e0", "zero with an exponent"), Document("1e999", "an exponent out of range"),
  Document("123456789012345678901234567890", "thirty digits"),
  Document("0.00000000000000000000000000001", "many zeros"),
  Document("  1  ", "white space around"), Document("\t\r\n[ ]\n", "every white space"),
  Document("[]", "an empty array"), Document("{}", "an empty object"),
  Document("[[],{}]", "empty ones inside"), Document("{\"\":0}", "an empty key"),
  Document("{\"a\":1,\"a\":2}", "a key twice is grammar's no business"),
  Document("true", "true"), Document("false", "false"), Document("null", "null"),
  Document("\"\"", "an empty string"), Document("\"‹7F›\"", "DEL"),
  Document("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "every escape"),
  Document("\"\\ud83d\\ude00\"", "a surrogate pair"), Document("\"\\uDBFF\\uDFFF\"", "the last pair"),
  Document("\"\\u0000\"", "an escaped zero"), Document("\"é€😀\"", "two, three and four bytes"),
  Document("\"‹F4›‹8F›‹BF›‹BF›\"", "U+10FFFF"),
  Document("\"‹ED›‹9F›‹BF›‹EE›‹80›‹80›\"", "the neighbours of the surrogates"),
  Document("\"‹C2›‹80›‹E0›‹A0›‹80›‹F0›‹90›‹80›‹80›\"", "the first of each length"),
  Document("\"‹EF›‹BF›‹BF›\"", "a noncharacter"), Document("\"\\uFFFF\"", "a noncharacter escaped"),
  Document("[1,2 , 3\n,4]", "spaces around commas"),
  Document("{ \"a\" : [ { } ] }", "spaces everywhere"),
  Document("\"abcdefghijklmnopqrstuvwxyz é 0123456789\"", "a longer string"),
]

@Suite("The grammar")
struct GrammarTests {
  @Test("refuses what RFC 8259 refuses", arguments: refused)
  fileprivate func refusal(document: Document) {
    #expect(validation(document.bytes)?.isMalformed == true)
    // The reader, whatever it is used for, finds the same fault at the same place.
    let read = failure { () throws(JSONError) in
      try withBytes(document.bytes) { (bytes) throws(JSONError) in
        try decodeDocument(bytes) { (reader) throws(JSONError) in try readAnything(&reader) }
      }
    }
    #expect(read == validation(document.bytes))
  }

  @Test("accepts what RFC 8259 accepts", arguments: accepted)
  fileprivate func acceptance(document: Document) {
    #expect(validation(document.bytes) == nil)
    for misalignment in 0..<9 {
      let padded = [UInt8](repeating: 0x20, count: misalignment) + document.bytes
      #expect(validation(padded) == nil)
    }
  }

  @Test("has more than a hundred and twenty documents to judge")
  func enough() { #expect(refused.count + accepted.count >= 120) }

  @Test("takes a million levels of nesting without a deep stack")
  func depth() {
    let levels = 1_000_000
    let open = [UInt8](repeating: 0x5B, count: levels)
    #expect(validation(open + [UInt8](repeating: 0x5D, count: levels)) == nil)
    #expect(validation(open)?.offset == levels)
    let objects = String(repeating: "{\"a\":[", count: 100_000)
    let ends = String(repeating: "]}", count: 100_000)
    #expect(validation(Array((objects + "1" + ends).utf8)) == nil)
    #expect(validation(Array((objects + "1}" + ends).utf8))?.isMalformed == true)
  }

  @Test("finds a bad byte at every place of a string")
  func everyPlace() {
    for length in 0..<40 {
      for bad in [0x00, 0x1F, 0x80, 0xFF] as [UInt8] {
        for place in 0...length {
          var text = [UInt8](repeating: 0x61, count: length)
          text.insert(bad, at: place)
          #expect(validation([0x22] + text + [0x22])?.offset == place + 1)
        }
      }
    }
  }

  @Test("names line, column and offset of the first bad byte")
  func positions() {
    #expect(
      validation(Array("{\n  \"é\": 1,\n  \"b\": tru\n}".utf8))
        == .malformed(
          message: "the only literals are true, false and null", offset: 23, line: 3, column: 11))
    #expect(
      validation(Array("[1,2".utf8))
        == .malformed(message: "the document ends inside an array", offset: 4, line: 1, column: 5))
    #expect(
      validation(Array("[\"éé\" 01]".utf8))
        == .malformed(
          message: "a comma or the end of an array is expected", offset: 8, line: 1, column: 7))
    #expect(
      validation(Array("01".utf8))
        == .malformed(message: "a number has no leading zeros", offset: 1, line: 1, column: 2))
  }

  @Test(
    "says what stands where something else is expected",
    arguments: [
      ("", "it is empty"), (" ", "the document ends where a value is expected"),
      ("[1,]", "a value is expected, found “]”"), ("[.5]", "a value is expected, found “.”"),
      ("[\u{1}]", "a value is expected, found the byte 0x1"),
      ("[é]", "a value is expected, found the byte 0xC3"),
      ("[NaN]", "JSON has no Infinity and no NaN; a tensor in base64 can hold them"),
      ("{\"a\":1,}", "a key in double quotes is expected, found “}”"),
      ("{'a':1}", "a key in double quotes is expected, found “'”"),
    ])
  func found(document: String, expected: String) {
    guard case .malformed(let message, _, _, _) = validation(Array(document.utf8)) else {
      Issue.record("\(document) is no JSON and was let in")
      return
    }
    #expect(message == expected)
  }
}

/// Reads any value through the public interface.
func readAnything(_ reader: inout JSONReader, depth: Int = 0) throws(JSONError) {
  switch try reader.kind() {
  case .object:
    guard depth < 50 else { try reader.skipValue(); return }
    try reader.beginObject()
    while try reader.nextKey() != nil { try readAnything(&reader, depth: depth + 1) }
  case .array:
    guard depth < 50 else { try reader.skipValue(); return }
    try reader.beginArray()
    while try reader.nextElement() { try readAnything(&reader, depth: depth + 1) }
  case .string: _ = try reader.string()
  case .number: _ = try reader.number(as: Double.self)
  case .boolean: _ = try reader.boolean()
  case .null: try reader.null()
  }
}
