import Convolution

/// Judges elements one by one, completely, whatever they hold.
struct Judge<Scalar: TensorScalar> {
  private let result: UnsafePointer<Scalar>
  private let direct: UnsafePointer<Scalar>
  private let image: UnsafePointer<Scalar>
  private let filter: UnsafePointer<Scalar>
  private let geometry: ConvolutionGeometry
  private let bound: ErrorBound
  private(set) var fromReference = DeviationTracker()
  private(set) var fromDirect = DeviationTracker()
  private(set) var failures = FailureCounts()
  private(set) var measures: MeasureTracker?

  init(
    result: UnsafePointer<Scalar>, direct: UnsafePointer<Scalar>, image: UnsafePointer<Scalar>,
    filter: UnsafePointer<Scalar>, geometry: ConvolutionGeometry, bound: ErrorBound, detailed: Bool
  ) {
    self.result = result
    self.direct = direct
    self.image = image
    self.filter = filter
    self.geometry = geometry
    self.bound = bound
    measures = detailed ? MeasureTracker(dataType: Scalar.dataType, terms: geometry.taps) : nil
  }

  /// Judges the element at `index`, whose reference is `value + tail` and whose products' magnitudes add up to
  /// `absolute`.
  @inline(__always)
  mutating func judge(_ index: Int, value: Double, tail: Double, absolute: Double) {
    let y = result[index]
    let z = direct[index]
    let limit = bound.at(absolute)
    let error = ((Double(y) - value) - tail).magnitude
    if !(limit < .infinity && error < .infinity && z.isFinite) {
      judgeNonfinite(index, value: value, tail: tail, absolute: absolute, limit: limit, error: error)
      return
    }
    let rounded = Scalar(value + tail)
    // The reference may round to infinity at the very end of the format's range, where y is finite.
    let ulp = rounded.isFinite ? unitsBetween(y, rounded) : unitsBetween(y, rounded.nearestFinite)
    fromReference.countIdentical(identical(y, rounded))
    fromReference.note(error, bound: limit, ulp: ulp, at: index)
    fromDirect.countIdentical(identical(y, z))
    fromDirect.note(
      (Double(y) - Double(z)).magnitude, bound: 2 * limit, ulp: unitsBetween(y, z), at: index)
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
    fromDirect.countIdentical(identical(y, z))
    if y.isFinite && z.isFinite {
      fromDirect.note(
        (Double(y) - Double(z)).magnitude, bound: 2 * limit, ulp: unitsBetween(y, z), at: index)
    } else {
      fromDirect.note(sameKind: sameKind(y, z), at: index)
      if !sameKind(y, z) { failures.disagreements += 1 }
    }
    if y.isFinite && limit < .infinity && error < .infinity {
      // Only the direct result failed here; this one still has its certificate to pass.
      let rounded = Scalar(value + tail).nearestFinite
      let ulp = unitsBetween(y, rounded)
      fromReference.countIdentical(identical(y, rounded))
      fromReference.note(error, bound: limit, ulp: ulp, at: index)
      if !(error <= limit) { failures.count(.beyondBound, at: index) }
      measures?.note(error: error, reference: value + tail, absoluteSum: absolute, bound: limit, ulp: ulp)
      return
    }
    // The leading part alone follows IEEE arithmetic into infinities; the tail turns them into NaN.
    let leading = Scalar(value)
    fromReference.note(sameKind: sameKind(y, leading) || (y.isFinite && leading.isFinite), at: index)
    if !windowIsFinite(index) {
      failures.count(.nonfiniteWindow, at: index)
    } else if !y.isFinite {
      failures.count(.nonfiniteResult, at: index)
    } else {
      failures.count(.unbounded, at: index)
    }
  }

  /// Whether all pixels that the output at `index` reads, and the taps it reads them with, are finite.
  private func windowIsFinite(_ index: Int) -> Bool {
    let (rows, columns) = (geometry.rows, geometry.columns)
    let (a, b) = index.quotientAndRemainder(dividingBy: columns.output)
    for u in rows.taps(of: a) {
      for v in columns.taps(of: b) {
        let pixel = rows.pixel(output: a, tap: u) * columns.image + columns.pixel(output: b, tap: v)
        if !image[pixel].isFinite || !filter[u * columns.filter + v].isFinite { return false }
      }
    }
    return true
  }
}

extension TensorScalar {
  /// The number itself, or the largest finite one of its sign in the place of an infinity.
  fileprivate var nearestFinite: Self {
    isInfinite ? (self < 0 ? -Self.greatestFiniteMagnitude : Self.greatestFiniteMagnitude) : self
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
