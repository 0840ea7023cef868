import Buffers
import Convolution
import TensorCoding
import Testing

/// A row of all 65 536 bit patterns as a tensor object.
private func everyPattern(of type: DataType) -> String {
  let bits = AlignedBuffer<UInt16>(count: 65536) { room in
    for index in 0..<room.count { room[index] = UInt16(index) }
  }
  var data = ByteBuffer()
  Base64.encode(bits.bytes, to: &data)
  let text = String(decoding: data.elements, as: UTF8.self)
  return #"{"shape":[1,65536],"dtype":"\#(type.rawValue)","data":"\#(text)"}"#
}

@Suite("A tensor of a short type")
struct ShortTypeTests {
  @Test("float16 widens exactly, every bit pattern of it, in either precision")
  func float16() throws {
    let text = everyPattern(of: .float16)
    let single = try tensor(text, as: Float.self).elements
    let double = try tensor(text, as: Double.self).elements
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let (found, wide) = (single[Int(bits)], double[Int(bits)])
      if expected.isNaN {
        #expect(found.isNaN && wide.isNaN && found.sign == expected.sign, "\(bits)")
      } else if found.bitPattern != expected.bitPattern || wide != Double(expected)
        || wide.sign != expected.sign
      {
        Issue.record("float16 \(bits) is read as \(found) and \(wide), not \(expected)")
      }
    }
  }

  @Test("bfloat16 is the upper half of a float32, every bit pattern of it")
  func bfloat16() throws {
    let single = try tensor(everyPattern(of: .bfloat16), as: Float.self).elements
    for bits in UInt16.min...UInt16.max where single[Int(bits)].bitPattern != UInt32(bits) << 16 {
      Issue.record("bfloat16 \(bits) is read as \(single[Int(bits)])")
    }
  }

  @Test("is written with the bits it was read from", arguments: [DataType.float16, .bfloat16])
  func roundTrip(type: DataType) throws {
    let text = everyPattern(of: type)
    let again = try decode(text) { (reader) throws(JSONError) in
      let tensor = try reader.tensor(as: Float.self, elementLimit: 1 << 20)
      return written { $0.object(tensor, as: type) }
    }
    // Base64 encodes single NaN patterns apart; everything else must be the very same text.
    let before = try tensor(text, as: Float.self).elements
    let after = try tensor(again, as: Float.self).elements
    #expect(again.hasPrefix(#"{"shape":[1,65536],"dtype":"\#(type.rawValue)","data":""#))
    for (old, new) in zip(before, after) where old.bitPattern != new.bitPattern {
      #expect(old.isNaN && new.isNaN, "\(old) became \(new)")
    }
  }

  @Test("has two bytes an element")
  func byteCount() {
    let error = failure { () throws(JSONError) in
      try tensor(#"{"shape":[1,2],"dtype":"float16","data":"AAAAAAA="}"#, as: Float.self)
    }
    #expect(error?.message == "the data have 5 bytes, 1×2 of float16 takes 4" && error?.pointer == "/data")
  }

  @Test(
    "is decoded in passing, and again for a problem in float64", arguments: [DataType.float16, .bfloat16])
  func pending(type: DataType) throws {
    // 1.5 and −2 in either format.
    let data = type == .float16 ? "AD4AwA==" : "wD8AwA=="
    let text = #"{"a":{"shape":[1,2],"dtype":"\#(type.rawValue)","data":"\#(data)"}}"#
    try withBytes(Array(text.utf8)) { (bytes) throws(JSONError) in
      for isWide in [false, true] {
        var reader = JSONReader(bytes)
        try reader.beginObject()
        _ = try reader.nextKey()
        let pending = try reader.pendingTensor(elementLimit: 9)
        #expect(pending.source.form == .object(type))
        if isWide {
          #expect(Picture(try pending.tensor(as: Double.self)).elements == [1.5, -2])
        } else {
          #expect(Picture(try pending.tensor(as: Float.self)).elements == [1.5, -2])
        }
      }
    }
  }
}

@Suite("A row of numbers")
struct RowTests {
  private func row<Scalar: TensorScalar>(
    _ text: String, as type: Scalar.Type, limit: Int = 4
  ) throws(JSONError) -> Picture<Scalar> {
    try decode(text) { (reader) throws(JSONError) in
      let pending = try reader.pendingTensor(elementLimit: limit, ranks: .row)
      return Picture(try pending.tensor(as: type))
    }
  }

  @Test("is a number, an array of numbers, or an object of one dimension")
  func forms() throws {
    for text in ["[0.5]", "0.5", " 5e-1 ", #"{"shape":[1],"dtype":"float32","data":"AAAAPw=="}"#] {
      #expect(try row(text, as: Float.self) == Picture(Tensor(shape: Shape(1), repeating: 0.5)))
      #expect(try row(text, as: Double.self) == Picture(Tensor(shape: Shape(1), repeating: 0.5)))
    }
    let three = try row("[1, 2 ,3]", as: Float.self)
    #expect(three.shape == Shape(3) && three.elements == [1, 2, 3])
  }

  @Test("is read again in float64 where that turns out to be the problem's type")
  func twoPasses() throws {
    for text in ["[0.1,1e39]", "[1e39]", "1e39", "0.1", "[0.1]"] {
      let wide = try row(text, as: Double.self).elements
      #expect(wide == (text.hasPrefix("[0.1,") ? [0.1, 1e39] : text.contains("39") ? [1e39] : [0.1]))
    }
    for (text, pointer) in [("1e39", ""), ("[1,-1e39]", "/1")] {
      let error = failure { () throws(JSONError) in try row(text, as: Float.self) }
      #expect(error?.message == "the number overflows float32" && error?.pointer == pointer)
    }
  }

  @Test(
    "is refused where it is anything else",
    arguments: [
      ("\"1\"", "", "a number, an array of numbers or an object is expected, found a string"),
      ("true", "", "a number, an array of numbers or an object is expected, found a boolean"),
      ("null", "", "a number, an array of numbers or an object is expected, found null"),
      ("[]", "", "the array is empty"),
      ("[[1]]", "/0", "one dimension is expected: a number for each channel"),
      ("[1,[2]]", "/1", "a number is expected, found an array"),
      ("[1,null]", "/1", "a number is expected, found null"),
      ("[1,2,3,4,5]", "", "the tensor has more than 4 elements"),
      (
        #"{"shape":[1,1],"dtype":"float32","data":"AAAAPw=="}"#, "/shape/1",
        "one dimension is expected: a number for each channel"
      ),
      (
        #"{"shape":[],"dtype":"float32","data":"AAAAPw=="}"#, "/shape",
        "one dimension is expected: a number for each channel"
      ),
      (#"{"shape":[5],"dtype":"float32","data":""}"#, "/shape", "the tensor has more than 4 elements"),
    ])
  func refusal(text: String, pointer: String, message: String) {
    let error = failure { () throws(JSONError) in try row(text, as: Float.self) }
    #expect(error?.pointer == pointer && error?.message == message, "\(text)")
  }

  @Test("cut off anywhere is malformed")
  func truncation() {
    let text = Array("[1.5, -2e1, 3]".utf8)
    for length in 0..<text.count {
      let error = failure { () throws(JSONError) in
        try row(String(decoding: text[..<length], as: UTF8.self), as: Float.self)
      }
      #expect(error?.isMalformed == true, "cut at \(length)")
    }
  }
}
