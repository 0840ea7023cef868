public import Buffers
public import Convolution

/// Writes JSON behind what a buffer already holds; the commas are the writer's business.
///
/// The text is compact but for line breaks, where the caller asks for them and between the rows of a tensor, so that
/// people can read it in a terminal.
///
/// The writer owns the buffer until `finish()` gives it back. That objects, arrays, keys and values are asked
/// for in an order that makes a document is up to the caller.
public struct JSONWriter: ~Copyable {
  private var buffer: ByteBuffer
  /// Whether a comma must stand before the next key or value.
  private var needsComma = false

  /// A writer that appends to `buffer`.
  public init(_ buffer: consuming ByteBuffer = ByteBuffer()) {
    self.buffer = buffer
  }

  /// Gives the buffer back.
  public consuming func finish() -> ByteBuffer { buffer }

  /// How many bytes the buffer holds.
  public var count: Int { buffer.count }

  private mutating func separate() {
    if needsComma { buffer.append(ASCII.comma) }
    needsComma = true
  }

  /// Puts the next member of the open object or array, which must not be the first one, on a line of its own.
  public mutating func newLine() {
    buffer.append(",\n")
    needsComma = false
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    buffer.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    buffer.append(bracket)
    needsComma = true
  }

  /// Opens an object.
  public mutating func beginObject() { open(ASCII.leftBrace) }

  /// Closes the innermost object.
  public mutating func endObject() { close(ASCII.rightBrace) }

  /// Opens an array.
  public mutating func beginArray() { open(ASCII.leftBracket) }

  /// Closes the innermost array.
  public mutating func endArray() { close(ASCII.rightBracket) }

  /// Writes a key known at compile time, which must need no escapes.
  public mutating func key(_ key: StaticString) {
    let length = key.utf8CodeUnitCount
    let comma = needsComma ? 1 : 0
    // One check for room and one copy: a small answer is mostly keys.
    buffer.append(upTo: comma + length + 3) { room in
      let start = room.baseAddress.unsafelyUnwrapped
      start[0] = ASCII.comma
      start[comma] = ASCII.quote
      (start + comma + 1).update(from: key.utf8Start, count: length)
      start[comma + 1 + length] = ASCII.quote
      start[comma + 2 + length] = ASCII.colon
      return comma + length + 3
    }
    needsComma = false
  }

  /// Writes a key of any text.
  public mutating func key(text: String) {
    string(text)
    buffer.append(ASCII.colon)
    needsComma = false
  }

  /// Writes a string, its quotes, backslashes and control characters escaped.
  public mutating func string(_ text: String) {
    separate()
    buffer.append(ASCII.quote)
    var text = text
    text.withUTF8 { bytes in
      // Runs without anything to escape, which is nearly all text, are copied whole.
      var start = 0
      for index in 0..<bytes.count {
        let byte = bytes[index]
        guard byte < 0x20 || byte == ASCII.quote || byte == ASCII.backslash else { continue }
        buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
        escape(byte)
        start = index + 1
      }
      buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }
    buffer.append(ASCII.quote)
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case ASCII.quote, ASCII.backslash:
      buffer.append(ASCII.backslash)
      buffer.append(byte)
    case ASCII.lineFeed: buffer.append("\\n")
    case ASCII.carriageReturn: buffer.append("\\r")
    case ASCII.tab: buffer.append("\\t")
    default:
      buffer.append("\\u00")
      buffer.append(ASCII.zero + byte >> 4)
      let low = byte & 15
      buffer.append(low < 10 ? ASCII.zero + low : 0x61 + low - 10)
    }
  }

  /// Writes an integer.
  public mutating func integer(_ value: Int) {
    separate()
    buffer.append(decimal: value)
  }

  /// Writes `value / 10^places`, which must not be negative, with exactly `places` digits, 1 to 18, behind the point.
  public mutating func fixedPoint(_ value: Int, places: Int) {
    separate()
    buffer.append(decimal: value, places: places)
  }

  /// Writes `true` or `false`.
  public mutating func boolean(_ value: Bool) {
    separate()
    buffer.append(value ? "true" : "false")
  }

  /// Writes `null`.
  public mutating func null() {
    separate()
    buffer.append("null")
  }

  /// Writes the shortest decimal that reads back as `value`, or `null` where `value` is not finite.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func number<Scalar: TensorScalar>(_ value: Scalar) {
    separate()
    buffer.append(upTo: DecimalText.room) { room in
      DecimalText.write(value, to: room.baseAddress!, .shared)
    }
  }

  /// Writes members of the open object whose values are numbers, as `key` and `number` do.
  public mutating func numbers(_ members: [(StaticString, Double)]) {
    for (name, value) in members {
      key(name)
      number(value)
    }
  }

  /// Writes a shape as the array of its extents.
  public mutating func shape(_ shape: Shape) {
    beginArray()
    for axis in 0..<shape.rank { integer(shape[axis]) }
    endArray()
  }

  /// Writes a tensor as nested arrays of shortest decimals, each row on a line; elements that are not finite become `null`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func nested<Scalar: TensorScalar>(_ tensor: borrowing Tensor<Scalar>) {
    let shape = tensor.shape
    let elements = tensor.values
    separate()
    guard shape.rank > 0, elements.count > 0 else {
      buffer.append("[]")
      return
    }
    // What numbers of full precision take, so that a large tensor need not move while it is written.
    buffer.reserve(elements.count * (MemoryLayout<Scalar>.size == 4 ? 12 : 21))
    let width = shape[shape.rank - 1]
    for rowStart in stride(from: 0, to: elements.count, by: width) {
      // As many brackets open before a row, and close behind it, as extents divide its place.
      let (opening, closing) = Self.brackets(around: rowStart / width, shape)
      if rowStart > 0 { buffer.append(",\n") }
      for _ in 0..<opening { buffer.append(ASCII.leftBracket) }
      row(UnsafeBufferPointer(rebasing: elements[rowStart..<rowStart + width]))
      for _ in 0..<closing { buffer.append(ASCII.rightBracket) }
    }
  }

  /// Writes numbers with commas between them, a bounded number at a time so that the room stays bounded.
  @inline(__always)
  private mutating func row<Scalar: TensorScalar>(_ elements: UnsafeBufferPointer<Scalar>) {
    let powers = PowersOfTen.shared
    let step = 256
    for start in stride(from: 0, to: elements.count, by: step) {
      let end = min(elements.count, start + step)
      buffer.append(upTo: (end - start) * (DecimalText.room + 1)) { room in
        let first = room.baseAddress!
        var target = first
        for index in start..<end {
          target += DecimalText.write(elements[index], to: target, powers)
          target.pointee = ASCII.comma
          target += 1
        }
        return target - first - (end == elements.count ? 1 : 0)
      }
    }
  }

  private static func brackets(around row: Int, _ shape: Shape) -> (opening: Int, closing: Int) {
    var (opening, closing) = (1, 1)
    var rows = 1
    for axis in stride(from: shape.rank - 2, through: 0, by: -1) {
      rows *= shape[axis]
      if row % rows == 0 { opening += 1 }
      if row % rows == rows - 1 { closing += 1 }
    }
    return (opening, closing)
  }

  /// Writes a tensor as `{"shape":[…],"dtype":"…","data":"…"}`, its bytes in base64.
  ///
  /// Every supported machine is little-endian, as the format wants it.
  ///
  /// - Parameter format: The type of the written numbers: the tensor's own, or for a float32 one a short format, to which its
  ///   elements must have been rounded already.
  public mutating func object<Scalar: TensorScalar>(
    _ tensor: borrowing Tensor<Scalar>, as format: DataType = Scalar.dataType
  ) {
    beginObject()
    key("shape")
    shape(tensor.shape)
    key("dtype")
    string(format.rawValue)
    key("data")
    separate()
    buffer.append(ASCII.quote)
    switch format {
    case .float16: bits(of: tensor) { $0.float16Bits }
    case .bfloat16: bits(of: tensor) { $0.bfloat16Bits }
    case .float32, .float64:
      precondition(format == Scalar.dataType, "narrows float64")
      Base64.encode(tensor.elements.bytes, to: &buffer)
    }
    buffer.append(ASCII.quote)
    endObject()
  }

  /// Writes the bits that each element has in a shorter format.
  @inline(__always)
  private mutating func bits<Scalar: TensorScalar>(
    of tensor: borrowing Tensor<Scalar>, _ bits: (Float) -> UInt16
  ) {
    let values = tensor.values
    let short = AlignedBuffer<UInt16>(count: values.count) { room in
      for index in 0..<room.count { room[index] = bits(Float(values[index])) }
    }
    Base64.encode(short.bytes, to: &buffer)
  }
}
