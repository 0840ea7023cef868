public import Convolution

/// What was probably done wrong in an output that lies further from the exact value than its arithmetic can bring it.
///
/// A diagnosis is no theorem: it names the mistake that reproduces the output within rounding, the first of them in the
/// order of `Mistake` (with the exceptions that docs/diagnosis.md names) where several do.
public struct Diagnosis: Sendable {
  /// What was done wrong.
  public let mistake: Mistake
  /// What else was, where it took several mistakes together.
  public let also: [Mistake]
  /// One sentence with the numbers.
  public let says: String
  /// The worst `|candidate − reproduction| / allowed`, allowed by the arithmetic that `says` names or the one claimed; at most 1
  /// where the mistake reproduces the candidate. Elements of which a mistake says nothing but where they are (single ones,
  /// numbers from elsewhere, zeros, what moved in, those that are not finite) are left out of it: it is that of all others.
  /// Of an unknown mistake, the worst `|candidate − exact| / allowed`, infinite where nothing was allowed; the same of
  /// the finite elements of a `nonfinite` candidate for which nothing is known, and of finite elements where the exact ones are not.
  public let residual: Double
  /// The first element that is wrong.
  public let position: Position?
  /// Of an unknown mistake: one line of JSON for `POST /convolve` with the smallest window of a wrong element; nil where it
  /// would be too long or has elements that are not finite.
  public let reproduction: String?

  /// The multiply-adds a diagnosis may take, unless told otherwise: about a second.
  public static var defaultWorkLimit: Int { 1_000_000_000 }

  /// Looks for the mistake in `candidate`, a result of `problem` in the shape of `exact`; nil where every element is
  /// within its bound. Other numbers of elements are a programming error.
  ///
  /// - Parameters:
  ///   - allowed: How far each element of the correct result may lie from the exact value in the arithmetic claimed;
  ///     infinite or NaN where there is no bound.
  ///   - exact: The exact values, or what stands for them.
  ///   - workLimit: The most multiply-adds to spend. What does not fit is compared on a sample of the elements or left
  ///     out, and `says` tells so.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init?<Scalar: TensorScalar>(
    of candidate: borrowing Tensor<Double>, problem: borrowing ConvolutionProblem<Scalar>,
    allowed: borrowing Tensor<Double>, exact: borrowing Tensor<Double>,
    workLimit: Int = Diagnosis.defaultWorkLimit
  ) {
    let count = problem.geometry.resultElementCount
    precondition(candidate.values.count == count, "another candidate's shape")
    precondition(allowed.values.count == count, "another number of bounds")
    precondition(exact.values.count == count, "another exact result's shape")
    let evidence = Evidence(candidate: candidate.values, exact: exact.values, allowed: allowed.values)
    guard let evidence else {
      // Where the exact sum is not finite, nothing but that can be said of an element.
      let shape = problem.geometry.resultShape
      guard
        let place = (0..<count).first(where: { !exact.values[$0].isFinite && candidate.values[$0].isFinite })
      else { return nil }
      mistake = .nonfinite
      also = []
      position = Position(place, in: shape)
      says =
        "the exact sum of \(position?.indices ?? []) is not finite, and the element there is \(candidate.values[place])"
      residual = .infinity
      reproduction = nil
      return
    }
    var search = MistakeSearch(
      problem, evidence, workLimit: workLimit, isDouble: Scalar.dataType == .float64)
    let found = search.run()
    mistake = found.mistakes[0]
    also = Array(found.mistakes.dropFirst())
    says = found.says
    residual = found.residual
    position = Position(evidence.refuted[0], in: problem.geometry.resultShape)
    reproduction = found.reproduction
  }
}
