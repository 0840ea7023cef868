import Convolution

/// How far each element of a result may lie from the reference: the bound of the formulation, the reference's own error,
/// and, where the result was rounded to a shorter format at the end, that rounding.
///
/// The result's own bound may be one that the formulation gave by element; the direct result always obeys that of a dot
/// product.
struct Allowance {
  /// The bound of a dot product, the reference's error in it.
  let dotProduct: ErrorBound
  /// The most terms in a sum.
  let terms: Int
  /// The short format, where there is one.
  let rounded: RoundingFormat?
  /// The format of the elements.
  let format: DataType
  /// The reference's own error.
  let reference: ErrorBound
  /// The result's own bounds, one for each element; nil for dot products.
  let elementwise: UnsafePointer<Double>?

  /// What is allowed to sums of `terms` terms computed in `dataType` and rounded to `format`; `elementwise` has a bound
  /// for each element, and is nil for dot products.
  init(dataType: DataType, terms: Int, elementwise: UnsafePointer<Double>?, format: DataType) {
    self.terms = terms
    dotProduct = ErrorBound(dataType: dataType, terms: terms)
    reference = ErrorBound(ofReferenceIn: dataType, terms: terms)
    rounded = RoundingFormat(short: format)
    precondition(rounded == nil ? format == dataType : dataType == .float32, "rounded from another type")
    self.format = format
    self.elementwise = elementwise
  }

  /// What is allowed to the element at `index` as it was computed, before it was rounded.
  @inline(__always)
  func computed(_ index: Int, absolute: Double) -> Double {
    guard let elementwise else { return dotProduct.at(absolute) }
    return (elementwise[index] + reference.at(absolute)) * ErrorBound.outward
  }

  /// What is allowed to the element at `index`, whose reference is `value`.
  @inline(__always)
  func result(_ index: Int, value: Double, absolute: Double) -> Double {
    through(computed(index, absolute: absolute), value)
  }

  /// What is allowed to a dot product, as the direct result is one.
  @inline(__always)
  func direct(value: Double, absolute: Double) -> Double {
    through(dotProduct.at(absolute), value)
  }

  @inline(__always)
  private func through(_ bound: Double, _ value: Double) -> Double {
    rounded == nil ? bound : ErrorBound.rounded(to: format, bound, magnitude: value.magnitude)
  }
}
