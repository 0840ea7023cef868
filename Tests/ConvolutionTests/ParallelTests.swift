import Convolution
import TestSupport
import Testing

@Suite(.serialized) struct ParallelTests {
  @Test(
    "a shared computation gives the same bits as that of one thread",
    arguments: [
      // A dense matrix; one plane; planes; channels by rows, by a single block, of 1×1; strides; groups; a batch.
      (Shape(64, 64), Shape(5, 5), ConvolutionOptions()),
      (Shape(300, 310), Shape(9, 9), ConvolutionOptions()),
      (
        Shape(5, 1, 200, 200), Shape(6, 1, 5, 5),
        ConvolutionOptions(padding: .sides(Padding(vertical: 2, horizontal: 2)))
      ),
      (
        Shape(1, 16, 65, 63), Shape(17, 16, 3, 3),
        ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)))
      ),
      (
        Shape(1, 64, 14, 14), Shape(80, 64, 3, 3),
        ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)))
      ),
      (Shape(1, 64, 40, 40), Shape(48, 64, 1, 1), ConvolutionOptions()),
      // Vectors along channels, by blocks of channels, of rows too, and of planes with few tiles.
      (
        Shape(1, 64, 7, 7), Shape(512, 64, 3, 3),
        ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)))
      ),
      (
        Shape(2, 64, 30, 33), Shape(64, 64, 3, 3),
        ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)))
      ),
      (Shape(1, 32, 70, 70), Shape(32, 32, 3, 3), ConvolutionOptions(stride: Extent(2, 2))),
      (Shape(2, 32, 40, 40), Shape(32, 8, 5, 5), ConvolutionOptions(groups: 4)),
    ])
  func sameBits(image: Shape, filter: Shape, options: ConvolutionOptions) throws {
    var random = DeterministicNumbers(seed: 9)
    let problem = try ConvolutionProblem<Float>(
      image: random.tensor(image), filter: random.tensor(filter), options: options)
    // An adjoint is prepared when it is asked for, by the variant of that moment, which other tests choose too.
    try withEveryVariant { (_) throws in
      let prepared = try Formulation.direct.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter)
      let upstream: Tensor<Float> = random.tensor(problem.geometry.resultShape)
      func computed() throws -> [[Float]] {
        var result = problem.makeOutput()
        prepared.apply(to: problem.image, into: &result)
        var gradient = Tensor<Float>(shape: image, repeating: 0)
        prepared.applyAdjoint(to: upstream, into: &gradient)
        var all = [Array(result.values), Array(gradient.values)]
        let gradients = try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .sparse)
        all += [Array(gradients.image.values), Array(gradients.filter.values)]
        for formulation in [Formulation.toeplitz, .banded, .im2col, .winograd] {
          for storage in formulation.storages {
            // Not what a formulation can't compute, nor the largest matrices.
            guard
              let other = try? formulation.makeOperator(
                storage: storage, geometry: problem.geometry, filter: problem.filter, memoryLimit: 1 << 26)
            else { continue }
            other.apply(to: problem.image, into: &result)
            all.append(Array(result.values))
          }
        }
        return all
      }
      let alone = try computed()
      let team = ReversedTeam()
      Parallel.install(team)
      defer { Parallel.install(nil) }
      #expect(try computed() == alone)
      #expect(team.parts > 2)
    }
  }

  @Test("nothing is shared where all threads of the team have work of their own")
  func busy() {
    // Other tests share computations meanwhile, but none while the variants are gone through.
    withEveryVariant { _ in
      for _ in 0..<4 { Parallel.enter() }
      defer { for _ in 0..<4 { Parallel.leave() } }
      let team = ReversedTeam()
      Parallel.install(team)
      defer { Parallel.install(nil) }
      #expect(!Parallel.shares(multiplyAdds: .max))
      var parts: [Int] = []
      Parallel.forEach(parts: 3, multiplyAdds: .max) { parts.append($0) }
      #expect(parts == [0, 1, 2] && team.parts == 0)
    }
  }
}
