import Benchmarking
import Buffers
import TensorCoding

extension JSONWriter {
  /// The finished document with a line feed behind it, so that a terminal's prompt starts on a line of its own.
  consuming func finishLine() -> ByteBuffer {
    var buffer = finish()
    buffer.append("\n")
    return buffer
  }

  /// A field of seconds, to the nanosecond that the clock tells.
  mutating func seconds(_ key: StaticString, _ duration: Duration) {
    self.key(key)
    number(duration.seconds)
  }
}
