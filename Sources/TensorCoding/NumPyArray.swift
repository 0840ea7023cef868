import Buffers
public import Convolution

/// An array in NumPy's file format (`.npy`) whose header has been read and whose elements are still in place.
///
/// Valid while the file's bytes are.
public struct NumPyArray {
  /// The extents, outermost first, whatever the order in which the elements stand.
  public let shape: Shape
  /// The type of the elements.
  public let type: NumPyType
  private let isBigEndian: Bool
  private let isFortranOrder: Bool
  /// The first element's first byte.
  private let base: UnsafeRawPointer

  /// Reads the header of the file `bytes`, versions 1.0, 2.0 and 3.0, and checks that behind it are as many bytes as it
  /// says.
  ///
  /// - Parameters:
  ///   - ranks: How many dimensions the array may have, 1 to 4.
  ///   - elementLimit: The most elements it may have.
  /// - Throws: `malformed` for what breaks the format; `refused` for arrays of objects, records or another type, of another
  ///   rank, empty or too large, and for another number of bytes.
  public init(
    _ bytes: UnsafeRawBufferPointer, ranks: ClosedRange<Int>, elementLimit: Int
  ) throws(NumPyError) {
    precondition(ranks.lowerBound >= 1 && ranks.upperBound <= Shape.maximumRank, "no such tensor")
    let header = try NumPyHeader(bytes, ranks: ranks, elementLimit: elementLimit)
    let expected = saturatingProduct(header.shape.elementCount ?? .max, header.type.byteCount)
    let actual = bytes.count - header.dataOffset
    guard actual == expected else {
      throw .refused(
        .data, message: "there are \(actual) bytes, \(header.shape) of \(header.type) takes \(expected)")
    }
    shape = header.shape
    type = header.type
    isBigEndian = header.isBigEndian
    isFortranOrder = header.isFortranOrder
    // There is at least one element, so that there are bytes.
    base = bytes.baseAddress.unsafelyUnwrapped + header.dataOffset
  }

  /// Checks that `Scalar` holds every element exactly.
  ///
  /// - Throws: `refused` for float64 elements and a `Float` one, and for an integer that is too long.
  public func check<Scalar: TensorScalar>(fits: Scalar.Type) throws(NumPyError) {
    let wrong: Int?
    switch type {
    case .float64 where Scalar.dataType == .float32:
      throw .refused(
        .elementType, message: "float64 elements are not narrowed; ask for the dtype float64")
    case .float16, .float32, .float64, .int8, .uint8, .int16, .uint16: wrong = nil
    case .int32: wrong = firstInexact(Int32.self, as: Scalar.self)
    case .uint32: wrong = firstInexact(UInt32.self, as: Scalar.self)
    case .int64: wrong = firstInexact(Int64.self, as: Scalar.self)
    case .uint64: wrong = firstInexact(UInt64.self, as: Scalar.self)
    }
    if let wrong {
      throw .refused(
        .data,
        message: "the integer at position \(wrong) of the file's order is none of \(Scalar.dataType.rawValue)"
      )
    }
  }

  /// The elements in row-major order, widened exactly.
  ///
  /// - Throws: what `check(fits:)` throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func tensor<Scalar: TensorScalar>(
    as scalar: Scalar.Type = Scalar.self
  ) throws(NumPyError) -> Tensor<Scalar> {
    try check(fits: scalar)
    let width = shape[shape.rank - 1]
    let elements = AlignedBuffer<Scalar>(count: shape.elementCount!) { room in
      for row in 0..<room.count / width { read(row: row, into: room.baseAddress! + row * width) }
    }
    return Tensor(shape: shape, elements: elements)
  }

  /// Writes the elements that differ in the last index alone, `row` counting all other indices in row-major order. They must
  /// have been found to fit.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func read<Scalar: TensorScalar>(row: Int, into room: UnsafeMutablePointer<Scalar>) {
    let width = shape[shape.rank - 1]
    precondition(row >= 0 && row < shape.elementCount! / width, "no such row")
    var (start, step) = (row * width, 1)
    if isFortranOrder {
      // The first index runs fastest.
      (start, step) = (0, 1)
      var rest = row
      var places = InlineArray<4, Int>(repeating: 0)
      for axis in (0..<shape.rank - 1).reversed() {
        (rest, places[axis]) = rest.quotientAndRemainder(dividingBy: shape[axis])
      }
      for axis in 0..<shape.rank - 1 {
        start += places[axis] * step
        step *= shape[axis]
      }
    }
    let run = Run(start: start, step: step, count: width)
    switch type {
    case .float16:
      forEach(UInt16.self, in: run) { room[$0] = Scalar(Float(float16Bits: $1)) }
    case .float32:
      forEach(UInt32.self, in: run) { room[$0] = Scalar(Float(bitPattern: $1)) }
    case .float64:
      forEach(UInt64.self, in: run) { room[$0] = Scalar(Double(bitPattern: $1)) }
    case .int8: forEach(Int8.self, in: run) { room[$0] = Scalar($1) }
    case .uint8: forEach(UInt8.self, in: run) { room[$0] = Scalar($1) }
    case .int16: forEach(Int16.self, in: run) { room[$0] = Scalar($1) }
    case .uint16: forEach(UInt16.self, in: run) { room[$0] = Scalar($1) }
    case .int32: forEach(Int32.self, in: run) { room[$0] = Scalar($1) }
    case .uint32: forEach(UInt32.self, in: run) { room[$0] = Scalar($1) }
    case .int64: forEach(Int64.self, in: run) { room[$0] = Scalar($1) }
    case .uint64: forEach(UInt64.self, in: run) { room[$0] = Scalar($1) }
    }
  }

  /// Some of the elements as they stand in the file: the one at `start`, then every `step`-th.
  private struct Run {
    let start: Int
    let step: Int
    let count: Int
  }

  /// Calls `body` with each element of `run`, its bytes in the order of the machine.
  @inline(__always)
  private func forEach<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ bits: Bits.Type, in run: Run, _ body: (Int, Bits) -> Void
  ) {
    let size = MemoryLayout<Bits>.size
    let first = base + run.start * size
    for index in 0..<run.count {
      let stored = first.loadUnaligned(fromByteOffset: index &* run.step &* size, as: Bits.self)
      body(index, isBigEndian ? Bits(bigEndian: stored) : Bits(littleEndian: stored))
    }
  }

  private func firstInexact<Whole: FixedWidthInteger & BitwiseCopyable, Scalar: TensorScalar>(
    _: Whole.Type, as _: Scalar.Type
  ) -> Int? {
    var wrong: Int?
    forEach(Whole.self, in: Run(start: 0, step: 1, count: shape.elementCount!)) { index, value in
      if wrong == nil, Scalar(exactly: value) == nil { wrong = index }
    }
    return wrong
  }
}
