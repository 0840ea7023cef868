import Buffers
import Convolution
import TensorCoding
import Testing

@Suite("The reader")
struct ReaderTests {
  @Test("reads the fields of an object in the order in which they stand")
  func fields() throws {
    let text = """
      {"a": "x\\n\\u00e9\\ud83d\\ude00/", "b": -12, "c": true, "d": 1.5e2, "e": [1, 2, -3], "f": {"g": [null]},
       "n": null, "é": 0, "h": 0.1}
      """
    let seen = try decode(text) { (reader) throws(JSONError) in
      var seen: [String] = []
      try reader.beginObject()
      while let key = try reader.nextKey() {
        seen.append(key)
        switch key {
        case "a": seen.append(try reader.string())
        case "b": seen.append("\(try reader.integer())")
        case "c": seen.append("\(try reader.boolean())")
        case "d": seen.append("\(try reader.number(as: Double.self))")
        case "e": seen.append("\(try reader.integers(limit: 3))")
        case "h": seen.append("\(try reader.number(as: Float.self))")
        case "n": try reader.null()
        default: try reader.skipValue()
        }
      }
      return seen
    }
    #expect(
      seen == [
        "a", "x\né😀/", "b", "-12", "c", "true", "d", "150.0", "e", "[1, 2, -3]", "f", "n", "é", "h",
        "0.1",
      ])
  }

  @Test(
    "refuses integers that are none or do not fit",
    arguments: [
      "1.0", "1e2", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1E0", "-0.0",
      "10000000000000000000000", "18446744073709551616",
    ])
  func noIntegers(text: String) {
    let error = failure { () throws(JSONError) in
      try decode(text) { (reader) throws(JSONError) in try reader.integer() }
    }
    #expect(error?.pointer == "")
  }

  @Test("reads the extreme integers")
  func extremeIntegers() throws {
    for value in [0, -1, Int.max, Int.min, 1_000_000_000_000_000_000] {
      #expect(try decode("\(value)") { (reader) throws(JSONError) in try reader.integer() } == value)
    }
    #expect(try decode("-0") { (reader) throws(JSONError) in try reader.integer() } == 0)
  }

  @Test("names the pointer of the value it refuses, escaped as RFC 6901 wants it")
  func pointers() {
    let error = failure { () throws(JSONError) in
      try decode(#"{"a/b~c": [0, {"d": "x"}]}"#) { (reader) throws(JSONError) in
        try reader.beginObject()
        _ = try reader.nextKey()
        try reader.beginArray()
        _ = try reader.nextElement()
        try reader.skipValue()
        _ = try reader.nextElement()
        try reader.beginObject()
        _ = try reader.nextKey()
        return try reader.integer()
      }
    }
    #expect(
      error
        == .invalid(
          message: "a number is expected, found a string", pointer: "/a~1b~0c/1/d", offset: 20))
  }

  @Test("refuses a field that stands twice, also when one of the two is escaped")
  func duplicates() {
    for text in [#"{"a":1,"b":2,"a":3}"#, #"{"a":1,"b":2,"\u0061":3}"#] {
      let error = failure { () throws(JSONError) in
        try decode(text) { (reader) throws(JSONError) in try readAnything(&reader) }
      }
      #expect(error?.pointer == "/a")
      #expect(error?.message == "the field stands twice")
    }
  }

  @Test("bounds the fields of an object and the elements of an array")
  func limits() {
    let many = "{" + (0..<300).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
    let error = failure { () throws(JSONError) in
      try decode(many) { (reader) throws(JSONError) in try readAnything(&reader) }
    }
    #expect(error?.pointer == "/k256")
    let long = failure { () throws(JSONError) in
      try decode("[1,2,3,4]") { (reader) throws(JSONError) in try reader.integers(limit: 3) }
    }
    #expect(
      long == .invalid(message: "the array has more than 3 elements", pointer: "/3", offset: 7, limit: 3))
  }

  @Test("says malformed, not invalid, when the document breaks behind the wrong value")
  func precedence() {
    let invalid = failure { () throws(JSONError) in
      try decode(#"["x", 1]"#) { (reader) throws(JSONError) in try reader.integers(limit: 9) }
    }
    #expect(invalid?.pointer == "/0")
    let malformed = failure { () throws(JSONError) in
      try decode(#"["x", 01]"#) { (reader) throws(JSONError) in try reader.integers(limit: 9) }
    }
    #expect(malformed?.isMalformed == true)
    #expect(malformed?.offset == 7)
  }

  @Test("remembers its place in a copy")
  func copies() throws {
    let numbers = try decode("[16777217, 2]") { (reader) throws(JSONError) in
      var again = reader
      return try reader.integers(limit: 5) + again.integers(limit: 5)
    }
    #expect(numbers == [16_777_217, 2, 16_777_217, 2])
  }
}

@Suite("The writer")
struct WriterTests {
  @Test("puts commas and line breaks where they belong")
  func commas() {
    let text = written { writer in
      writer.beginObject()
      writer.key("a")
      writer.beginArray()
      writer.integer(-1)
      writer.boolean(true)
      writer.null()
      writer.beginArray()
      writer.endArray()
      writer.beginObject()
      writer.endObject()
      writer.number(0.5)
      writer.fixedPoint(1500, places: 3)
      writer.endArray()
      writer.newLine()
      writer.key("b")
      writer.string("x")
      writer.key(text: "c\"")
      writer.nested(Tensor<Float>([[1, 2], [.nan, .infinity]]))
      writer.key("d")
      writer.shape(Shape(3, 4))
      writer.endObject()
    }
    #expect(
      text
        == "{\"a\":[-1,true,null,[],{},0.5,1.500],\n\"b\":\"x\",\"c\\\"\":[[1,2],\n[null,null]],\"d\":[3,4]}")
  }

  @Test("escapes strings so that they read back, whatever is in them")
  func strings() throws {
    for text in ["", "\"\\/", (0..<0x80).map { String(Unicode.Scalar(UInt8($0))) }.joined(), "é€😀\u{2028}"] {
      let json = written { $0.string(text) }
      #expect(validation(Array(json.utf8)) == nil)
      #expect(try decode(json) { (reader) throws(JSONError) in try reader.string() } == text)
    }
  }

  @Test("appends behind what the buffer holds")
  func appending() {
    var buffer = ByteBuffer()
    buffer.append("data: ")
    var writer = JSONWriter(buffer)
    writer.integer(7)
    let result = writer.finish()
    #expect(String(decoding: result.elements, as: UTF8.self) == "data: 7")
  }
}
