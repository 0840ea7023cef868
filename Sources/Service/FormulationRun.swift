import Benchmarking
import Convolution
import Equivalence

/// What one formulation made of a problem, with the times that it took.
struct FormulationRun<Scalar: TensorScalar>: ~Copyable {
  /// The formulation, its storage and its options.
  let choice: FormulationChoice
  /// The result, rounded to the problem's element type.
  private(set) var result: Tensor<Scalar>
  /// How far it may lie from the exact value.
  let bound: ResultBound
  /// What is to be said of the formulation beside the verdict.
  let remarks: FormulationRemarks
  /// Building the operator, in nanoseconds.
  let setup: Int
  /// Each application of the operator, in nanoseconds.
  private(set) var times: [Int] = []

  /// Computes `problem` `repeats` times by `choice`; `format` is the problem's element type.
  ///
  /// - Throws: what `Formulation.check` throws, before anything is allocated for the operator.
  init(
    _ choice: FormulationChoice, _ problem: borrowing ConvolutionProblem<Scalar>, format: DataType,
    repeats: Int,
    memoryLimit: Int
  ) throws(ConvolutionError) {
    self.choice = choice
    var output = problem.makeOutput()
    var stopwatch = Stopwatch()
    let prepared = try choice.formulation.makeOperator(
      storage: choice.storage, geometry: problem.geometry, filter: problem.filter, bias: problem.bias,
      options: choice.options, memoryLimit: memoryLimit)
    setup = stopwatch.lap()
    for _ in 0..<repeats {
      prepared.apply(to: problem.image, into: &output)
      times.append(stopwatch.lap())
    }
    let bound = ResultBound(of: prepared, problem: problem)
    remarks =
      choice.formulation.isDotProduct
      ? FormulationRemarks() : FormulationRemarks(prepared, result: output, problem: problem, bound: bound)
    self.bound = bound
    output.round(toShort: format)
    result = output
  }
}

extension Tensor where Scalar: TensorScalar {
  /// Rounds a float32 result to `format` where that is a shorter one.
  fileprivate mutating func round(toShort format: DataType) {
    guard format == .float16 || format == .bfloat16 else { return }
    precondition(Scalar.self == Float.self, "short types are computed in float32")
    // The types are one and the same here, which the compiler cannot know.
    withUnsafeMutablePointer(to: &self) { place in
      UnsafeMutableRawPointer(place).assumingMemoryBound(to: Tensor<Float>.self).pointee.round(to: format)
    }
  }
}

/// What `compute` gives, what is wrong as an error of the service.
func computed<Result: ~Copyable>(
  _ compute: () throws(ConvolutionError) -> Result
) throws(ServiceError) -> Result {
  do throws(ConvolutionError) {
    return try compute()
  } catch {
    throw .convolution(error)
  }
}
