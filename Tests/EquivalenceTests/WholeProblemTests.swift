import Convolution
import Equivalence
import TestSupport
import Testing

/// The verdict on whole problems: batches, channels, groups, padding modes, bias, flips and transposition.
@Suite struct WholeProblemTests {
  /// Runs `body` on `count` random whole problems.
  func everyProblem<Scalar: TensorScalar>(
    _: Scalar.Type, seed: UInt64, count: Int, upTo size: Int = 7,
    _ number: (inout SeededNumbers) -> Scalar = ordinary,
    _ body: (WholeProblem<Scalar>, inout SeededNumbers) throws -> Void
  ) throws {
    var random = SeededNumbers(seed: seed)
    var done = 0
    while done < count {
      guard let whole = WholeProblem(random.parameters(upTo: size), &random, number) else { continue }
      try body(whole, &random)
      done += 1
    }
  }

  func exact<Scalar: TensorScalar>(_: Scalar.Type) throws {
    try everyProblem(Scalar.self, seed: 3, count: 300, upTo: 20, { Scalar($0.integer(-9...9)) }) { whole, _ in
      let problem = try whole.problem()
      let expected = whole.products.map { Scalar($0.reduce(0) { $0 + $1.0 * $1.1 }) }
      let assessment = Assessment(ofDirect: Tensor(expected, whole.resultShape), problem: problem)
      #expect(assessment.equivalent && assessment.fromReference.maxAbs == 0, "\(whole.line)")
      #expect(assessment.fromReference.identical == expected.count, "\(whole.line)")
      for target in GradientTarget.allCases {
        let gradient = whole.products(of: target).map { Scalar($0.reduce(0) { $0 + $1.0 * $1.1 }) }
        let tensor = Tensor(gradient, Shape(gradient.count))
        let assessment = Assessment(
          ofGradient: target, tensor, direct: tensor, problem: problem,
          upstream: Tensor(whole.upstream, whole.resultShape))
        #expect(assessment.equivalent && assessment.fromReference.maxAbs == 0, "\(target), \(whole.line)")
        #expect(assessment.fromReference.identical == gradient.count, "\(target), \(whole.line)")
      }
    }
  }

  @Test("exact float32 results and gradients of whole problems are identical to their references")
  func exactFloat32() throws { try exact(Float.self) }

  @Test("exact float64 results and gradients of whole problems are identical to their references")
  func exactFloat64() throws { try exact(Double.self) }

  func decides<Scalar: TensorScalar>(_: Scalar.Type) throws {
    try everyProblem(Scalar.self, seed: 5, count: 150) { whole, random in
      let problem = try whole.problem()
      let direct = try whole.direct(problem)
      #expect(Assessment(ofDirect: direct, problem: problem).equivalent, "\(whole.line)")
      let products = whole.products
      let most = products.map(\.count).max() ?? 0
      #expect(problem.terms >= most)
      let bounds = theory(products, terms: problem.terms, as: Scalar.self)
      let index = random.integer(0...products.count - 1)
      // Where all is padding, the bound is that of underflow alone.
      if bounds[index] == 0 { return }
      let (within, beyond) = atBound(bounds[index], of: products[index], as: Scalar.self)
      var moved = Array(direct.values)
      moved[index] = within
      #expect(
        Assessment(of: Tensor(moved, direct.shape), direct: direct, problem: problem).equivalent,
        "element \(index), \(whole.line)")
      moved[index] = beyond
      let refuted = Assessment(of: Tensor(moved, direct.shape), direct: direct, problem: problem)
      #expect(refuted.failures == [.beyondBound: 1], "element \(index), \(whole.line)")
      #expect(refuted.firstFailure == Position(index, in: whole.resultShape), "\(whole.line)")
    }
  }

  @Test("one float32 element of a whole problem's result decides the verdict at its bound")
  func decidesFloat32() throws { try decides(Float.self) }

  @Test("one float64 element of a whole problem's result decides the verdict at its bound")
  func decidesFloat64() throws { try decides(Double.self) }

  func gradients<Scalar: TensorScalar>(_: Scalar.Type) throws {
    try everyProblem(Scalar.self, seed: 7, count: 80) { whole, random in
      let problem = try whole.problem()
      let upstream = Tensor(whole.upstream, whole.resultShape)
      let gradients = try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .sparse)
      for target in GradientTarget.allCases {
        func judge(_ values: [Scalar], _ direct: borrowing Tensor<Scalar>) -> Assessment {
          Assessment(
            ofGradient: target, Tensor(values, direct.shape), direct: direct, problem: problem,
            upstream: upstream)
        }
        let products = whole.products(of: target)
        let index = random.integer(0...products.count - 1)
        let bound = theory(products, as: Scalar.self)[index]
        let (within, beyond) =
          bound == 0 ? (0, 1) : atBound(bound, of: products[index], as: Scalar.self)
        func check(_ direct: borrowing Tensor<Scalar>) {
          var moved = Array(direct.values)
          #expect(judge(moved, direct).equivalent, "\(target), \(whole.line)")
          moved[index] = within
          #expect(judge(moved, direct).equivalent, "\(target) \(index), \(whole.line)")
          moved[index] = beyond
          let refuted = judge(moved, direct)
          #expect(refuted.failures == [.beyondBound: 1], "\(target) \(index), \(whole.line)")
          #expect(
            refuted.firstFailure == Position(index, in: direct.shape), "\(target) \(index), \(whole.line)")
        }
        switch target {
        case .image: check(gradients.image)
        case .filter: check(gradients.filter)
        case .bias: check(gradients.bias)
        }
      }
    }
  }

  @Test("one float32 element of a gradient decides the verdict at its bound")
  func gradientsFloat32() throws { try gradients(Float.self) }

  @Test("one float64 element of a gradient decides the verdict at its bound")
  func gradientsFloat64() throws { try gradients(Double.self) }

  @Test("an infinite or missing number spoils the elements it reaches, and no other")
  func windows() throws {
    try everyProblem(Float.self, seed: 9, count: 200) { whole, random in
      var whole = whole
      let value: Float = [.infinity, -.infinity, .nan][random.integer(0...2)]
      let reached: Set<Int>
      switch random.integer(0...2) {
      case 0:
        let pixel = random.integer(0...whole.image.count - 1)
        whole.image[pixel] = value
        reached = Set(whole.terms.filter { $0.pixel == pixel }.map(\.result))
      case 1:
        let weight = random.integer(0...whole.filter.count - 1)
        whole.filter[weight] = value
        reached = Set(whole.terms.filter { $0.weight == weight }.map(\.result))
      default:
        if whole.bias.isEmpty { return }
        let channel = random.integer(0...whole.bias.count - 1)
        whole.bias[channel] = value
        reached = Set(whole.upstream.indices.filter { $0 / whole.plane % whole.bias.count == channel })
      }
      let problem = try whole.problem()
      let assessment = Assessment(ofDirect: try whole.direct(problem), problem: problem)
      #expect(
        assessment.failures == (reached.isEmpty ? [:] : [.nonfiniteWindow: reached.count]), "\(whole.line)")
      #expect(assessment.firstFailure == reached.min().map { Position($0, in: whole.resultShape) })
      let counts = assessment.nonfinite
      #expect(counts.image + counts.filter + counts.bias == 1 && counts.result == reached.count)
    }
  }

  @Test("an infinite upstream spoils the gradients it reaches, and no other")
  func gradientWindows() throws {
    try everyProblem(Double.self, seed: 13, count: 100) { whole, random in
      var whole = whole
      let spoilt = random.integer(0...whole.upstream.count - 1)
      whole.upstream[spoilt] = .infinity
      let problem = try whole.problem()
      let upstream = Tensor(whole.upstream, whole.resultShape)
      let gradients = try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .sparse)
      let reached = whole.terms.filter { $0.result == spoilt }
      let pixels = Set(reached.map(\.pixel))
      let weights = Set(reached.map(\.weight))
      let image = Assessment(
        ofGradient: .image, gradients.image, direct: gradients.image, problem: problem, upstream: upstream)
      #expect(image.failures == (pixels.isEmpty ? [:] : [.nonfiniteWindow: pixels.count]), "\(whole.line)")
      #expect(image.firstFailure == pixels.min().map { Position($0, in: gradients.image.shape) })
      let filter = Assessment(
        ofGradient: .filter, gradients.filter, direct: gradients.filter, problem: problem, upstream: upstream)
      #expect(filter.failures == (weights.isEmpty ? [:] : [.nonfiniteWindow: weights.count]), "\(whole.line)")
      let bias = Assessment(
        ofGradient: .bias, gradients.bias, direct: gradients.bias, problem: problem, upstream: upstream)
      #expect(bias.failures == [.nonfiniteWindow: 1] && bias.nonfinite.upstream == 1)
    }
  }

  @Test("factors too large to be split keep their certificate in every direction")
  func huge() throws {
    func number(_ random: inout SeededNumbers) -> Double {
      Double(sign: .plus, exponent: random.integer(-20...480), significand: ordinary(&random))
    }
    try everyProblem(Double.self, seed: 15, count: 60, number) { whole, _ in
      var whole = whole
      // One factor whose products with all others are finite.
      whole.image[0] = 0x1.8p1000
      whole.filter = whole.filter.map { $0 * 0x1p-480 }
      whole.upstream = whole.upstream.map { $0 * 0x1p-480 }
      let problem = try whole.problem()
      #expect(Assessment(ofDirect: try whole.direct(problem), problem: problem).equivalent, "\(whole.line)")
      let upstream = Tensor(whole.upstream, whole.resultShape)
      let gradients = try Formulation.direct.gradients(of: problem, upstream: upstream, storage: .sparse)
      let filter = Assessment(
        ofGradient: .filter, gradients.filter, direct: gradients.filter, problem: problem, upstream: upstream)
      #expect(filter.equivalent, "\(whole.line)")
    }
  }

  @Test("a reference formed once gives the verdicts and the distances that each result's own gives")
  func reuse() throws {
    // By one variant, since each adds the reference up in its own way.
    try withEveryVariant { (_) throws in
      try everyProblem(Float.self, seed: 17, count: 60) { whole, _ in
        let problem = try whole.problem()
        let direct = try whole.direct(problem)
        let reference = Reference(problem: problem)
        for (formulation, storage) in dotProductForms {
          let result = try whole.result(formulation, storage, problem)
          let own = Assessment(of: result, direct: direct, problem: problem)
          let reused = Assessment(of: result, direct: direct, problem: problem, reference: reference)
          #expect(own.equivalent && reused.equivalent, "\(formulation) \(storage), \(whole.line)")
          #expect(own.fromReference == reused.fromReference && own.fromDirect == reused.fromDirect)
          #expect(Deviation(of: result, from: direct, reference: reference) == own.fromDirect)
        }
      }
    }
  }
}
