import Convolution

/// How far each element of a candidate may lie from the reference in an arithmetic that has a bound for each element: that
/// bound, the reference's own error, and the rounding to the candidate's format where that is shorter.
struct ElementwiseAllowance {
  /// Whether a candidate's elements were rounded to a shorter format at the end.
  let isRounded: Bool
  private let limits: UnsafeBufferPointer<Double>
  private let reference: ErrorBound
  private let format: DataType

  /// - Parameters:
  ///   - limits: The bounds of the arithmetic; they must live as long as this is used.
  ///   - precision: The type that the problem and its reference are in.
  ///   - terms: The most terms in a sum.
  init(_ limits: UnsafeBufferPointer<Double>, in precision: DataType, terms: Int, candidate: DataType) {
    self.limits = limits
    reference = ErrorBound(ofReferenceIn: precision, terms: terms)
    format = candidate
    isRounded = !candidate.holds(precision)
  }

  /// What is allowed to the element at `index`, whose reference is `value`.
  @inline(__always)
  func at(_ index: Int, value: Double, absolute: Double) -> Double {
    let bound = (limits[index] + reference.at(absolute)) * ErrorBound.outward
    return isRounded ? ErrorBound.rounded(to: format, bound, magnitude: value.magnitude) : bound
  }
}
