import Convolution

/// Holds one candidate against every arithmetic whose bound is a multiple of `S`, element by element, and measures it.
struct Climb<Scalar: TensorScalar> {
  /// Non-finite elements of the candidate.
  struct Nonfinite {
    var nan = 0
    var positive = 0
    var negative = 0
    /// Those that exact arithmetic has at this place as well.
    var expected = 0
    var first: Int?
  }

  let candidate: Candidate
  private let values: UnsafePointer<Double>
  private let format: CandidateFormat
  private let bounds: [ClaimBound]
  private let claimed: Int?
  private(set) var rungs: [Rung]
  private(set) var deviation = DeviationTracker()
  private(set) var nonfinite = Nonfinite()
  private(set) var condition: Double?
  private(set) var map: ErrorMap?
  let measures: MeasureTracker?
  private(set) var rounding: ReferenceRounding<Scalar>
  private var screen: VerificationScreen
  private let screens: Bool

  /// - Parameters:
  ///   - claim: The claimed arithmetic, whose ratios the map holds.
  ///   - terms: The most terms of an element.
  init(
    _ candidate: Candidate, claim: Claim, bounds: [(claim: Claim, bound: ClaimBound)],
    _ summands: Summands<Scalar>, terms: Int, map: ErrorMap?, measures: MeasureTracker?
  ) {
    self.candidate = candidate
    values = candidate.values.values.baseAddress.unsafelyUnwrapped
    format = CandidateFormat(candidate.dataType)
    self.bounds = bounds.map(\.bound)
    claimed = bounds.firstIndex { $0.claim == claim }
    rungs = bounds.map { Rung($0.claim) }
    self.map = map
    self.measures = measures
    rounding = ReferenceRounding(summands, terms: terms, to: candidate.dataType)
    screen = VerificationScreen(self.bounds, claimed: claimed, sumError: rounding.sumError)
    screens =
      Scalar.precision == .single && candidate.dataType == .float32 && measures == nil && map == nil
  }

  /// Elements that are the correctly rounded value, counted in blocks.
  var identicalInBlocks: Int { screen.identical }

  /// Judges the elements `start ..< start + count`.
  mutating func take(_ reference: ReferenceValues, from start: Int, count: Int) {
    var done = 0
    while screens && done &+ 8 <= count {
      if !screen.passes(values + (start &+ done), reference, at: done) {
        for index in done..<done &+ 8 { judge(reference, start, index) }
        screen.update(rungs, bounds, deviation, rounding.sumError)
      }
      done &+= 8
    }
    for index in done..<count { judge(reference, start, index) }
  }

  @inline(never)
  private mutating func judge(_ reference: ReferenceValues, _ start: Int, _ offset: Int) {
    let index = start &+ offset
    let (value, tail, absolute) = (
      reference.value[offset], reference.tail[offset], reference.absolute[offset]
    )
    let y = values[index]
    let error = ((y - value) - tail).magnitude
    // The distance of two numbers may overflow; then their bounds, if any, are exceeded.
    guard y.isFinite, value.isFinite, tail.isFinite else {
      judgeNonfinite(y, index, value: value, absolute: absolute)
      return
    }
    for rung in bounds.indices {
      rungs[rung].note(error, bound: bounds[rung].at(value, absolute: absolute), at: index)
    }
    let rounded = rounding.rounded(index, value: value, tail: tail, absolute: absolute)
    let ulp = format.unitsBetween(y, format.finite(rounded))
    deviation.countIdentical(y.bitPattern == rounded.bitPattern)
    let bound = claimed.map { bounds[$0].at(value, absolute: absolute) } ?? 0
    if error > deviation.largest {
      let magnitude = (value + tail).magnitude
      condition = magnitude > 0 && absolute < .infinity ? absolute / magnitude : nil
    }
    deviation.note(error, bound: bound, ulp: ulp, at: index)
    measures?.note(error: error, reference: value + tail, absoluteSum: absolute, bound: bound, ulp: ulp)
    if claimed != nil { map?.note(error == 0 ? 0 : error / bound, at: index) }
  }

  /// Something is not finite: it refutes an arithmetic unless the exact window holds the same, or a sum may have
  /// overflowed.
  private mutating func judgeNonfinite(_ y: Double, _ index: Int, value: Double, absolute: Double) {
    if !y.isFinite {
      if nonfinite.first == nil { nonfinite.first = index }
      if y.isNaN {
        nonfinite.nan += 1
      } else if y > 0 {
        nonfinite.positive += 1
      } else {
        nonfinite.negative += 1
      }
    }
    let isGiven = !rounding.isFinite(at: index)
    let isExpected = isGiven && sameKind(y, value)
    if isExpected { nonfinite.expected += 1 }
    deviation.note(sameKind: isExpected, at: index)
    for rung in bounds.indices where !isExpected {
      // Finite numbers whose sum leaves the range of the reference itself have no bound.
      let isUnknown =
        !isGiven
        && (!value.isFinite || !(bounds[rung].at(value, absolute: absolute) < .infinity)
          || (!y.isFinite && bounds[rung].mayOverflow(to: y, value, absolute: absolute)))
      if isUnknown { rungs[rung].noteUnbounded() } else { rungs[rung].noteImpossible(at: index) }
      if rung == claimed && !isUnknown { map?.note(.infinity, at: index) }
    }
  }

  /// Holds the candidate against an arithmetic with a bound for each element, in the problem's precision.
  ///
  /// - Parameter mayOverflow: Whether intermediate results may leave the format's range, so that an infinity or NaN refutes
  ///   nothing.
  mutating func climb(
    _ claim: Claim, isClaimed: Bool, _ elementwise: borrowing Tensor<Double>,
    _ reference: borrowing Reference<Scalar>, mayOverflow: Bool
  ) {
    var rung = Rung(claim)
    let allowance = ElementwiseAllowance(
      elementwise.values, in: Scalar.dataType, terms: reference.terms, candidate: candidate.dataType)
    let sums = reference.values
    var measured = DeviationTracker()
    for index in 0..<reference.count {
      let (value, tail, absolute) = (sums.value[index], sums.tail[index], sums.absolute[index])
      let y = values[index]
      let bound = allowance.at(index, value: value, absolute: absolute)
      // A window that is not finite makes more than its own output so, in tiles and in transforms.
      guard value.isFinite, tail.isFinite, bound < .infinity else {
        rung.noteUnbounded()
        continue
      }
      if y.isFinite {
        let error = ((y - value) - tail).magnitude
        rung.note(error, bound: bound, at: index)
        if isClaimed {
          measured.note(error, bound: bound, ulp: 0, at: index)
          map?.note(error == 0 ? 0 : error / bound, at: index)
        }
      } else if allowance.isRounded && value.magnitude + bound >= ClaimBound.overflow(of: candidate.dataType)
        || mayOverflow
      {
        rung.noteUnbounded()
      } else {
        rung.noteImpossible(at: index)
        if isClaimed { map?.note(.infinity, at: index) }
      }
    }
    if isClaimed {
      let shape = candidate.values.shape
      boundAtLargest =
        measured.deviation(shape: shape, elements: reference.count, identicalBesides: 0).bound
    }
    rungs.append(rung)
  }

  /// The bound of a claim that is no dot product at the element with the largest error.
  private(set) var boundAtLargest: Double?
}
