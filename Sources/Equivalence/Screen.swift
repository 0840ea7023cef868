import Convolution

/// Looks at blocks of elements and counts the quiet ones: finite, within their bounds, rounded with certainty, and with no
/// distance larger than those already noted, so that to count the identical ones is all that is left to do.
///
/// New maxima become rare quickly; only blocks that may hold one, or anything unusual, have to be judged element by
/// element.
struct Screen<Scalar: TensorScalar> {
  /// The elements looked at together.
  static var blockLength: Int { ScreenKernel<Scalar>.blockLength }

  /// Elements equal to the correctly rounded value, bit by bit, among the quiet ones.
  private(set) var identicalToReference = 0
  /// Elements equal to the direct result, bit by bit, among the quiet ones.
  private(set) var identicalToDirect = 0
  private let kernel: ScreenKernel<Scalar>
  private let elementwise: UnsafePointer<Double>?
  private var sumError: SumError
  private let againstItself: Bool
  /// Whether the reference matters; where it does not, any distance from it is quiet, and so is its rounding.
  private let judgesReference: Bool
  private var error = ScreenKernel<Scalar>.Threshold()
  private var distance = ScreenKernel<Scalar>.Threshold()

  /// - Parameter againstItself: whether the result is the direct result.
  init(_ allowance: Allowance, sumError: SumError, againstItself: Bool) {
    let (bound, reference) = (allowance.dotProduct, allowance.reference)
    kernel = ScreenKernel(
      bound: (bound.relative, bound.absolute), reference: (reference.relative, reference.absolute),
      outward: ErrorBound.outward)
    elementwise = allowance.elementwise
    self.sumError = sumError
    self.againstItself = againstItself
    judgesReference = true
  }

  /// Looks at the distances of two results alone: one of which `allowance` says what it may err by, the other a dot product.
  init(pairing allowance: Allowance) {
    let (bound, reference) = (allowance.dotProduct, allowance.reference)
    kernel = ScreenKernel(
      bound: (bound.relative, bound.absolute), reference: (reference.relative, reference.absolute),
      outward: ErrorBound.outward)
    elementwise = allowance.elementwise
    sumError = SumError(precision: Scalar.precision, terms: allowance.terms)
    againstItself = false
    judgesReference = false
    error = .init(largest: .infinity, factor: .infinity, ulp: .max)
  }

  /// Takes over the largest distances noted so far, and what is known of the reference's error.
  mutating func update(
    _ fromReference: DeviationTracker, _ fromDirect: DeviationTracker, _ sumError: SumError
  ) {
    self.sumError = sumError
    // An error beyond its bound is never quiet.
    error = .init(
      largest: min(fromReference.largest, .greatestFiniteMagnitude),
      factor: min(fromReference.largestRatio, 1), ulp: fromReference.largestUlp)
    update(fromDirect)
  }

  /// Takes over the largest distances between the results.
  mutating func update(_ fromDirect: DeviationTracker) {
    // An infinite distance is never quiet.
    distance = .init(
      largest: min(fromDirect.largest, .greatestFiniteMagnitude), factor: fromDirect.largestRatio,
      ulp: fromDirect.largestUlp)
  }

  /// How many of the `count` elements from `start` on are quiet, whole blocks from the first on; their reference stands in `values`
  /// from `index` on. Counts the identical ones among them.
  mutating func pass(
    _ result: UnsafePointer<Scalar>, _ direct: UnsafePointer<Scalar>, from start: Int,
    _ values: ReferenceValues,
    at index: Int, count: Int
  ) -> Int {
    let radius =
      switch (judgesReference, Scalar.precision) {
      case (false, _): (relative: 0.0, absolute: 0.0)
      case (true, .single): (relative: sumError.radius, absolute: 0.0)
      case (true, .double): (relative: sumError.relative, absolute: sumError.absolute)
      }
    let found = kernel.quiet(
      result + start, direct: againstItself ? nil : direct + start, value: values.value + index,
      tail: values.tail + index, absolute: values.absolute + index,
      elementwise: elementwise.map { $0 + start },
      count: count, radius: radius, exactBelow: sumError.exactBelow, error: error, distance: distance)
    identicalToReference &+= found.toReference
    identicalToDirect &+= found.toDirect
    return found.elements
  }
}
