import Buffers
import Convolution

/// The fields of a tensor object, its data still encoded.
struct TensorObject {
  let shape: Shape
  let dataType: DataType
  let data: StringExtent
  /// Where the value of `dtype` stands.
  let dataTypeOffset: Int
}

extension JSONReader {
  /// Reads the fields of a tensor object in whatever order they stand.
  mutating func tensorObject(elementLimit: Int, ranks: TensorRanks) throws(JSONError) -> TensorObject {
    let start = at
    var shape: Shape?
    var dataType: (value: DataType, offset: Int)?
    var data: StringExtent?
    try beginObject()
    while let key = try nextKey() {
      switch key {
      case "shape":
        shape = try tensorShape(elementLimit: elementLimit, ranks: ranks)
      case "dtype":
        let kindFound = try kind()
        let offset = at
        let name = try string()
        guard kindFound == .string, let value = DataType(rawValue: name) else {
          let names = DataType.allCases.map(\.rawValue).joined(separator: ", ")
          throw invalid("the dtype is one of \(names)", at: offset)
        }
        dataType = (value, offset)
      case "data":
        try expect(.string)
        let string = try scanner.string(at: at)
        at = string.end
        data = string
      default:
        throw invalid("a tensor has the fields shape, dtype and data, and no other")
      }
    }
    guard let shape else { throw missing("shape", at: start) }
    guard let dataType else { throw missing("dtype", at: start) }
    guard let data else { throw missing("data", at: start) }
    return TensorObject(shape: shape, dataType: dataType.value, data: data, dataTypeOffset: dataType.offset)
  }

  private func missing(_ field: String, at start: Int) -> JSONError {
    invalid("the field \(field) is missing", below: "/\(field)", at: start)
  }

  private mutating func tensorShape(elementLimit: Int, ranks: TensorRanks) throws(JSONError) -> Shape {
    _ = try kind()
    let start = at
    var shape = Shape()
    try beginArray()
    while try nextElement() {
      _ = try kind()
      let offset = at
      let extent = try integer()
      guard shape.rank < ranks.most else {
        throw invalid(ranks.tooMany, at: offset, limit: ranks.most)
      }
      guard extent >= 1 else { throw invalid("an extent is at least 1", at: offset) }
      shape.append(extent)
    }
    guard shape.rank >= ranks.least else { throw invalid(ranks.tooFew, at: start) }
    guard let count = shape.elementCount, count <= elementLimit else {
      throw invalid(
        "the tensor has more than \(elementLimit) elements", at: start, limit: elementLimit,
        actual: shape.elementCount)
    }
    return shape
  }

  /// Decodes an object's data, of which its bytes must be as many as its shape and dtype say.
  func decode<Scalar: TensorScalar>(
    _ object: TensorObject, as type: Scalar.Type
  ) throws(JSONError) -> Tensor<Scalar> {
    if object.dataType == .float64, Scalar.dataType == .float32 {
      throw invalid(
        "float64 data are not narrowed; ask for the dtype float64", below: "/dtype",
        at: object.dataTypeOffset)
    }
    if !object.data.hasEscapes {
      let content = object.data.content
      return try decode(
        object, UnsafeRawBufferPointer(start: scanner.base + content.lowerBound, count: content.count))
    }
    let text = scanner.unescaped(object.data)
    var copy = ByteBuffer(capacity: text.count)
    text.withUnsafeBufferPointer { copy.append(contentsOf: $0) }
    return try decode(object, copy.bytes)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func decode<Scalar: TensorScalar>(
    _ object: TensorObject, _ characters: UnsafeRawBufferPointer
  ) throws(JSONError) -> Tensor<Scalar> {
    let count = object.shape.elementCount!
    let (expected, overflow) = count.multipliedReportingOverflow(by: object.dataType.byteCount)
    let actual = Base64.decodedCount(of: characters)
    guard !overflow, characters.count % 4 != 0 || actual == expected else {
      throw invalid(
        "the data have \(actual) bytes, \(object.shape) of \(object.dataType.rawValue) takes \(expected)",
        below: "/data", at: object.data.start)
    }
    if characters.count % 4 != 0 { throw invalid(.length, in: object) }
    // Every supported machine is little-endian, as the data are. Data narrower than the scalar go to the end of its
    // room, and widen from the front without ever overtaking what is still to be read.
    var elements = AlignedBuffer<Scalar>(capacity: count)
    let size = MemoryLayout<Scalar>.stride
    let bytes = UnsafeMutableRawPointer(elements.base) + (count * size - expected)
    do throws(Base64.Flaw) {
      try Base64.decode(characters, to: UnsafeMutableRawBufferPointer(start: bytes, count: expected))
    } catch {
      throw invalid(error, in: object)
    }
    func bits(_ index: Int) -> UInt16 { bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self) }
    elements.append(upTo: count) { room in
      switch object.dataType {
      case Scalar.dataType, .float64: break
      case .float32:
        for index in 0..<count {
          room[index] = Scalar(
            Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
        }
      case .float16:
        for index in 0..<count { room[index] = Scalar(Float(float16Bits: bits(index))) }
      case .bfloat16:
        for index in 0..<count { room[index] = Scalar(Float(bfloat16Bits: bits(index))) }
      }
      return count
    }
    return Tensor(shape: object.shape, elements: elements)
  }

  private func invalid(_ flaw: Base64.Flaw, in object: TensorObject) -> JSONError {
    let message: String
    var offset = object.data.start
    switch flaw {
    case .length: message = "the number of base64 characters is no multiple of four"
    case .character(let index):
      message = "no base64 character, or padding in the wrong place, at character \(index)"
      if !object.data.hasEscapes { offset += 1 + index }
    case .trailingBits(let index):
      message = "the last base64 character has bits behind the data"
      if !object.data.hasEscapes { offset += 1 + index }
    }
    return invalid(message, below: "/data", at: offset)
  }
}
