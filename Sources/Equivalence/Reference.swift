import Buffers
public import Convolution

/// The reference of a whole problem, formed once to judge several results: for each element the sum that stands for its
/// exact value, in more precision than the results have, and the sum of its terms' magnitudes, 24 bytes in all.
public struct Reference<Scalar: TensorScalar>: ~Copyable, Sendable {
  /// Elements of the result.
  let count: Int
  /// The most terms in one of them.
  let terms: Int
  private let sums: AlignedBuffer<Double>

  /// Forms the reference of `problem`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init(problem: borrowing ConvolutionProblem<Scalar>) {
    count = problem.geometry.resultElementCount
    terms = problem.terms
    sums = AlignedBuffer(repeating: 0, count: 3 * count)
    var collector = ReferenceCollector(values: ReferenceValues(sums.base, capacity: count))
    Summands(problem).formReference(
      fused: Scan(problem.image.values).isTooLargeToSplit || Scan(problem.filter.values).isTooLargeToSplit,
      into: &collector)
  }

  /// All sums, valid while this lives.
  var values: ReferenceValues { ReferenceValues(sums.base, capacity: count) }
}

/// Keeps the strips of a reference.
private struct ReferenceCollector: ReferenceSink {
  let values: ReferenceValues

  mutating func take(_ strip: ReferenceValues, from start: Int, count: Int) {
    (values.value + start).update(from: strip.value, count: count)
    (values.tail + start).update(from: strip.tail, count: count)
    (values.absolute + start).update(from: strip.absolute, count: count)
  }
}

extension Deviation {
  /// How far `result` lies from `other`, another result of the problem that `reference` was formed of. What the distance
  /// may be is the sum of what the two formulations' bounds allow.
  ///
  /// - Parameters:
  ///   - shape: The result's shape.
  ///   - bound: The bound of the formulation of `result`.
  ///   - otherBound: The bound of the formulation of `other`.
  ///   - format: The type that both were rounded to once, at the end.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    of result: borrowing Tensor<Scalar>, from other: borrowing Tensor<Scalar>,
    reference: borrowing Reference<Scalar>, bound: borrowing ResultBound = .dotProduct,
    otherBound: borrowing ResultBound = .dotProduct, format: DataType = Scalar.dataType
  ) {
    let count = reference.count
    precondition(result.values.count == count && other.values.count == count, "another result's shape")
    func allowance(_ bounds: UnsafePointer<Double>?) -> Allowance {
      Allowance(dataType: Scalar.dataType, terms: reference.terms, elementwise: bounds, format: format)
    }
    let allowances = (allowance(bound.elements(count: count)), allowance(otherBound.elements(count: count)))
    let values = reference.values
    let (left, right) = (result.values, other.values)
    var tracker = DeviationTracker()
    // A block may be screened where no more than one of the bounds is one by element.
    let screened = allowances.1.elementwise == nil ? allowances.0 : allowances.1
    let screens =
      screened.rounded == nil && (allowances.0.elementwise == nil || allowances.1.elementwise == nil)
    var screen = Screen<Scalar>(pairing: screened)
    func compare(_ range: Range<Int>) {
      for index in range {
        let (value, absolute) = (values.value[index], values.absolute[index])
        _ = tracker.compare(
          left[index], right[index],
          bound: allowances.0.result(index, value: value, absolute: absolute)
            + allowances.1.result(index, value: value, absolute: absolute),
          format: allowances.0.rounded, at: index)
      }
    }
    var done = 0
    while screens && done &+ Screen<Scalar>.blockLength <= count {
      done &+= screen.pass(
        left.baseAddress.unsafelyUnwrapped, right.baseAddress.unsafelyUnwrapped, from: done, values, at: done,
        count: count &- done)
      let end = min(done &+ Screen<Scalar>.blockLength, count)
      compare(done..<end)
      done = end
      screen.update(tracker)
    }
    compare(done..<count)
    self = tracker.deviation(
      shape: result.shape, elements: count, identicalBesides: screen.identicalToDirect)
  }
}
