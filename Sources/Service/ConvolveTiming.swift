import Benchmarking
import Buffers
import TensorCoding

/// Where the time of one POST /convolve went.
struct ConvolveTiming {
  /// From the first byte of the body to the validated problem.
  let decode: Duration
  /// Building the operator.
  var setup = Duration.zero
  /// Each application of the operator.
  var formulation: [Duration] = []
  /// One direct computation.
  var direct = Duration.zero
  /// The reference, its bounds and the comparison with every element.
  var reference = Duration.zero
  /// Writing verdict and result.
  var encode = Duration.zero
  /// All of it, from the first byte of the body to the last of the result.
  var total = Duration.zero

  /// As the field Server-Timing wants it (W3C Server Timing): milliseconds, to the microsecond.
  var serverTiming: String {
    let parts: [(StaticString, Duration)] = [
      ("decode;dur=", decode), (", setup;dur=", setup), (", formulation;dur=", formulation.median),
      (", direct;dur=", direct), (", reference;dur=", reference), (", encode;dur=", encode),
      (", total;dur=", total),
    ]
    var text = ByteBuffer(capacity: 256)
    for (name, duration) in parts {
      text.append(name)
      // Digit by digit: seven numbers by way of String would take longer than a small convolution.
      let microseconds = duration.nanoseconds / 1000
      text.append(decimal: microseconds / 1000)
      text.append(UInt8(ascii: "."))
      let fraction = microseconds % 1000
      for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
        text.append(UInt8(ascii: "0") + UInt8(digit))
      }
    }
    return String(decoding: text.elements, as: UTF8.self)
  }
}

extension [Duration] {
  /// The middle one; of an even number, the mean of the middle two.
  var median: Duration {
    if count == 1 { return self[0] }
    let ordered = sorted()
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
  }
}

extension JSONWriter {
  /// The field `timing`; with repeats also their minimum and maximum.
  mutating func timing(_ timing: ConvolveTiming) {
    key("timing")
    beginObject()
    seconds("formulation_seconds", timing.formulation.median)
    if timing.formulation.count > 1 {
      key("repeats")
      integer(timing.formulation.count)
      seconds("formulation_minimum_seconds", timing.formulation.min() ?? .zero)
      seconds("formulation_maximum_seconds", timing.formulation.max() ?? .zero)
    }
    seconds("setup_seconds", timing.setup)
    seconds("direct_seconds", timing.direct)
    seconds("reference_seconds", timing.reference)
    seconds("decode_seconds", timing.decode)
    seconds("encode_seconds", timing.encode)
    seconds("total_seconds", timing.total)
    endObject()
  }
}
