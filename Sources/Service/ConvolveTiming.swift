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

  /// As the field Server-Timing wants it (W3C Server Timing): milliseconds.
  var serverTiming: String {
    let parts: [(String, Duration)] = [
      ("decode", decode), ("setup", setup), ("formulation", formulation.median), ("direct", direct),
      ("reference", reference), ("encode", encode), ("total", total),
    ]
    return parts.map { name, duration in
      // Whole microseconds are enough there, and String has no shorter way to cut digits.
      "\(name);dur=\(Double((duration.seconds * 1e6).rounded()) / 1e3)"
    }.joined(separator: ", ")
  }
}

extension [Duration] {
  /// The middle one; of an even number, the mean of the middle two.
  var median: Duration {
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
