import Buffers
import Convolution
import TensorCoding

extension JSONWriter {
  /// The finished document with a line feed behind it, so that a terminal's prompt starts on a line of its own.
  consuming func finishLine() -> ByteBuffer {
    var buffer = finish()
    buffer.append("\n")
    return buffer
  }

  /// A field of seconds.
  mutating func seconds(_ key: StaticString, nanoseconds: Int) {
    self.key(key)
    fixedPoint(nanoseconds, places: 9)
  }

  /// The field `timing`, an object of nanoseconds written as seconds.
  mutating func timing(_ parts: KeyValuePairs<StaticString, Int>) {
    key("timing")
    beginObject()
    for (name, nanoseconds) in parts { seconds(name, nanoseconds: nanoseconds) }
    endObject()
  }

  /// The field `dtype`, and where the problem was computed in another type, that one.
  mutating func elementType(_ dataType: DataType) {
    key("dtype")
    string(dataType.rawValue)
    if dataType == .float16 || dataType == .bfloat16 {
      key("computed_in")
      string(DataType.float32.rawValue)
    }
  }

  /// The fields `formulation` and `storage`.
  mutating func choice(_ choice: FormulationChoice) {
    key("formulation")
    string(choice.formulation.rawValue)
    key("storage")
    string(choice.storage.rawValue)
  }

  /// The field of what was not asked for by name and can't be run, each with its reason in a sentence.
  mutating func leftOut(_ leftOut: [(choice: FormulationChoice, reason: String)]) {
    key("left_out")
    beginArray()
    for (choice, reason) in leftOut {
      beginObject()
      self.choice(choice)
      key("reason")
      string(reason)
      endObject()
    }
    endArray()
  }

  /// The shapes of image, filter and result.
  mutating func problemShapes(_ geometry: ConvolutionGeometry, filter: Shape) {
    key("image")
    shape(geometry.imageShape)
    key("filter")
    shape(filter)
    key("result")
    shape(geometry.resultShape)
  }

  /// An array of integers.
  mutating func integers(_ values: some Sequence<Int>) {
    beginArray()
    for value in values { integer(value) }
    endArray()
  }

  /// Two numbers, that of the rows first.
  mutating func extent(_ extent: Extent) { integers([extent.height, extent.width]) }

  /// A tensor in the form that was asked for; in base64 its elements are of type `format`.
  mutating func tensor<Scalar: TensorScalar>(
    _ tensor: borrowing Tensor<Scalar>, _ encoding: Encoding, as format: DataType
  ) {
    switch encoding {
    case .json: nested(tensor)
    case .base64: object(tensor, as: format)
    }
  }
}
