import Buffers
import Convolution
import Glibc
import TensorCoding

/// Lets `body` see a copy of `text` behind whose last byte no memory can be read, so that a load that
/// reaches too far ends the test; its first byte stands at whatever alignment its length gives it.
func withBytes<Result: ~Copyable, Failure: Error>(
  _ text: [UInt8], _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
  let page = 4096
  let room = (text.count + page - 1) / page * page
  guard
    let memory = mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
    memory != MAP_FAILED, mprotect(memory + room, page, PROT_NONE) == 0
  else { preconditionFailure("no memory for a test") }
  defer { munmap(memory, room + page) }
  let bytes = UnsafeMutableRawBufferPointer(start: memory + (room - text.count), count: text.count)
  bytes.copyBytes(from: text)
  return try body(UnsafeRawBufferPointer(bytes))
}

/// Reads the whole document `text` with `read`.
func decode<Result>(
  _ text: String, _ read: (inout JSONReader) throws(JSONError) -> Result
) throws(JSONError) -> Result {
  try withBytes(Array(text.utf8)) { (bytes) throws(JSONError) in try decodeDocument(bytes, read) }
}

/// The error of the call, or nil.
func failure<Result>(_ body: () throws(JSONError) -> Result) -> JSONError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// What the validator says about `text`.
func validation(_ text: [UInt8]) -> JSONError? {
  failure { () throws(JSONError) in
    try withBytes(text) { (bytes) throws(JSONError) in try validateDocument(bytes) }
  }
}

extension JSONError {
  var isMalformed: Bool {
    if case .malformed = self { true } else { false }
  }
  var pointer: String? {
    if case .invalid(_, let pointer, _, _, _) = self { pointer } else { nil }
  }
  var message: String {
    switch self {
    case .malformed(let message, _, _, _): message
    case .invalid(let message, _, _, _, _): message
    }
  }
  var offset: Int {
    switch self {
    case .malformed(_, let offset, _, _): offset
    case .invalid(_, _, let offset, _, _): offset
    }
  }
}

/// A copyable picture of a tensor.
struct Picture<Scalar: TensorScalar>: Equatable {
  var shape: Shape
  var elements: [Scalar]

  init(_ tensor: borrowing Tensor<Scalar>) {
    shape = tensor.shape
    elements = Array(tensor.values)
  }
}

/// The tensor that is the whole document `text`.
func tensor<Scalar: TensorScalar>(
  _ text: String, as type: Scalar.Type = Scalar.self, limit: Int = 1 << 20
) throws(JSONError) -> Picture<Scalar> {
  Picture(
    try withBytes(Array(text.utf8)) { (bytes) throws(JSONError) in
      try decodeDocument(bytes) { (reader) throws(JSONError) in
        try reader.tensor(as: type, elementLimit: limit)
      }
    })
}

/// The text of what `write` writes.
func written(_ write: (inout JSONWriter) -> Void) -> String {
  var writer = JSONWriter()
  write(&writer)
  let buffer = writer.finish()
  return String(decoding: buffer.elements, as: UTF8.self)
}

/// A small, reproducible source of random numbers (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
