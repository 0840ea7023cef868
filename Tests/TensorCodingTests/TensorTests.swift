import Buffers
import Convolution
import TensorCoding
import Testing

/// A tensor that stands wrong in `{"image": …}`, with the pointer, offset and message it is refused with.
private struct Refusal: CustomTestStringConvertible {
  let text: String
  let pointer: String
  let offset: Int
  let message: String
  var testDescription: String { text }

  init(_ text: String, _ pointer: String, _ offset: Int, _ message: String) {
    self.text = text
    self.pointer = pointer
    self.offset = offset
    self.message = message
  }
}

private let refusals: [Refusal] = [
  Refusal("[[1,2],[3]]", "/image/1", 7, "the array has length 1, the first one beside it has length 2"),
  Refusal(
    "[[1,2],[3,4],[5,6,7,8]]", "/image/2", 13, "the array has length 4, the first one beside it has length 2"),
  Refusal(
    "[[[1],[2]],[[3]]]", "/image/1", 11, "the array has length 1, the first one beside it has length 2"),
  Refusal(
    "[[[1],[2]],[[3],[4],[5]]]", "/image/1", 11,
    "the array has length 3, the first one beside it has length 2"),
  Refusal(
    "[[[[1],[2]]],[[[3],[4,5]]]]", "/image/1/0/1", 19,
    "the array has length 2, the first one beside it has length 1"),
  Refusal(
    "[[[[1]]],[[[2]],[[3]]]]", "/image/1", 9, "the array has length 2, the first one beside it has length 1"),
  Refusal("[]", "/image", 0, "the array is empty"), Refusal("[[]]", "/image/0", 1, "the array is empty"),
  Refusal("[[1],[]]", "/image/1", 5, "the array is empty"),
  Refusal("[[[1]],[ ]]", "/image/1", 7, "the array is empty"),
  Refusal("[[1],2]", "/image/1", 5, "an array is expected, found a number"),
  Refusal("[[1],null]", "/image/1", 5, "an array is expected, found null"),
  Refusal("[[1,[2]]]", "/image/0/1", 4, "a number is expected, found an array"),
  Refusal("[[1],[[2]]]", "/image/1/0", 6, "a number is expected, found an array"),
  Refusal("[[1,\"2\"]]", "/image/0/1", 4, "a number is expected, found a string"),
  Refusal("[[1],[null]]", "/image/1/0", 6, "a number is expected, found null"),
  Refusal("[[true]]", "/image/0/0", 2, "a number or an array is expected, found a boolean"),
  Refusal("[[1, {}]]", "/image/0/1", 5, "a number is expected, found an object"),
  Refusal("[null]", "/image/0", 1, "a number or an array is expected, found null"),
  Refusal("[1,2]", "/image", 0, "a tensor has at least two dimensions: an array of rows"),
  Refusal("[[[[[1]]]]]", "/image/0/0/0/0", 4, "a tensor has at most four dimensions"),
  Refusal("7", "/image", 0, "a tensor is expected, nested arrays or an object, found a number"),
  Refusal("null", "/image", 0, "a tensor is expected, nested arrays or an object, found null"),
  Refusal("[[1],[1e999]]", "/image/1/0", 6, "the number overflows float32"),
  Refusal("[[1,  1e39]]", "/image/0/1", 6, "the number overflows float32"),
  Refusal(
    "[[0,-3.5e38,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]]", "/image/0/1", 4, "the number overflows float32"),
  Refusal("{\"shape\":[1,1],\"dtype\":\"float32\"}", "/image/data", 0, "the field data is missing"),
  Refusal("{\"data\":\"AAAAAA==\",\"dtype\":\"float32\"}", "/image/shape", 0, "the field shape is missing"),
  Refusal("{\"shape\":[1,1],\"data\":\"AAAAAA==\"}", "/image/dtype", 0, "the field dtype is missing"),
  Refusal(
    "{\"shape\":[1,1],\"color\":1}", "/image/color", 23,
    "a tensor has the fields shape, dtype and data, and no other"),
  Refusal(
    "{\"shape\":[1],\"dtype\":\"float32\",\"data\":\"\"}", "/image/shape", 9,
    "a tensor has at least two dimensions"),
  Refusal("{\"shape\":[1,0]}", "/image/shape/1", 12, "an extent is at least 1"),
  Refusal("{\"shape\":[1,1.0]}", "/image/shape/1", 12, "an integer is expected, without point or exponent"),
  Refusal("{\"shape\":[1,1,1,1,1]}", "/image/shape/4", 18, "a tensor has at most four dimensions"),
  Refusal("{\"shape\":[4294967296,4294967296]}", "/image/shape", 9, "the tensor has more than 100 elements"),
  Refusal("{\"shape\":[11,10]}", "/image/shape", 9, "the tensor has more than 100 elements"),
  Refusal("{\"shape\":[1,1],\"shape\":[1,1]}", "/image/shape", 15, "the field stands twice"),
  Refusal(
    "{\"dtype\":\"float8\"}", "/image/dtype", 9, "the dtype is one of float32, float64, float16, bfloat16"),
  Refusal("{\"dtype\":32}", "/image/dtype", 9, "a string is expected, found a number"),
  Refusal("{\"data\":[1]}", "/image/data", 8, "a string is expected, found an array"),
  Refusal(
    "{\"shape\":[1,2],\"dtype\":\"float32\",\"data\":\"AAAAAA==\"}", "/image/data", 40,
    "the data have 4 bytes, 1×2 of float32 takes 8"),
  Refusal(
    "{\"shape\":[1,1],\"dtype\":\"float32\",\"data\":\"AAAAAAA=\"}", "/image/data", 40,
    "the data have 5 bytes, 1×1 of float32 takes 4"),
  Refusal(
    "{\"shape\":[1,1],\"dtype\":\"float32\",\"data\":\"AAAAAA\"}", "/image/data", 40,
    "the number of base64 characters is no multiple of four"),
  Refusal(
    "{\"shape\":[1,1],\"dtype\":\"float32\",\"data\":\"AAA-AA==\"}", "/image/data", 44,
    "no base64 character, or padding in the wrong place, at character 3"),
  Refusal(
    "{\"shape\":[1,1],\"dtype\":\"float32\",\"data\":\"AAAAAB==\"}", "/image/data", 46,
    "the last base64 character has bits behind the data"),
  Refusal(
    "{\"shape\":[1,1],\"dtype\":\"float64\",\"data\":\"AAAAAAAAAAA=\"}", "/image/dtype", 23,
    "float64 data are not narrowed; ask for the dtype float64"),
]

@Suite("A tensor in JSON")
struct TensorTests {
  @Test("is read from nested arrays of rank 2 to 4")
  func ranks() throws {
    #expect(try tensor("[[1,2,3],[4,5,6]]", as: Float.self) == Picture(Tensor([[1, 2, 3], [4, 5, 6]])))
    let three = try tensor(" [ [ [1 ,2],\n[3,4] , [5\t,6]],[[7,8],[9,10],[11,12]] ] ", as: Double.self)
    #expect(three.shape.description == "2×3×2")
    #expect(three.elements == (1...12).map(Double.init))
    let four = try tensor("[[[[1]],[[2]]],[[[3]],[[4]]],[[[5]],[[-0.0]]]]", as: Float.self)
    #expect(four.shape.description == "3×2×1×1")
    #expect(four.elements == [1, 2, 3, 4, 5, 0])
    #expect(four.elements[5].sign == .minus)
  }

  @Test("is refused with pointer and offset where it is wrong", arguments: refusals)
  fileprivate func refusal(_ refusal: Refusal) {
    let prefix = "{\"image\": "
    let error = failure { () throws(JSONError) in
      try decode(prefix + refusal.text + "}") { (reader) throws(JSONError) in
        try reader.beginObject()
        _ = try reader.nextKey()
        let pending = try reader.pendingTensor(elementLimit: 100)
        let picture = Picture(try pending.tensor(as: Float.self))
        _ = try reader.nextKey()
        return picture
      }
    }
    #expect(error?.pointer == refusal.pointer)
    #expect(error?.offset == refusal.offset + prefix.utf8.count)
    #expect(error?.message == refusal.message)
  }

  @Test("has at most as many elements as allowed, exactly")
  func elementLimit() throws {
    for (rows, width) in [(1, 100), (100, 1), (10, 10), (4, 25)] {
      let row = "[" + Array(repeating: "1", count: width).joined(separator: ",") + "]"
      let text = "[" + Array(repeating: row, count: rows).joined(separator: ",") + "]"
      #expect(try tensor(text, as: Float.self, limit: 100).elements.count == 100)
      let error = failure { () throws(JSONError) in try tensor(text, as: Float.self, limit: 99) }
      #expect(
        error == .invalid(message: "the tensor has more than 99 elements", pointer: "", offset: 0, limit: 99))
    }
  }

  @Test("is read once as float32, and again where the problem turns out to be float64")
  func pending() throws {
    let text =
      "{\"a\":[[0.1,1e39]],\"b\":[[0.1]],\"c\":{\"data\":\"zczMPQ==\",\"dtype\":\"float32\",\"shape\":[1,1]}}"
    try withBytes(Array(text.utf8)) { (bytes) throws(JSONError) in
      var reader = JSONReader(bytes)
      try reader.beginObject()
      _ = try reader.nextKey()
      let a = try reader.pendingTensor(elementLimit: 9)
      _ = try reader.nextKey()
      let early = try reader.pendingTensor(elementLimit: 9)
      _ = try reader.nextKey()
      let c = try reader.pendingTensor(elementLimit: 9)
      #expect(try reader.nextKey() == nil)
      try reader.finish()
      #expect(a.source.form == .nested)
      #expect(a.source.range == 5..<17)
      #expect(c.source.form == .object(.float32))
      #expect(c.source.pointer == "/c")
      let refusal = failure { () throws(JSONError) in
        Picture(try a.source.decode(as: Float.self))
      }
      #expect(refusal?.pointer == "/a/0/1")
      #expect(Picture(try a.tensor(as: Double.self)).elements == [0.1, 1e39])
      #expect(Picture(try early.source.decode(as: Double.self)).elements == [0.1])
      #expect(Picture(try early.tensor(as: Float.self)).elements == [0.1])
      #expect(Picture(try c.tensor(as: Double.self)).elements == [Double(Float(0.1))])
    }
  }

  @Test("keeps infinities and NaN in base64, where alone they can be said, and escapes do no harm")
  func nonfinite() throws {
    let tensor = Tensor<Float>([
      [.infinity, -.infinity, .nan, -0.0, .leastNonzeroMagnitude, 3.4e38, Float(bitPattern: .max)]
    ])
    var json = written { $0.object(tensor) }
    #expect(json.hasPrefix(#"{"shape":[1,7],"dtype":"float32","data":""#))
    #expect(json.contains("/"))
    for _ in 0..<2 {
      let back = try TensorCodingTests.tensor(json, as: Float.self)
      #expect(back.elements.map(\.bitPattern) == Picture(tensor).elements.map(\.bitPattern))
      let wide = try TensorCodingTests.tensor(json, as: Double.self)
      #expect(
        wide.elements[0] == .infinity && wide.elements[2].isNaN && wide.elements[5] == Double(Float(3.4e38)))
      json = json.replacing("/", with: "\\/").replacing("A", with: "\\u0041")
    }
    let doubles = Tensor<Double>([[.infinity, .nan, 0.1]])
    let back = try TensorCodingTests.tensor(written { $0.object(doubles) }, as: Double.self)
    #expect(back.elements[0] == .infinity && back.elements[1].isNaN && back.elements[2] == 0.1)
  }

  @Test("survives the way out and back in both forms, at every small shape and alignment")
  func roundTrip() throws {
    var random = SeededGenerator(state: 7)
    for height in 1...5 {
      for width in [1, 2, 3, 5, 8, 13, 63, 64, 65, 257] {
        for channels in 1...2 {
          var shape = Shape()
          if channels > 1 { shape.append(channels) }
          if width == 13 && channels > 1 { shape.append(2) }
          shape.append(height)
          shape.append(width)
          var elements = AlignedBuffer<Float>()
          for _ in 0..<shape.elementCount! { elements.append(Float.random(in: -1e3...1e3, using: &random)) }
          let tensor = Tensor(shape: shape, elements: elements)
          let nested = Array(written { $0.nested(tensor) }.utf8)
          let object = Array(written { $0.object(tensor) }.utf8)
          for text in [nested, object] {
            let back = try withBytes(text) { (bytes) throws(JSONError) in
              try decodeDocument(bytes) { (reader) throws(JSONError) in
                Picture(try reader.tensor(as: Float.self, elementLimit: 10_000))
              }
            }
            #expect(back == Picture(tensor))
          }
        }
      }
    }
  }

  @Test("never reserves much more than its bytes could fill")
  func reservation() throws {
    let text = "[[0,0,0,0]," + String(repeating: " ", count: 100_000) + "[1,1,1,1]]"
    let capacity = try decode(text) { (reader) throws(JSONError) in
      try reader.tensor(as: Float.self, elementLimit: 1 << 30).elements.capacity
    }
    #expect(capacity <= text.utf8.count / 2 + 64)
  }
}

@Suite("Attacked documents")
struct AttackTests {
  private let documents = [
    #"{"image": [[0.8444219,-1e-3],[12345678.25, 4E+2]], "filter": {"shape":[1,1],"dtype":"float32","data":"AACAPw=="}, "padding": [1, 2], "dtype": "float32", "flip": false, "x": null, "s": "aé😀\u00e9\ud83d\ude00\n"}"#,
    #"[[[0.123456789012345678901234567890,1],[2,3]],[[4.5,5],[6,7.000000000000000000000001e-5]]]"#,
  ]

  /// Reads the document as a service would, whatever its fields are.
  private func serve(_ reader: inout JSONReader) throws(JSONError) {
    if try reader.kind() == .array {
      _ = try reader.tensor(as: Double.self, elementLimit: 1000)
      return
    }
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch key {
      case "image", "filter":
        let pending = try reader.pendingTensor(elementLimit: 1000)
        _ = try pending.tensor(as: Float.self)
      case "padding": _ = try reader.integers(limit: 4)
      case "dtype", "s": _ = try reader.string()
      case "flip": _ = try reader.boolean()
      case "x": try reader.null()
      default: throw reader.invalid("no such field")
      }
    }
  }

  private func outcome(_ text: [UInt8]) -> JSONError? {
    failure { () throws(JSONError) in
      try withBytes(text) { (bytes) throws(JSONError) in
        try decodeDocument(bytes) { (reader) throws(JSONError) in try serve(&reader) }
      }
    }
  }

  @Test("are malformed wherever they are cut off")
  func truncation() {
    for document in documents {
      let text = Array(document.utf8)
      #expect(outcome(text) == nil)
      for length in 0..<text.count {
        let error = outcome(Array(text[..<length]))
        #expect(error?.isMalformed == true, "cut at \(length)")
        #expect(error?.offset == length, "cut at \(length)")
      }
    }
  }

  @Test("never trap, and are malformed exactly when the validator says so, after random mutations")
  func mutation() {
    var random = SeededGenerator(state: 8)
    let alphabet = Array("[]{},:\"\\ \n0123456789.eE+-aéunltf\u{0}".utf8) + [0xFF, 0x80, 0xED, 0xF0]
    for round in 0..<60_000 {
      var text = Array(documents[round % documents.count].utf8)
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[place] = alphabet.randomElement(using: &random)!
        case 1: text.insert(alphabet.randomElement(using: &random)!, at: place)
        case 2: text.remove(at: place)
        default:
          let end = Int.random(in: place..<text.count, using: &random)
          text.insert(
            contentsOf: text[place...min(end, place + 20)], at: Int.random(in: 0..<text.count, using: &random)
          )
        }
      }
      let isMalformed = outcome(text)?.isMalformed == true
      if isMalformed != (validation(text) != nil) {
        Issue.record("\(String(decoding: text, as: UTF8.self))")
      }
    }
  }
}
