import Convolution
import Equivalence
import TestSupport
import Testing

/// Bounds given by element, and results rounded to a short format.
@Suite struct BoundKindTests {
  /// A 1×n problem whose exact values are `values`.
  func identity<Scalar: TensorScalar>(_ values: [Scalar]) throws -> ConvolutionProblem<Scalar> {
    try ConvolutionProblem(image: Tensor([values]), filter: Tensor([[1]]))
  }

  @Test("each element is held against its own bound, and against none where that is not finite")
  func elementwise() throws {
    let values: [Float] = [1, 1, 1, 1, 1]
    let problem = try identity(values)
    let direct = Tensor([values])
    let moved = Tensor([[Float(1.5), 1.5, 1.5, 1.5, 1]])
    let bounds = ResultBound.elementwise(Tensor([[0.5, 0.4999, .infinity, .nan, 0]]))
    let assessment = Assessment(of: moved, direct: direct, problem: problem, bound: bounds)
    #expect(assessment.failures == [.beyondBound: 1, .unbounded: 2])
    #expect(assessment.firstFailure == Position(0, 1) && assessment.reason == .beyondBound)
    #expect(assessment.fromReference.maxOverBound == nil)
    // The direct result stays a dot product: one of a single product of magnitude 1.
    let bound = try #require(assessment.fromDirect.bound)
    #expect(bound > 0.5 + 0x1p-24 && bound < 0.5 + 0x1.01p-24)
    let reference = Reference(problem: problem)
    let pair = Deviation(of: moved, from: direct, reference: reference, bound: bounds, otherBound: bounds)
    let both = try #require(pair.bound)
    #expect(both >= 1 && both < 1 + 0x1p-40 && pair.maxAbs == 0.5)
  }

  @Test("the rungs begin with the formulation's own arithmetic")
  func rungs() throws {
    let problem = try identity([Float(1), 3])
    let direct = Tensor([[Float(1), 3]])
    let moved = Tensor([[Float(1), 3.001]])
    let bounds = ResultBound.elementwise(Tensor([[0.01, 0.01]]))
    let measures = try #require(
      Assessment(
        of: moved, direct: direct, problem: problem, bound: bounds, arithmetic: "winograd_f2", detailed: true
      ).detailed)
    #expect(measures.rungs.map(\.arithmetic) == ["winograd_f2", "float32", "float64"])
    #expect(measures.rungs.map(\.consistent) == [true, false, false])
    let wide = try #require(
      Assessment(
        of: Tensor([[1.0]]), direct: Tensor([[1.0]]), problem: try identity([1.0]),
        bound: ResultBound.elementwise(Tensor([[0.5]])), arithmetic: "fft", detailed: true
      ).detailed)
    #expect(wide.rungs.map(\.arithmetic) == ["fft", "float64"])
    #expect(wide.rungs.map(\.consistent) == [true, true])
  }

  /// Numbers at and around what is hard to round: ties, subnormals, the ends of the range.
  func hard(_ format: DataType, _ random: inout SeededNumbers) -> [Float] {
    let (least, largest): (Float, Float) =
      format == .float16 ? (0x1p-24, 65504) : (0x1p-133, Float(0x1.FEp127))
    var values: [Float] = [
      0, -0.0, least, least / 2, least * 1.5, least * 2.5, largest, -largest, least * 0.75,
    ]
    for _ in 0..<4000 {
      // The numbers of the format, the ties between them, and their neighbours in float32.
      let bits = UInt16(truncatingIfNeeded: random.next())
      let number = format == .float16 ? Float(float16Bits: bits) : Float(bfloat16Bits: bits)
      let next = format == .float16 ? Float(float16Bits: bits &+ 1) : Float(bfloat16Bits: bits &+ 1)
      guard number.isFinite && next.isFinite else { continue }
      let tie = number / 2 + next / 2
      values += [number, tie, tie.nextUp, tie.nextDown]
    }
    // No −0: the reference's sum begins with +0 and stays there.
    return values.filter { $0 != 0 || $0.sign == .plus }
  }

  @Test(
    "results rounded once are identical to the rounded reference", arguments: [DataType.float16, .bfloat16])
  func roundedOnce(format: DataType) throws {
    var random = SeededNumbers(seed: 31)
    let values = hard(format, &random)
    var result = Tensor([values])
    result.round(to: format)
    let assessment = Assessment(
      ofDirect: result, problem: try identity(values), format: format, detailed: true)
    #expect(assessment.equivalent && assessment.fromReference.maxUlp == 0)
    #expect(assessment.fromReference.identical == values.count)
    let ratio = try #require(assessment.fromReference.maxOverBound)
    // The bound is no more than half a unit in the last place and little else: ties reach it nearly.
    #expect(ratio > 0.9 && ratio <= 1)
    #expect(assessment.detailed?.rungs.allSatisfy(\.consistent) == true)
  }

  @Test("distances are counted in numbers of the short format", arguments: [DataType.float16, .bfloat16])
  func units(format: DataType) throws {
    func number(_ bits: UInt16) -> Float {
      format == .float16 ? Float(float16Bits: bits) : Float(bfloat16Bits: bits)
    }
    for (bits, step) in [(0x0001, 1), (0x0002, 3), (0x0100, 7), (0x03FF, 2), (0x3C00, 100), (0x3F7F, 1)] {
      let exact = number(UInt16(bits))
      let problem = try identity([exact])
      let moved = Tensor([[number(UInt16(bits + step))]])
      let assessment = Assessment(of: moved, direct: Tensor([[exact]]), problem: problem, format: format)
      #expect(assessment.fromReference.maxUlp == UInt64(step) && assessment.fromDirect.maxUlp == UInt64(step))
      #expect(assessment.reason == .beyondBound)
      let mirrored = Tensor([[-number(UInt16(step))]])
      let across = Assessment(of: mirrored, direct: Tensor([[exact]]), problem: problem, format: format)
      #expect(across.fromDirect.maxUlp == UInt64(bits + step))
    }
  }

  @Test("an infinity is right where rounding to the short format can lead to it, and nowhere else")
  func overflow() throws {
    func judge(_ exact: Float, _ result: Float, _ format: DataType = .float16) throws -> Assessment {
      Assessment(ofDirect: Tensor([[result]]), problem: try identity([exact]), format: format)
    }
    for sign: Float in [1, -1] {
      // Halfway between 65504 and 65536, where the next number would be, and just below it.
      #expect(try judge(sign * 65520, sign * .infinity).equivalent)
      #expect(try judge(sign * 1e9, sign * .infinity).equivalent)
      #expect(try judge(sign * 65520, sign * .infinity).fromReference.identical == 1)
      #expect(try judge(sign * 65520, sign * 65504).equivalent)
      // A sum of two terms in float32 may have been brought up by one unit, 2⁻⁸: within its bound, γ₂·S ≈ 2⁻⁷.
      let sum = try ConvolutionProblem(
        image: Tensor([[sign * Float(65520).nextDown, 0]]), filter: Tensor<Float>([[1, 1]]))
      #expect(Assessment(ofDirect: Tensor([[sign * .infinity]]), problem: sum, format: .float16).equivalent)
      #expect(try judge(sign * 65519.9, sign * .infinity).reason == .nonfiniteResult)
      #expect(try judge(sign * 65520, -sign * .infinity).reason == .nonfiniteResult)
      #expect(try judge(sign * 65520, .nan).reason == .nonfiniteResult)
      #expect(try judge(sign * 70000, sign * 65504).reason == .beyondBound)
      #expect(try judge(sign * .infinity, sign * .infinity).reason == .nonfiniteWindow)
      #expect(try judge(sign * 0x1.FFp127, sign * .infinity, .bfloat16).equivalent)
      #expect(try judge(sign * 0x1.FEp127, sign * .infinity, .bfloat16).reason == .nonfiniteResult)
    }
  }

  @Test("results of every formulation, rounded once, are consistent; two units off are not")
  func formulations() throws {
    var random = SeededNumbers(seed: 37)
    for format in [DataType.float16, .bfloat16] {
      var done = 0
      while done < 60 {
        func number(_ random: inout SeededNumbers) -> Float {
          var value = Tensor([[ordinary(&random) as Float]])
          value.round(to: format)
          return value[0, 0]
        }
        guard let whole = WholeProblem(random.parameters(upTo: 6), &random, number) else { continue }
        done += 1
        let problem = try whole.problem()
        var direct = try whole.direct(problem)
        direct.round(to: format)
        for (formulation, storage) in dotProductForms {
          var result = try whole.result(formulation, storage, problem)
          result.round(to: format)
          let assessment = Assessment(of: result, direct: direct, problem: problem, format: format)
          #expect(assessment.equivalent, "\(formulation) \(storage) \(format), \(whole.line)")
        }
      }
    }
  }
}
