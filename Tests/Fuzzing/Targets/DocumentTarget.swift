import Buffers
import Convolution
import TensorCoding

/// Reads the value in front of `reader` and writes it again.
private func copy(_ reader: inout JSONReader, to writer: inout JSONWriter) throws(JSONError) {
  switch try reader.kind() {
  case .object:
    try reader.beginObject()
    writer.beginObject()
    while let key = try reader.nextKey() {
      writer.key(text: key)
      try copy(&reader, to: &writer)
    }
    writer.endObject()
  case .array:
    try reader.beginArray()
    writer.beginArray()
    while try reader.nextElement() { try copy(&reader, to: &writer) }
    writer.endArray()
  case .string: writer.string(try reader.string())
  case .number: writer.number(try reader.number(as: Double.self))
  case .boolean: writer.boolean(try reader.boolean())
  case .null:
    try reader.null()
    writer.null()
  }
}

/// The document `text` as the writer writes it.
private func rewritten(_ text: [UInt8]) throws(JSONError) -> [UInt8] {
  try withExactMemory(text) { (bytes) throws(JSONError) in
    var writer = JSONWriter()
    try decodeDocument(bytes) { (reader) throws(JSONError) in try copy(&reader, to: &writer) }
    let buffer = writer.finish()
    return Array(buffer.elements)
  }
}

/// The shape and the bits of the tensor that `text` is.
private func read<Scalar: TensorScalar>(
  _ text: [UInt8], as type: Scalar.Type
) throws(JSONError) -> Tensor<Scalar> {
  try withExactMemory(text) { (bytes) throws(JSONError) in
    try decodeDocument(bytes) { (reader) throws(JSONError) in try reader.tensor(as: type, elementLimit: 64) }
  }
}

/// Both ways to write a tensor are read back as the same numbers, to the bit.
private func tensorFlaw<Scalar: TensorScalar>(_ input: [UInt8], as type: Scalar.Type) -> String? {
  guard let tensor = try? read(input, as: type) else { return nil }
  let shape = tensor.shape
  let values = Array(tensor.values)
  if values.count > 64 { return "\(values.count) elements pass the limit" }
  func flaw(_ form: String, _ write: (inout JSONWriter) -> Void) -> String? {
    var writer = JSONWriter()
    write(&writer)
    let buffer = writer.finish()
    let text = Array(buffer.elements)
    do throws(JSONError) {
      let again = try read(text, as: type)
      let isSame = again.shape == shape && zip(again.values, values).allSatisfy { $0.isIdentical(to: $1) }
      return isSame ? nil : "\(form) is read back as other numbers: \(String(decoding: text, as: UTF8.self))"
    } catch {
      return "\(form) is not read back: \(error)"
    }
  }
  if let flaw = flaw("an object", { $0.object(tensor) }) { return flaw }
  if !values.allSatisfy(\.isFinite) { return nil }
  return flaw("an array", { $0.nested(tensor) })
}

extension TensorScalar {
  /// Whether both are the same number, the signs of zeros included, or both none.
  func isIdentical(to other: Self) -> Bool {
    (isNaN && other.isNaN) || (self == other && sign == other.sign)
  }
}

/// A document is taken exactly where the grammar takes it; the reader and the validator find the same first flaw; what is read
/// and written is read again as the same; and so is a tensor.
func documentFlaw(in input: [UInt8]) -> String? {
  var refusal: JSONError?
  do throws(JSONError) {
    try withExactMemory(input) { (bytes) throws(JSONError) in try validateDocument(bytes) }
  } catch {
    refusal = error
  }
  if (refusal == nil) != PlainJSON.accepts(input) {
    return "the grammar says \(PlainJSON.accepts(input)), the scanner \(refusal.map { "\($0)" } ?? "true")"
  }
  if case .malformed(_, let offset, let line, let column)? = refusal {
    if !(0...input.count).contains(offset) || line < 1 || column < 1 || line + column > offset + 2 {
      return "an impossible place: \(refusal!)"
    }
  } else if refusal != nil {
    return "the validator says invalid"
  }
  do throws(JSONError) {
    let first = try rewritten(input)
    if refusal != nil { return "the reader takes what is malformed" }
    if try rewritten(first) != first { return "read and written again it changes" }
  } catch {
    // Fields that stand twice and numbers that overflow are invalid, and the validator does not mind them.
    if case .malformed = error, error != refusal { return "the reader says \(error)" }
    if case .invalid = error, refusal != nil { return "what is malformed is called invalid: \(error)" }
  }
  return tensorFlaw(input, as: Float.self) ?? tensorFlaw(input, as: Double.self)
}
