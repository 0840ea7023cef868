import Buffers
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
}
