import Convolution

/// Judges a result strip by strip of its reference: blocks that a look shows to be quiet are counted, all others judged
/// element by element.
struct Assessor<Scalar: TensorScalar>: ReferenceSink {
  private(set) var judge: Judge<Scalar>
  private(set) var screen: Screen
  private let result: UnsafePointer<Scalar>
  private let direct: UnsafePointer<Scalar>
  /// Measures are of all elements, and only dot products have bounds that eight elements can be held against at once.
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
    screen = Screen(
      bound: allowance.dotProduct, sumError: judge.rounding.sumError, againstItself: result == direct)
    screens = measures == nil && allowance.isDotProduct
  }

  @inline(__always)
  mutating func take(_ values: ReferenceValues, from start: Int, count: Int) {
    var done = 0
    while screens && done &+ Screen.blockLength <= count {
      if !screen.passes(result + (start &+ done), direct + (start &+ done), values, at: done) {
        for index in done..<done &+ Screen.blockLength { judge(values, start, index) }
        screen.update(judge.fromReference, judge.fromDirect, judge.rounding.sumError)
      }
      done &+= Screen.blockLength
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

extension Screen {
  /// Whether eight elements of either type are quiet, their reference standing in `values` from `index` on.
  @inline(never)
  fileprivate mutating func passes<Scalar: TensorScalar>(
    _ result: UnsafePointer<Scalar>, _ direct: UnsafePointer<Scalar>, _ values: ReferenceValues, at index: Int
  ) -> Bool {
    let result = UnsafeRawPointer(result)
    let direct = UnsafeRawPointer(direct)
    switch Scalar.precision {
    case .single:
      return passes(
        result.assumingMemoryBound(to: Float.self), direct.assumingMemoryBound(to: Float.self),
        value: values.value + index, absolute: values.absolute + index)
    case .double:
      return passes(
        result.assumingMemoryBound(to: Double.self), direct.assumingMemoryBound(to: Double.self),
        value: values.value + index, tail: values.tail + index, absolute: values.absolute + index)
    }
  }
}
