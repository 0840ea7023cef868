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

extension Duration {
  /// The duration in whole nanoseconds, as far as the clock tells.
  var nanoseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }

  /// The duration in seconds.
  var seconds: Double { Double(nanoseconds) / 1e9 }
}
