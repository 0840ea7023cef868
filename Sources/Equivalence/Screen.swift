/// Looks at eight elements at once and says whether they are quiet: finite, within their bounds, rounded with certainty, and with
/// no distance larger than those already noted, so that to count the identical ones is all that is left to do.
///
/// New maxima become rare quickly; only blocks that may hold one, or anything unusual, have to be judged element by
/// element.
struct Screen {
  /// The elements looked at together.
  static var blockLength: Int { 8 }

  /// Elements equal to the correctly rounded value, bit by bit, among the quiet ones.
  private(set) var identicalToReference = 0
  /// Elements equal to the direct result, bit by bit, among the quiet ones.
  private(set) var identicalToDirect = 0
  private let bound: ErrorBound
  private var sumError: SumError
  private let againstItself: Bool
  private var error = Threshold()
  private var distance = Threshold()

  /// What an element must not exceed to be quiet.
  private struct Threshold {
    var largest = -1.0
    var factor = 0.0
    var ulp: UInt64 = 0
  }

  /// - Parameter againstItself: whether the result is the direct result.
  init(bound: ErrorBound, sumError: SumError, againstItself: Bool) {
    self.bound = bound
    self.sumError = sumError
    self.againstItself = againstItself
  }

  /// Takes over the largest distances noted so far, and what is known of the reference's error.
  @inline(__always)
  mutating func update(
    _ fromReference: DeviationTracker, _ fromDirect: DeviationTracker, _ sumError: SumError
  ) {
    self.sumError = sumError
    // An infinite distance is never quiet, nor is an error beyond its bound.
    let finite = Double.greatestFiniteMagnitude
    error = Threshold(
      largest: min(fromReference.largest, finite), factor: min(fromReference.largestRatio, 1),
      ulp: fromReference.largestUlp)
    distance = Threshold(
      largest: min(fromDirect.largest, finite), factor: 2 * fromDirect.largestRatio,
      ulp: fromDirect.largestUlp)
  }

  /// Whether eight float32 elements of the result are quiet; counts the identical ones if they are.
  @inline(__always)
  mutating func passes(
    _ result: UnsafePointer<Float>, _ direct: UnsafePointer<Float>, value: UnsafePointer<Double>,
    absolute: UnsafePointer<Double>
  ) -> Bool {
    let reference = Vector(value)
    let sums = Vector(absolute)
    let bounds = bound.relative * sums + bound.absolute
    let y = Vector(result)
    let errors = (y - reference).magnitudes
    // Sums below 2¹²⁶ have finite bounds, and references that are finite in float32. A NaN fails every comparison.
    var quiet =
      (sums .< 0x1p126) .& (errors .<= error.largest) .& (errors .<= error.factor * bounds)
    let yBits = UnsafeRawPointer(result).loadUnaligned(as: SIMD8<Int32>.self)
    var rounded = SIMD8<Float>()
    var near = CorrectRounding.areCertain(reference, radii: sumError.radii(sums), rounded: &rounded)
    let roundedBits = unsafeBitCast(rounded, to: SIMD8<Int32>.self)
    let yPlaces = places(yBits)
    near .&= liesWithin(error.ulp, yPlaces, places(roundedBits))
    if againstItself {
      if !allHold(quiet) || !allHold(near) { return false }
      identicalToDirect &+= 8
    } else {
      let distances = (y - Vector(direct)).magnitudes
      quiet .&= (distances .<= distance.largest) .& (distances .<= distance.factor * bounds)
      let zBits = UnsafeRawPointer(direct).loadUnaligned(as: SIMD8<Int32>.self)
      near .&= liesWithin(distance.ulp, yPlaces, places(zBits))
      if !allHold(quiet) || !allHold(near) { return false }
      identicalToDirect &+= count(yBits .== zBits)
    }
    identicalToReference &+= count(yBits .== roundedBits)
    return true
  }

  /// Whether eight float64 elements of the result are quiet; counts the identical ones if they are.
  @inline(__always)
  mutating func passes(
    _ result: UnsafePointer<Double>, _ direct: UnsafePointer<Double>, value: UnsafePointer<Double>,
    tail: UnsafePointer<Double>, absolute: UnsafePointer<Double>
  ) -> Bool {
    let leading = Vector(value)
    let lost = Vector(tail)
    let sums = Vector(absolute)
    let bounds = bound.relative * sums + bound.absolute
    let y = Vector(result)
    let errors = ((y - leading) - lost).magnitudes
    // As for float32, far enough from the end of the format's range.
    var quiet =
      (sums .< 0x1p1000) .& (errors .<= error.largest) .& (errors .<= error.factor * bounds)
    let yBits = unsafeBitCast(y, to: SIMD8<Int64>.self)
    var rounded = Vector()
    quiet .&= CorrectRounding.areCertain(leading, tails: lost, errors: sumError.at(sums), rounded: &rounded)
    let roundedBits = unsafeBitCast(rounded, to: SIMD8<Int64>.self)
    let yPlaces = places(yBits)
    quiet .&= liesWithin(error.ulp, yPlaces, places(roundedBits))
    if againstItself {
      if !allHold(quiet) { return false }
      identicalToDirect &+= 8
    } else {
      let z = Vector(direct)
      let distances = (y - z).magnitudes
      let zBits = unsafeBitCast(z, to: SIMD8<Int64>.self)
      quiet .&= (distances .<= distance.largest) .& (distances .<= distance.factor * bounds)
      quiet .&= liesWithin(distance.ulp, yPlaces, places(zBits))
      if !allHold(quiet) { return false }
      identicalToDirect &+= count(yBits .== zBits)
    }
    identicalToReference &+= count(yBits .== roundedBits)
    return true
  }
}
