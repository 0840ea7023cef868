import Convolution

/// The numbers of a candidate's format, given as float64: their distance in units in the last place.
struct CandidateFormat {
  private let dataType: DataType
  private let short: RoundingFormat?

  init(_ dataType: DataType) {
    self.dataType = dataType
    short = RoundingFormat(short: dataType)
  }

  /// How many numbers of the format lie between two of its finite ones, one of them included.
  func unitsBetween(_ a: Double, _ b: Double) -> UInt64 {
    if let short { return short.unitsBetween(a, b) }
    return dataType == .float32
      ? Equivalence.unitsBetween(Float(a), Float(b)) : Equivalence.unitsBetween(a, b)
  }

  /// A number of the format that stands for what was rounded to it: the largest one for an infinity.
  func finite(_ rounded: Double) -> Double {
    if rounded.isFinite { return rounded }
    let largest =
      switch dataType {
      case .float64: Double.greatestFiniteMagnitude
      case .float32: Double(Float.greatestFiniteMagnitude)
      case .float16, .bfloat16: short.unsafelyUnwrapped.largest
      }
    return rounded < 0 ? -largest : largest
  }
}
