import Convolution

/// Judges elements one by one, completely, whatever they hold.
struct Judge<Scalar: TensorScalar> {
  private let result: UnsafePointer<Scalar>
  private let direct: UnsafePointer<Scalar>
  private let allowance: Allowance
  private(set) var rounding: ReferenceRounding<Scalar>
  private(set) var fromReference = DeviationTracker()
  private(set) var fromDirect = DeviationTracker()
  private(set) var failures = FailureCounts()
  let measures: MeasureTracker?

  @inline(__always)
  init(
    result: UnsafePointer<Scalar>, direct: UnsafePointer<Scalar>, summands: Summands<Scalar>,
    allowance: Allowance, measures: MeasureTracker?
  ) {
    self.result = result
    self.direct = direct
    self.allowance = allowance
    self.measures = measures
    rounding = ReferenceRounding(summands, terms: allowance.terms, to: allowance.format)
  }

  /// Judges the element at `index`, whose reference is `value + tail` and whose products' magnitudes add up to
  /// `absolute`.
  @inline(__always)
  mutating func judge(_ index: Int, value: Double, tail: Double, absolute: Double) {
    let y = result[index]
    let z = direct[index]
    let limit = allowance.result(index, value: value, absolute: absolute)
    let error = ((Double(y) - value) - tail).magnitude
    if !(limit < .infinity && error < .infinity && z.isFinite) {
      judgeNonfinite(index, value: value, tail: tail, absolute: absolute, limit: limit, error: error)
      return
    }
    hold(y, index, value: value, tail: tail, absolute: absolute, limit: limit, error: error)
    fromDirect.countIdentical(identical(y, z))
    fromDirect.note(
      (Double(y) - Double(z)).magnitude, bound: limit + allowance.direct(value: value, absolute: absolute),
      ulp: unitsBetween(y, z, allowance.rounded), at: index)
  }

  /// Holds a finite element against its finite bound.
  @inline(__always)
  private mutating func hold(
    _ y: Scalar, _ index: Int, value: Double, tail: Double, absolute: Double, limit: Double, error: Double
  ) {
    let rounded = Scalar(rounding.rounded(index, value: value, tail: tail, absolute: absolute))
    // The exact value may round to infinity at the very end of the format's range, where y is finite.
    let ulp = unitsBetween(y, rounded.isFinite ? rounded : largest(of: rounded), allowance.rounded)
    fromReference.countIdentical(identical(y, rounded))
    fromReference.note(error, bound: limit, ulp: ulp, at: index)
    if !(error <= limit) { failures.count(.beyondBound, at: index) }
    measures?.note(error: error, reference: value + tail, absoluteSum: absolute, bound: limit, ulp: ulp)
  }

  /// Something is not finite: decides what, slowly.
  @inline(never)
  private mutating func judgeNonfinite(
    _ index: Int, value: Double, tail: Double, absolute: Double, limit: Double, error: Double
  ) {
    let y = result[index]
    let z = direct[index]
    if !z.isFinite { failures.nonfiniteDirect += 1 }
    if !y.isFinite { failures.nonfiniteResult += 1 }
    let differ = fromDirect.compare(
      y, z, bound: limit + allowance.direct(value: value, absolute: absolute), format: allowance.rounded,
      at: index)
    if differ { failures.disagreements += 1 }
    if y.isFinite && limit < .infinity && error < .infinity {
      // Only the direct result failed here; this one still has its certificate to pass.
      hold(y, index, value: value, tail: tail, absolute: absolute, limit: limit, error: error)
      return
    }
    // The leading part alone follows IEEE arithmetic into infinities; the tail turns them into NaN.
    let leading = rounded(value)
    fromReference.note(sameKind: sameKind(y, leading) || (y.isFinite && leading.isFinite), at: index)
    if !rounding.isFinite(at: index) {
      failures.count(.nonfiniteWindow, at: index)
    } else if y.isFinite {
      failures.count(.unbounded, at: index)
    } else if !overflows(to: y, value, allowance.computed(index, absolute: absolute)) {
      failures.count(.nonfiniteResult, at: index)
    } else {
      let rounded = Scalar(rounding.rounded(index, value: value, tail: tail, absolute: absolute))
      fromReference.countIdentical(identical(y, rounded))
    }
  }

  /// Whether a number that lies at most `bound` from `value` can have been rounded to the infinity `y` of a short
  /// format. In the precision of the computation itself an infinity has no such excuse: a bound does not hold there
  /// once a sum overflows.
  private func overflows(to y: Scalar, _ value: Double, _ bound: Double) -> Bool {
    guard let format = allowance.rounded, y.isInfinite, bound < .infinity else { return false }
    return (y < 0 ? -value : value) + bound >= format.overflow
  }

  /// The number of the result's format nearest to one that may be infinite or NaN.
  @inline(__always)
  private func rounded(_ reference: Double) -> Scalar {
    guard let format = allowance.rounded else { return Scalar(reference) }
    return Scalar(format.nearest(reference))
  }

  /// The largest finite number in the place of an infinity.
  @inline(never)
  private func largest(of infinity: Scalar) -> Scalar {
    let largest = allowance.rounded.map { Scalar($0.largest) } ?? .greatestFiniteMagnitude
    return infinity < 0 ? -largest : largest
  }
}

/// What fails, counted.
struct FailureCounts {
  var nonfiniteResult = 0
  var nonfiniteDirect = 0
  var disagreements = 0
  private(set) var first: Int?
  private var beyondBound = 0
  private var nonfiniteWindow = 0
  private var nonfiniteOutput = 0
  private var unbounded = 0

  mutating func count(_ reason: Assessment.Reason, at index: Int) {
    if first == nil { first = index }
    switch reason {
    case .beyondBound: beyondBound += 1
    case .nonfiniteWindow: nonfiniteWindow += 1
    case .nonfiniteResult: nonfiniteOutput += 1
    case .unbounded: unbounded += 1
    }
  }

  var onlyBeyondBound: Bool { nonfiniteWindow + nonfiniteOutput + unbounded == 0 }

  var byReason: [Assessment.Reason: Int] {
    // The usual case, no failure at all, shall not build a dictionary.
    if first == nil { return [:] }
    let all: [Assessment.Reason: Int] = [
      .beyondBound: beyondBound, .nonfiniteWindow: nonfiniteWindow, .nonfiniteResult: nonfiniteOutput,
      .unbounded: unbounded,
    ]
    return all.filter { $0.value > 0 }
  }
}
