import Convolution

/// Judges a result strip by strip of its reference: blocks that a look shows to be quiet are counted, all others judged
/// element by element.
struct Assessor<Scalar: TensorScalar>: ReferenceSink {
  private(set) var judge: Judge<Scalar>
  private(set) var screen: Screen<Scalar>
  private let result: UnsafePointer<Scalar>
  private let direct: UnsafePointer<Scalar>
  /// Measures are of all elements, and a short format's rounding is known to none but the judge.
  private let screens: Bool

  /// Judges `result` beside `direct`, whose elements are the sums that `summands` says, by what `allowance` allows;
  /// `measures` collects the measures of a full report.
  @inline(__always)
  init(
    _ result: UnsafePointer<Scalar>, direct: UnsafePointer<Scalar>, _ summands: Summands<Scalar>,
    _ allowance: Allowance, measures: MeasureTracker? = nil
  ) {
    self.result = result
    self.direct = direct
    judge = Judge(
      result: result, direct: direct, summands: summands, allowance: allowance, measures: measures)
    screen = Screen(allowance, sumError: judge.rounding.sumError, againstItself: result == direct)
    screens = measures == nil && allowance.rounded == nil
  }

  @inline(__always)
  mutating func take(_ values: ReferenceValues, from start: Int, count: Int) {
    var done = 0
    while screens && done &+ Screen<Scalar>.blockLength <= count {
      done &+= screen.pass(
        result, direct, from: start &+ done, values, at: done, count: count &- done)
      if done &+ Screen<Scalar>.blockLength > count { break }
      for index in done..<done &+ Screen<Scalar>.blockLength { judge(values, start, index) }
      screen.update(judge.fromReference, judge.fromDirect, judge.rounding.sumError)
      done &+= Screen<Scalar>.blockLength
    }
    for index in done..<count { judge(values, start, index) }
    if screens { screen.update(judge.fromReference, judge.fromDirect, judge.rounding.sumError) }
  }

  @inline(__always)
  private mutating func judge(_ values: ReferenceValues, _ start: Int, _ index: Int) {
    judge.judge(
      start &+ index, value: values.value[index], tail: values.tail[index], absolute: values.absolute[index])
  }
}
