import Buffers
import TensorCoding

/// Where the time of one POST /convolve went, in nanoseconds.
struct ConvolveTiming {
  /// From the first byte of the body to the validated problem.
  let decode: Int
  /// Building the operator.
  var setup = 0
  /// Each application of the operator.
  var formulation: [Int] = []
  /// One direct computation.
  var direct = 0
  /// The reference, its bounds and the comparison with every element.
  var reference = 0
  /// Writing verdict and result.
  var encode = 0
  /// All of it, from the first byte of the body to the last of the result.
  var total = 0

  /// As the field Server-Timing wants it (W3C Server Timing): milliseconds, to the microsecond.
  var serverTiming: String {
    var text = ByteBuffer(capacity: 256)
    func append(_ name: StaticString, _ nanoseconds: Int) {
      text.append(name)
      text.append(decimal: nanoseconds / 1000, places: 3)
    }
    append("decode;dur=", decode)
    append(", setup;dur=", setup)
    append(", formulation;dur=", formulation.median)
    append(", direct;dur=", direct)
    append(", reference;dur=", reference)
    append(", encode;dur=", encode)
    append(", total;dur=", total)
    return String(decoding: text.elements, as: UTF8.self)
  }
}

extension [Int] {
  /// The middle one; of an even number, the mean of the middle two.
  var median: Int {
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
    applications(timing.formulation)
    seconds("setup_seconds", nanoseconds: timing.setup)
    seconds("direct_seconds", nanoseconds: timing.direct)
    seconds("reference_seconds", nanoseconds: timing.reference)
    seconds("decode_seconds", nanoseconds: timing.decode)
    seconds("encode_seconds", nanoseconds: timing.encode)
    seconds("total_seconds", nanoseconds: timing.total)
    endObject()
  }

  /// The fields of the times of all applications of one operator: their median; of several also minimum and maximum.
  mutating func applications(_ times: [Int]) {
    seconds("formulation_seconds", nanoseconds: times.median)
    if times.count > 1 {
      key("repeats")
      integer(times.count)
      seconds("formulation_minimum_seconds", nanoseconds: times.min() ?? 0)
      seconds("formulation_maximum_seconds", nanoseconds: times.max() ?? 0)
    }
  }
}
