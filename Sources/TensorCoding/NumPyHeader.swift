import Convolution

/// What stands in front of the elements in a file of NumPy's format, versions 1.0, 2.0 and 3.0 (NEP 1 and
/// numpy.lib.format): the magic string, the version, the length of the header, and the header, which is a Python dictionary
/// of three entries. It is read by its grammar; nothing is evaluated.
struct NumPyHeader {
  let type: NumPyType
  let isBigEndian: Bool
  let isFortranOrder: Bool
  let shape: Shape
  /// Where the elements begin.
  let dataOffset: Int

  /// The most bytes of a header, which is also what NumPy itself reads unless it is told to trust the file.
  static var lengthLimit: Int { 10_000 }
  /// `\x93NUMPY`.
  static var magic: [UInt8] { [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59] }

  /// Reads the header in front of `bytes`.
  ///
  /// - Throws: `malformed` for what breaks the format, `refused` for an array of another type or rank, an empty one or one of
  ///   more than `elementLimit` elements.
  init(_ bytes: UnsafeRawBufferPointer, ranks: ClosedRange<Int>, elementLimit: Int) throws(NumPyError) {
    let magic = Self.magic
    guard bytes.starts(with: magic) else {
      let wrong = zip(bytes, magic).prefix { $0 == $1 }.count
      throw .malformed(.magic, message: "a file of this format begins with \\x93NUMPY", offset: wrong)
    }
    let lengthOffset = magic.count + 2
    guard bytes.count >= lengthOffset else {
      throw .malformed(.version, message: "the file ends within the version", offset: bytes.count)
    }
    let version = (bytes[magic.count], bytes[magic.count + 1])
    guard (1...3).contains(version.0), version.1 == 0 else {
      throw .malformed(
        .version, message: "\(version.0).\(version.1) is unknown; known are 1.0, 2.0 and 3.0",
        offset: magic.count)
    }
    let start = lengthOffset + (version.0 == 1 ? 2 : 4)
    guard bytes.count >= start else {
      throw .malformed(.headerLength, message: "the file ends within it", offset: bytes.count)
    }
    var length = 0
    for index in (lengthOffset..<start).reversed() { length = length << 8 | Int(bytes[index]) }
    guard length <= Self.lengthLimit else {
      throw .refused(
        .headerLength, message: "the header has \(length) bytes; at most \(Self.lengthLimit) are allowed",
        limit: Self.lengthLimit, actual: length)
    }
    guard bytes.count - start >= length else {
      throw .malformed(
        .header, message: "it should have \(length) bytes, and the file ends after \(bytes.count - start)",
        offset: bytes.count)
    }
    dataOffset = start + length
    var scanner = NumPyHeaderScanner(bytes, start..<dataOffset)
    let entries = try scanner.dictionary()
    (type, isBigEndian) = try Self.elementType(entries.descr)
    isFortranOrder = entries.isFortranOrder
    shape = try Self.shape(entries.shape, ranks, elementLimit)
  }

  /// The type and the byte order that a `descr` such as `<f4` names.
  private static func elementType(_ descr: String) throws(NumPyError) -> (NumPyType, isBigEndian: Bool) {
    let (order, name) = (descr.first, descr.dropFirst())
    if name.first == "O" {
      throw .refused(.elementType, message: "arrays of objects are pickles, which are never read")
    }
    guard let order, "<>|".contains(order), let type = NumPyType(rawValue: String(name)),
      order != "|" || type.byteCount == 1
    else {
      let names = NumPyType.allCases.map(\.rawValue).joined(separator: ", ")
      throw .refused(
        .elementType,
        message:
          "'\(descr.prefix(16))' is not taken; taken are \(names) behind < or >, those of one byte also behind |"
      )
    }
    return (type, order == ">")
  }

  private static func shape(
    _ extents: [Int], _ ranks: ClosedRange<Int>, _ elementLimit: Int
  ) throws(NumPyError) -> Shape {
    guard ranks.contains(extents.count) else {
      let wanted =
        ranks.count == 1
        ? "\(ranks.lowerBound)" : "\(ranks.lowerBound) to \(ranks.upperBound)"
      throw .refused(.shape, message: "\(wanted) dimensions are expected, the array has \(extents.count)")
    }
    var shape = Shape()
    for extent in extents {
      guard extent >= 1 else { throw .refused(.shape, message: "the array is empty") }
      shape.append(extent)
    }
    guard let count = shape.elementCount, count <= elementLimit else {
      throw .refused(
        .shape, message: "the array has more than \(elementLimit) elements", limit: elementLimit,
        actual: shape.elementCount)
    }
    return shape
  }
}
