public import Convolution

extension Assessment {
  /// Judges `result`, computed by any formulation from `problem`, against the exact value and against `direct`, in one
  /// pass over the elements.
  ///
  /// - Parameters:
  ///   - bound: How far the formulation's results may lie from the exact value.
  ///   - format: The type that `result` and `direct` were rounded to once, at the end: the problem's own, or a shorter one
  ///     for problems in float32, whose elements then are numbers of that type.
  ///   - arithmetic: The name of the formulation's arithmetic, where it is no dot product in the problem's precision.
  ///   - detailed: asks for `DetailedMeasures` as well.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    of result: borrowing Tensor<Scalar>, direct: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, bound: borrowing ResultBound = .dotProduct,
    format: DataType = Scalar.dataType, arithmetic: String? = nil, detailed: Bool = false
  ) {
    let (image, filter) = (Scan(problem.image.values), Scan(problem.filter.values))
    let summands = Summands(problem)
    var assessor = Self.assessor(result, direct, problem, summands, bound, format, arithmetic, detailed)
    summands.formReference(fused: image.isTooLargeToSplit || filter.isTooLargeToSplit, into: &assessor)
    self.init(
      assessor, shape: problem.geometry.resultShape,
      (image.nonfinite, filter.nonfinite, Scan(problem.bias.values).nonfinite, upstream: 0))
  }

  /// Judges as the other one does, against a reference of `problem` that was formed before.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    of result: borrowing Tensor<Scalar>, direct: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, reference: borrowing Reference<Scalar>,
    bound: borrowing ResultBound = .dotProduct, format: DataType = Scalar.dataType, arithmetic: String? = nil,
    detailed: Bool = false
  ) {
    var assessor = Self.assessor(
      result, direct, problem, Summands(problem), bound, format, arithmetic, detailed)
    assessor.take(reference.values, from: 0, count: reference.count)
    self.init(
      assessor, shape: problem.geometry.resultShape,
      (
        Scan(problem.image.values).nonfinite, Scan(problem.filter.values).nonfinite,
        Scan(problem.bias.values).nonfinite, upstream: 0
      ))
  }

  /// Judges a result of the direct formulation itself.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    ofDirect result: borrowing Tensor<Scalar>, problem: borrowing ConvolutionProblem<Scalar>,
    format: DataType = Scalar.dataType, detailed: Bool = false
  ) {
    self.init(of: result, direct: result, problem: problem, format: format, detailed: detailed)
  }

  /// What judges a result of `problem`.
  @inline(__always)
  private static func assessor<Scalar: TensorScalar>(
    _ result: borrowing Tensor<Scalar>, _ direct: borrowing Tensor<Scalar>,
    _ problem: borrowing ConvolutionProblem<Scalar>, _ summands: Summands<Scalar>,
    _ bound: borrowing ResultBound,
    _ format: DataType, _ arithmetic: String?, _ detailed: Bool
  ) -> Assessor<Scalar> {
    let count = problem.geometry.resultElementCount
    precondition(result.values.count == count, "another result's shape")
    precondition(direct.values.count == count, "another direct result's shape")
    let allowance = Allowance(
      dataType: Scalar.dataType, terms: problem.terms, elementwise: bound.elements(count: count),
      format: format)
    let measures =
      detailed
      ? MeasureTracker(
        allowance, arithmetic: arithmetic, computedIn: Scalar.dataType, terms: problem.terms) : nil
    return Assessor(
      result.values.baseAddress.unsafelyUnwrapped, direct: direct.values.baseAddress.unsafelyUnwrapped,
      summands,
      allowance, measures: measures)
  }

  /// What `assessor` found in a result of `shape`; `nonfinite` counts the numbers it was given.
  @inline(__always)
  init<Scalar: TensorScalar>(
    _ assessor: Assessor<Scalar>, shape: Shape,
    _ nonfinite: (image: Int, filter: Int, bias: Int, upstream: Int)
  ) {
    let failures = assessor.judge.failures
    let elements = shape.elementCount ?? .max
    self.failures = failures.byReason
    firstFailure = failures.first.map { Position($0, in: shape) }
    self.nonfinite = NonfiniteCounts(
      image: nonfinite.image, filter: nonfinite.filter, bias: nonfinite.bias, upstream: nonfinite.upstream,
      result: failures.nonfiniteResult, direct: failures.nonfiniteDirect,
      disagreements: failures.disagreements)
    fromReference = assessor.judge.fromReference.deviation(
      shape: shape, elements: elements, identicalBesides: assessor.screen.identicalToReference)
    fromDirect = assessor.judge.fromDirect.deviation(
      shape: shape, elements: elements, identicalBesides: assessor.screen.identicalToDirect)
    exactPath = assessor.judge.rounding.exactCount
    doubtfulElements = assessor.judge.rounding.doubtfulCount
    detailed = assessor.judge.measures?.measures(allFinite: failures.onlyBeyondBound)
  }
}
