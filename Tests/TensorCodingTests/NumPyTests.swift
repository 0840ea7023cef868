import Buffers
import Convolution
import TensorCoding
import Testing

/// A file: the header's text is padded and ended as NumPy does it.
private func file(_ dictionary: String, _ data: [UInt8] = [], version: (UInt8, UInt8) = (1, 0)) -> [UInt8] {
  let lengthSize = version.0 == 1 ? 2 : 4
  let unpadded = 8 + lengthSize + dictionary.utf8.count + 1
  let header = Array(dictionary.utf8) + [UInt8](repeating: 0x20, count: (64 - unpadded % 64) % 64) + [0x0A]
  let length = (0..<lengthSize).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version.0, version.1] + length + header + data
}

private func dictionary(_ descr: String, _ shape: String, isFortran: Bool = false) -> String {
  "{'descr': '\(descr)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': \(shape), }"
}

/// The bytes of numbers, the least significant first or last.
private func bytes<Bits: FixedWidthInteger>(_ numbers: [Bits], isBigEndian: Bool = false) -> [UInt8] {
  numbers.flatMap { number in
    withUnsafeBytes(of: isBigEndian ? number.bigEndian : number.littleEndian) { Array($0) }
  }
}

private func tensor<Scalar: TensorScalar>(
  _ file: [UInt8], as type: Scalar.Type, ranks: ClosedRange<Int> = 1...4, limit: Int = 100
) throws(NumPyError) -> Picture<Scalar> {
  try withBytes(file) { (bytes) throws(NumPyError) in
    Picture(try NumPyArray(bytes, ranks: ranks, elementLimit: limit).tensor(as: type))
  }
}

private func failure(
  _ file: [UInt8], as type: (some TensorScalar).Type = Double.self, ranks: ClosedRange<Int> = 1...4
) -> NumPyError? {
  do {
    _ = try tensor(file, as: type, ranks: ranks)
    return nil
  } catch {
    return error
  }
}

extension NumPyError {
  fileprivate var part: Part {
    switch self {
    case .malformed(let part, _, _), .refused(let part, _, _, _): part
    }
  }
  fileprivate var isMalformed: Bool {
    if case .malformed = self { true } else { false }
  }
}

/// Two rows of three small numbers, which every type holds, except that unsigned ones have no −2.
private let small: [Double] = [1, 0, 3, 4, 5, 127]

@Suite("A file of NumPy's format")
struct NumPyTests {
  @Test("is read in every type, byte order and version", arguments: NumPyType.allCases)
  func types(type: NumPyType) throws {
    for isBigEndian in [false, true] {
      let data =
        switch type {
        case .float16: bytes(small.map { Float($0).float16Bits }, isBigEndian: isBigEndian)
        case .float32: bytes(small.map { Float($0).bitPattern }, isBigEndian: isBigEndian)
        case .float64: bytes(small.map(\.bitPattern), isBigEndian: isBigEndian)
        case .int8: bytes(small.map { Int8($0) })
        case .uint8: bytes(small.map { UInt8($0) })
        case .int16: bytes(small.map { Int16($0) }, isBigEndian: isBigEndian)
        case .uint16: bytes(small.map { UInt16($0) }, isBigEndian: isBigEndian)
        case .int32: bytes(small.map { Int32($0) }, isBigEndian: isBigEndian)
        case .uint32: bytes(small.map { UInt32($0) }, isBigEndian: isBigEndian)
        case .int64: bytes(small.map { Int64($0) }, isBigEndian: isBigEndian)
        case .uint64: bytes(small.map { UInt64($0) }, isBigEndian: isBigEndian)
        }
      let order = type.byteCount == 1 ? "|" : isBigEndian ? ">" : "<"
      for version: (UInt8, UInt8) in [(1, 0), (2, 0), (3, 0)] {
        let file = file(dictionary(order + type.rawValue, "(2, 3)"), data, version: version)
        let wide = try tensor(file, as: Double.self)
        #expect(wide.shape == Shape(2, 3) && wide.elements == small, "\(order)\(type)")
        if type == .float64 {
          #expect(failure(file, as: Float.self)?.part == .elementType)
        } else {
          #expect(try tensor(file, as: Float.self).elements == small.map { Float($0) }, "\(order)\(type)")
        }
      }
    }
  }

  @Test("keeps the sign of negative integers, of zeros, and infinities and NaN")
  func signs() throws {
    let integers = file(dictionary("<i2", "(3,)"), bytes([-1, Int16.min, 2] as [Int16]))
    #expect(try tensor(integers, as: Float.self).elements == [-1, -32768, 2])
    let floats = file(dictionary("<f2", "(4,)"), bytes([0x8000, 0x7C00, 0xFC00, 0x7E00] as [UInt16]))
    let found = try tensor(floats, as: Float.self).elements
    #expect(found[0].sign == .minus && found[0] == 0 && found[1] == .infinity && found[2] == -.infinity)
    #expect(found[3].isNaN)
  }

  @Test("holds integers that the wanted type has, and is refused with the place of the first that it lacks")
  func integers() throws {
    let int32 = file(dictionary("<i4", "(3,)"), bytes([1 << 24, -(1 << 30), (1 << 24) + 1] as [Int32]))
    #expect(try tensor(int32, as: Double.self).elements == [0x1p24, -0x1p30, 0x1p24 + 1])
    let error = try #require(failure(int32, as: Float.self))
    #expect(
      error == .refused(.data, message: "the integer at position 2 of the file's order is none of float32"))
    for value in [Int64(1 << 53) + 1, .max, .min + 1] {
      #expect(failure(file(dictionary("<i8", "(1,)"), bytes([value])))?.part == .data, "\(value)")
    }
    #expect(failure(file(dictionary(">u8", "(1,)"), bytes([UInt64.max], isBigEndian: true)))?.part == .data)
    #expect(
      try tensor(file(dictionary("<i8", "(1,)"), bytes([Int64.min])), as: Double.self).elements == [-0x1p63])
  }

  @Test("in Fortran's order is read by the same indices, in any number of dimensions")
  func fortran() throws {
    for extents in [[5], [2, 3], [3, 1], [1, 4], [2, 3, 4], [2, 3, 4, 5], [3, 1, 2, 1]] {
      var shape = Shape()
      for extent in extents { shape.append(extent) }
      let count = extents.reduce(1, *)
      // Each element is its own row-major index; the file has them with the first index running fastest.
      var stored: [UInt16] = []
      for position in 0..<count {
        var (rest, index, places) = (position, 0, [Int]())
        for extent in extents {
          places.append(rest % extent)
          rest /= extent
        }
        for (axis, place) in places.enumerated() { index = index * extents[axis] + place }
        stored.append(UInt16(index))
      }
      let text = "(" + extents.map { "\($0)," }.joined() + ")"
      let found = try withBytes(
        file(dictionary(">u2", text, isFortran: true), bytes(stored, isBigEndian: true))
      ) {
        (bytes) throws(NumPyError) in
        Picture(try NumPyArray(bytes, ranks: 1...4, elementLimit: 1000).tensor(as: Float.self))
      }
      #expect(found.shape == shape && found.elements == (0..<count).map { Float($0) }, "\(extents)")
    }
  }

  @Test(
    "may have its three keys in any order, in either quotes, with spaces anywhere or none",
    arguments: [
      "{'descr':'<f4','fortran_order':False,'shape':(1,)}",
      "{\"shape\": (1,), \"descr\": \"<f4\", \"fortran_order\": False}",
      "  { 'shape' :  ( 1 , ) , 'fortran_order' : False , 'descr' : '<f4' ,  }  ",
    ])
  func spelling(dictionary: String) throws {
    #expect(try tensor(file(dictionary, [0, 0, 0x80, 0x3F]), as: Float.self).elements == [1])
  }

  @Test(
    "whose header is no such dictionary is malformed",
    arguments: [
      ("", .header), ("{", .header), ("{}", .elementType), ("[]", .header), ("{'descr'}", .header),
      ("{'descr': '<f4'", .header), ("{'descr': '<f4', 'shape': (1,)}", .fortranOrder),
      ("{'descr': '<f4', 'fortran_order': False}", .shape),
      ("{'fortran_order': False, 'shape': (1,)}", .elementType),
      ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", .header),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", .header),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,),, }", .header),
      ("{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", .header),
      ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", .fortranOrder),
      ("{'descr': '<f4', 'fortran_order': false, 'shape': (1,)}", .fortranOrder),
      ("{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (1,)}", .fortranOrder),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': 1}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': [1]}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (01,)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1L,)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,", .shape),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1", .shape),
      ("{'descr': '<f4\\x00', 'fortran_order': False, 'shape': (1,)}", .elementType),
      ("{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}", .header),
      ("{'descr': '<f4", .elementType), ("{'descr': 4}", .elementType), ("{'dëscr': '<f4'}", .header),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + x", .header),
    ] as [(String, NumPyError.Part)])
  func grammar(dictionary: String, part: NumPyError.Part) throws {
    let error = try #require(failure(file(dictionary, [0, 0, 0, 0])), "\(dictionary)")
    #expect(error.isMalformed && error.part == part, "\(dictionary): \(error)")
  }

  @Test(
    "of another type, rank or size is refused with what is wrong",
    arguments: [
      ("|O", "(1,)", 8, .elementType, "pickles"), ("<O8", "(1,)", 8, .elementType, "pickles"),
      ("<c8", "(1,)", 8, .elementType, "'<c8' is not taken"), ("<U1", "(1,)", 4, .elementType, "'<U1'"),
      ("|V2", "(1,)", 2, .elementType, "'|V2'"), ("|b1", "(1,)", 1, .elementType, "'|b1'"),
      ("<f16", "(1,)", 16, .elementType, "'<f16'"), ("=f4", "(1,)", 4, .elementType, "'=f4'"),
      ("|f4", "(1,)", 4, .elementType, "'|f4'"), ("f4", "(1,)", 4, .elementType, "'f4'"),
      ("", "(1,)", 4, .elementType, "''"), ("<", "(1,)", 4, .elementType, "'<'"),
      ("<f4", "()", 4, .shape, "the array has 0"), ("<f4", "(1,1,1,1,1)", 4, .shape, "the array has 5"),
      ("<f4", "(0,)", 0, .shape, "empty"), ("<f4", "(3, 0)", 0, .shape, "empty"),
      ("<f4", "(101,)", 404, .shape, "more than 100"), ("<f4", "(11, 10)", 440, .shape, "more than 100"),
      ("<f4", "(9223372036854775807, 9223372036854775807)", 4, .shape, "more than 100"),
      ("<f4", "(99999999999999999999999999, 1)", 4, .shape, "more than 100"),
      ("<f4", "(2, 3)", 23, .data, "there are 23 bytes, 2×3 of float32 takes 24"),
      ("<f4", "(2, 3)", 25, .data, "there are 25 bytes"), ("<f8", "(1,)", 0, .data, "there are 0 bytes"),
    ] as [(String, String, Int, NumPyError.Part, String)])
  func refusal(descr: String, shape: String, count: Int, part: NumPyError.Part, words: String) throws {
    let error = try #require(
      failure(file(dictionary(descr, shape), [UInt8](repeating: 0, count: count))), "\(descr) \(shape)")
    #expect(!error.isMalformed && error.part == part && "\(error)".contains(words), "\(error)")
  }

  @Test("of records is refused, and a rank is asked for in the caller's words")
  func records() throws {
    let records = file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", [0, 0, 0, 0])
    #expect(failure(records) == .refused(.elementType, message: "arrays of records are not taken"))
    let row = file(dictionary("<f4", "(1,)"), [0, 0, 0, 0])
    #expect(
      failure(row, ranks: 2...2)
        == .refused(.shape, message: "2 dimensions are expected, the array has 1"))
  }

  @Test(
    "cut off anywhere, of another version or with a header that is too long, is refused without reading beyond it"
  )
  func truncation() throws {
    let whole = file(dictionary("<f4", "(2,)"), [0, 0, 0, 0, 0, 0, 0, 0])
    for length in 0..<whole.count {
      let error = try #require(failure(Array(whole[..<length])), "cut at \(length)")
      #expect(error.isMalformed == (length < whole.count - 8), "cut at \(length): \(error)")
    }
    for version: (UInt8, UInt8) in [(0, 0), (1, 1), (4, 0), (255, 255)] {
      var other = whole
      (other[6], other[7]) = version
      #expect(failure(other)?.part == .version)
    }
    for length: [UInt8] in [[0xFF, 0xFF, 0xFF, 0xFF], [0x11, 0x27, 0, 0]] {
      let error = failure([0x93] + Array("NUMPY".utf8) + [2, 0] + length + whole[10...])
      #expect(error?.part == .headerLength && error?.isMalformed == false)
    }
    let long = dictionary("<f4", "(1,)") + String(repeating: " ", count: 9_000)
    #expect(try tensor(file(long, [0, 0, 0, 0]), as: Float.self).elements == [0])
  }

  @Test("with any one byte changed is read or refused, and nothing else")
  func corruption() {
    let whole = file(dictionary("<f4", "(2, 2)", isFortran: true), [UInt8](repeating: 1, count: 16))
    for index in whole.indices {
      for change: UInt8 in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
        var other = whole
        other[index] ^= change
        let error = failure(other)
        #expect(error != nil || index > 10, "byte \(index) ^ \(change)")
      }
    }
  }

  @Test("is written as it is read, the elements at a multiple of 64 bytes")
  func roundTrip() throws {
    for shape in [Shape(3), Shape(1, 1), Shape(2, 3), Shape(2, 3, 1, 7)] {
      let count = shape.elementCount!
      let elements = AlignedBuffer<Float>(count: count) { room in
        for index in room.indices { room[index] = Float(index) - 2.5 }
      }
      let given = Tensor(shape: shape, elements: elements)
      for format in [DataType.float32, .float16, .bfloat16] {
        var buffer = ByteBuffer()
        buffer.append(numPy: given, as: format)
        let size = format == .float16 ? 2 : 4
        #expect((buffer.count - count * size) % 64 == 0)
        #expect(try tensor(Array(buffer.elements), as: Float.self) == Picture(given))
      }
    }
  }

  @Test("is written with the very bytes that numpy.save writes")
  func bytesOfNumPy() throws {
    var buffer = ByteBuffer()
    buffer.append(numPy: Tensor<Double>([[0.1, .infinity]]))
    // numpy.save(file, numpy.array([[0.1, numpy.inf]])), NumPy 2.4.
    let header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }" + String(repeating: " ", count: 58) + "\n"
    let magic = [0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0]
    let data: [UInt8] = [0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F]
    #expect(Array(buffer.elements) == magic + Array(header.utf8) + data)
    #expect(try tensor(Array(buffer.elements), as: Double.self).elements == [0.1, .infinity])
  }
}
