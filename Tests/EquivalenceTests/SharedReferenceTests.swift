import Convolution
import Equivalence
import TestSupport
import Testing

/// References whose parts several threads form.
@Suite(.serialized) struct SharedReferenceTests {
  /// What is found of a result with a few mistakes, and of its gradients.
  func findings<Scalar: TensorScalar>(
    _ problem: borrowing ConvolutionProblem<Scalar>
  ) throws -> [String] {
    let geometry = problem.geometry
    let prepared = try Formulation.direct.makeOperator(
      storage: .sparse, geometry: geometry, filter: problem.filter, bias: problem.bias)
    var direct = problem.makeOutput()
    prepared.apply(to: problem.image, into: &direct)
    var wrong = problem.makeOutput()
    prepared.apply(to: problem.image, into: &wrong)
    let values = wrong.mutableValues
    for index in stride(from: 3, to: values.count, by: values.count / 7 + 1) {
      values[index] = values[index] * (1 + Scalar(0x1p-19))
    }
    let reference = Reference(problem: problem)
    var all = [
      Assessment(of: wrong, direct: direct, problem: problem, detailed: true),
      Assessment(of: wrong, direct: direct, problem: problem, reference: reference),
    ]
    var random = DeterministicNumbers(seed: 3)
    let upstream: Tensor<Scalar> = random.tensor(geometry.resultShape)
    let gradients = try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .sparse)
    all.append(
      Assessment(
        ofGradient: .image, gradients.image, direct: gradients.image, problem: problem, upstream: upstream))
    all.append(
      Assessment(
        ofGradient: .filter, gradients.filter, direct: gradients.filter, problem: problem, upstream: upstream)
    )
    return all.map { String(reflecting: $0) }
  }

  func isTheSame<Scalar: TensorScalar>(
    _: Scalar.Type, _ image: Shape, _ filter: Shape, _ options: ConvolutionOptions
  ) throws {
    var random = DeterministicNumbers(seed: 9)
    let problem = try ConvolutionProblem<Scalar>(
      image: random.tensor(image), filter: random.tensor(filter), options: options)
    try withEveryVariant { (_) throws in
      let alone = try findings(problem)
      let team = ReversedTeam()
      Parallel.install(team)
      defer { Parallel.install(nil) }
      #expect(try findings(problem) == alone)
      #expect(team.parts > 2)
    }
  }

  @Test(
    "what threads find together is what one finds alone",
    arguments: [
      // One plane; planes by themselves; many channels, in several waves and with a block that is not full; strides; a batch in groups.
      (Shape(300, 310), Shape(5, 5), ConvolutionOptions()),
      (
        Shape(1, 20, 90, 90), Shape(20, 1, 3, 3),
        ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)), groups: 20)
      ),
      (
        Shape(1, 8, 65, 63), Shape(35, 8, 3, 3),
        ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)))
      ),
      (Shape(1, 32, 70, 70), Shape(13, 32, 3, 3), ConvolutionOptions(stride: Extent(2, 2))),
      (Shape(2, 16, 40, 7), Shape(32, 4, 5, 5), ConvolutionOptions(groups: 4)),
    ])
  func shared(image: Shape, filter: Shape, options: ConvolutionOptions) throws {
    try isTheSame(Float.self, image, filter, options)
    try isTheSame(Double.self, image, filter, options)
  }
}
