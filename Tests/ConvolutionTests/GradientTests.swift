import Convolution
import TestSupport
import Testing

/// The formulations and storages that have gradients.
private let gradientForms = dotProductForms.filter { $0.formulation.hasGradients }

@Suite struct GradientTests {
  /// A problem in integers with all three gradients by the definition.
  struct Case {
    let parameters: Parameters
    let image: [Int]
    let filter: [Int]
    let upstream: [Int]
    let resultShape: Shape
    var byImage: [Int]
    var byFilter: [Int]
    var byBias: [Int]

    init?(_ p: Parameters, _ random: inout SeededNumbers) {
      guard let (terms, height, width) = terms(p),
        let geometry = try? ConvolutionGeometry(
          image: p.imageShape, filter: p.filterShape, options: p.options)
      else { return nil }
      parameters = p
      image = random.integers(p.batch * p.inputs * p.image.elementCount)
      // Zeros too: sparse storage must not lose the gradient of a weight that happens to be zero.
      filter = random.integers(p.inputs * p.outputs / p.groups * p.filter.elementCount, -2...2)
      upstream = random.integers(p.batch * p.outputs * height * width)
      resultShape = geometry.resultShape
      byImage = [Int](repeating: 0, count: image.count)
      byFilter = [Int](repeating: 0, count: filter.count)
      byBias = [Int](repeating: 0, count: p.outputs)
      for term in terms {
        byImage[term.pixel] += upstream[term.result] * filter[term.weight]
        byFilter[term.weight] += upstream[term.result] * image[term.pixel]
      }
      for index in upstream.indices { byBias[index / (height * width) % p.outputs] += upstream[index] }
    }

    func check<Scalar: Ring & Equatable>(_ convert: (Int) -> Scalar) throws {
      let p = parameters
      let problem = try ConvolutionProblem(
        image: Tensor(image.map(convert), p.imageShape), filter: Tensor(filter.map(convert), p.filterShape),
        options: p.options)
      let upstream = Tensor(upstream.map(convert), resultShape)
      for (formulation, storage) in gradientForms {
        let gradients = try formulation.gradients(of: problem, upstream: upstream, storage: storage)
        let differ = [
          ("image", gradients.image.values.elementsEqual(byImage.map(convert))),
          ("filter", gradients.filter.values.elementsEqual(byFilter.map(convert))),
          ("bias", gradients.bias.values.elementsEqual(byBias.map(convert))),
        ].filter { !$0.1 }.map(\.0)
        #expect(gradients.image.shape == p.imageShape && gradients.filter.shape == p.filterShape)
        if !differ.isEmpty {
          let line = p.reproduction(
            image, filter, upstream: (self.upstream, resultShape), formulation, storage)
          Issue.record("the gradient by the \(differ) differs from the definition: \(line)")
          return
        }
      }
    }
  }

  @Test("all three gradients are exact on integers in every formulation and storage", arguments: 1...4)
  func exact(seed: UInt64) throws {
    var random = SeededNumbers(seed: 100 + seed)
    var checked = 0
    while checked < 500 {
      guard let problem = Case(random.parameters(upTo: 7), &random) else { continue }
      checked += 1
      try problem.check { $0 }
      try problem.check(Float.init)
    }
  }

  @Test("gradients over rows around vector widths are exact")
  func tails() throws {
    var random = SeededNumbers(seed: 21)
    try withEvery(around: [4, 8, 16, 32]) { width in
      for stride in 1...3 {
        let p = Parameters(
          image: Extent(4, width + 2), filter: Extent(2, 3), stride: Extent(1, stride),
          padding: Padding(top: 1, left: 2, bottom: 0, right: 1), dilation: Extent(1, 1))
        let problem = try #require(Case(p, &random))
        try problem.check(Double.init)
      }
    }
  }

  @Test("gradients agree with finite differences in float64 to better than 1e-6")
  func finiteDifferences() throws {
    var random = SeededNumbers(seed: 31)
    var checked = 0
    while checked < 150 {
      let p = random.parameters(upTo: 8)
      guard let (_, height, width) = terms(p) else { continue }
      checked += 1
      func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
      }
      let problem = try ConvolutionProblem(
        image: Tensor(floats(p.batch * p.inputs * p.image.elementCount), p.imageShape),
        filter: Tensor(floats(p.inputs * p.outputs / p.groups * p.filter.elementCount), p.filterShape),
        options: p.options)
      let upstream = Tensor(
        floats(p.batch * p.outputs * height * width), problem.geometry.resultShape)
      for (formulation, storage) in gradientForms {
        let check = try DirectionalCheck(formulation, storage: storage, problem: problem, upstream: upstream)
        #expect(check.relativeDeviation < 1e-6, "\(formulation) \(storage) \(p) \(check)")
        let elsewhere = try DirectionalCheck(
          formulation, storage: storage, problem: problem, upstream: upstream, seed: 2)
        #expect(elsewhere != check || p.image == Extent(1, 1) || check.directional == 0)
      }
    }
  }

  @Test("a check without any gradient deviates by nothing")
  func zeroUpstream() throws {
    let problem = try ConvolutionProblem(
      image: Tensor<Float>([[1, 2], [3, 4]]), filter: Tensor<Float>([[5]]))
    let check = try DirectionalCheck(
      .direct, storage: .sparse, problem: problem, upstream: Tensor<Float>([[0, 0], [0, 0]]))
    #expect(check.directional == 0 && check.difference == 0 && check.relativeDeviation == 0)
  }

  @Test("an upstream of another shape, a formulation without gradients and costs above a limit are refused")
  func refusals() throws {
    let problem = try ConvolutionProblem(
      image: Tensor<Float>(shape: Shape(8, 9), repeating: 1),
      filter: Tensor<Float>(shape: Shape(3, 3), repeating: 1))
    let upstream = problem.makeOutput()
    let wrong = ConvolutionError.upstreamShape(Shape(7, 6), expected: Shape(6, 7))
    #expect(
      wrong.description == "The upstream gradient has the shape 7×6, the result 6×7; they must be the same.")
    #expect(wrong.field == .upstream)
    for (formulation, storage) in gradientForms {
      #expect(throws: wrong) {
        _ = try formulation.gradients(
          of: problem, upstream: Tensor<Float>(shape: Shape(7, 6), repeating: 0), storage: storage)
      }
      let cost = formulation.gradientCost(of: problem.geometry, storage: storage, scalarByteCount: 4)
      #expect(throws: ConvolutionError.self) {
        _ = try formulation.gradients(
          of: problem, upstream: upstream, storage: storage, memoryLimit: cost.heldBytes - 1)
      }
      #expect(
        throws: ConvolutionError.tooMuchWork(
          formulation: formulation, storage: storage, multiplyAdds: cost.multiplyAdds,
          limit: cost.multiplyAdds - 1)
      ) {
        _ = try formulation.gradients(
          of: problem, upstream: upstream, storage: storage, workLimit: cost.multiplyAdds - 1)
      }
      let within = try formulation.gradients(
        of: problem, upstream: upstream, storage: storage, memoryLimit: cost.heldBytes,
        workLimit: cost.multiplyAdds)
      #expect(within.bias.values[0] == 0)
    }
    for formulation in Formulation.allCases where !formulation.hasGradients {
      let none = ConvolutionError.unsupported(formulation: formulation, .gradients)
      #expect(throws: none) {
        _ = try formulation.gradients(of: problem, upstream: upstream, storage: .sparse)
      }
      #expect(none.description.contains("has no gradients here; \"direct\""))
    }
    #expect(throws: ConvolutionError.unsupportedStorage(formulation: .direct, storage: .dense)) {
      _ = try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .dense)
    }
  }
}
