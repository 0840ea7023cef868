import Convolution
import Equivalence
import TestSupport
import Testing

/// A candidate of these float32 numbers.
private func candidate(_ values: [Float], _ shape: Shape, _ dataType: DataType = .float32) -> Candidate {
  Candidate(Tensor(values.map(Double.init), shape), dataType: dataType)
}

/// The verification of one result of one row of products: `image` times `filter`.
private func verifyOne(
  _ image: [Float], _ filter: [Float], _ result: Float, _ claim: Claim, _ dataType: DataType = .float32
) throws -> Verification {
  let problem = try ConvolutionProblem(image: Tensor([image]), filter: Tensor([filter]))
  return try Verification.verify(
    [candidate([result], Shape(1, 1), dataType)], claim: claim, problem: problem)[0]
}

private func plain(_ image: Extent, _ filter: Extent) -> Parameters {
  Parameters(
    image: image, filter: filter, stride: Extent(1, 1), padding: Padding(vertical: 0, horizontal: 0),
    dilation: Extent(1, 1))
}

extension Verification {
  fileprivate func isConsistent(with claim: Claim) -> Bool? {
    ladder.first { $0.claim == claim }?.isConsistent
  }
}

/// The first arithmetic of the ladder that is consistent, float64 only where it is claimed.
private func narrowest(_ found: Verification, of claim: Claim) -> Claim? {
  found.ladder.first { $0.isConsistent && ($0.claim != .float64 || claim == .float64) }?.claim
}

@Suite struct VerificationTests {
  @Test("what is computed in an arithmetic is consistent with it", arguments: HardNumbers.allCases)
  func trueClaims(numbers: HardNumbers) throws {
    var random = SeededNumbers(seed: 41)
    var judged = 0
    while judged < 60 {
      let parameters = random.parameters(upTo: 7)
      guard let whole = WholeProblem<Float>(parameters, &random, numbers.number) else { continue }
      judged += 1
      let problem = try whole.problem()
      let products = whole.products
      for arithmetic in EmulatedArithmetic.allCases {
        let result = candidate(products.map(arithmetic.sum), whole.resultShape)
        let found = try Verification.verify([result], claim: arithmetic.claim, problem: problem)[0]
        #expect(
          found.isConsistent && found.explanation == narrowest(found, of: arithmetic.claim),
          "\(arithmetic) \(numbers) \(parameters) \(found.ladder)")
      }
    }
  }

  @Test(
    "a result rounded to a short format at the end is consistent in that format",
    arguments: HardNumbers.allCases)
  func shortCandidates(numbers: HardNumbers) throws {
    var random = SeededNumbers(seed: 43)
    var judged = 0
    while judged < 30 {
      guard let whole = WholeProblem<Float>(random.parameters(upTo: 6), &random, numbers.number) else {
        continue
      }
      judged += 1
      let problem = try whole.problem()
      let products = whole.products
      for arithmetic in EmulatedArithmetic.allCases {
        for (dataType, round) in [
          (DataType.float16, EmulatedArithmetic.half), (.bfloat16, EmulatedArithmetic.brain),
        ] {
          let result = candidate(products.map { round(arithmetic.sum($0)) }, whole.resultShape, dataType)
          let found = try Verification.verify([result], claim: arithmetic.claim, problem: problem)[0]
          #expect(found.isConsistent, "\(arithmetic) \(dataType) \(whole.parameters) \(found.ladder)")
        }
      }
    }
  }

  @Test("a wider arithmetic is refuted as a narrower one where the difference shows, and named")
  func falseClaims() throws {
    // 1 + 2⁻²⁴ + 2⁻²⁴ in float32, one after the other.
    var found = try verifyOne([1, 0x1p-24, 0x1p-24], [1, 1, 1], 1, .float64)
    #expect(!found.isConsistent && found.explanation == .float32)
    // TF32 and shorter formats lose what stands behind their last bit.
    found = try verifyOne([1 + 0x1p-12], [1], 1, .float32)
    #expect(!found.isConsistent && found.explanation == .tf32)
    #expect(found.isConsistent(with: .float32Truncated) == false)
    found = try verifyOne([1 + 0x1p-9], [1], 1, .tf32)
    #expect(!found.isConsistent && found.explanation == .bfloat16Inputs)
    #expect(found.isConsistent(with: .float16Inputs) == false)
    // Numbers that are float16 already lose nothing as inputs; the output does.
    let x: Float = 1 + 0x1p-10
    found = try verifyOne([x], [x], 1 + 0x1p-9, .float16Inputs)
    #expect(!found.isConsistent && found.isConsistent(with: .tf32) == false)
    #expect(found.isConsistent(with: .float16) == true)
    #expect(try verifyOne([x], [x], 1 + 0x1p-9, .float32, .float16).isConsistent)
    // Sums of float16 stop growing at 2¹¹.
    let ones = [Float](repeating: 1, count: 4096)
    found = try verifyOne(ones, ones, 2048, .float16)
    #expect(!found.isConsistent && found.explanation == .float16Accumulated)
    #expect(found.isConsistent(with: .bfloat16) == false)
  }

  @Test("a truncated product is none that was rounded to nearest")
  func truncation() throws {
    var random = SeededNumbers(seed: 5)
    var judged = 0
    while judged < 50 {
      let (a, b) = (Float.random(in: 1...1.1, using: &random), Float.random(in: 1...1.1, using: &random))
      let exact = Double(a) * Double(b)
      let result = EmulatedArithmetic.cut(exact)
      if exact - Double(result) < 0x1.8p-24 * exact { continue }
      judged += 1
      let found = try verifyOne([a], [b], result, .float32)
      #expect(!found.isConsistent && found.explanation == .float32Truncated, "\(a) · \(b)")
    }
  }

  @Test("nothing explains a wrong number, and its place is named")
  func wrongNumber() throws {
    let image = Tensor<Float>([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    let problem = try ConvolutionProblem(image: image, filter: Tensor([[1, 1], [1, 1]]))
    let values: [Float] = [12, 16, 24, 280]
    let found = try Verification.verify([candidate(values, Shape(2, 2))], claim: .float32, problem: problem)[
      0]
    #expect(!found.isConsistent && found.explanation == nil)
    #expect(found.refuting == 1 && found.firstRefuting == Position(1, 1))
    #expect(found.deviation.position == Position(1, 1) && found.deviation.maxAbs == 252)
    #expect(found.deviation.identical == 3 && found.condition == 1)
    // All arithmetics that the problem has: transforms, but no tiles.
    #expect(
      found.ladder.map(\.claim) == Claim.allCases.filter { $0 == .fft || !"\($0)".contains("winograd") })
    let mapped = try Verification.verify(
      [candidate(values, Shape(2, 2))], claim: .float32, problem: problem, mapped: true)[0]
    let map = try #require(mapped.map)
    #expect(map.rows[0] == 0 && map.rows[1] > 1 && map.columns[0] == 0 && map.channels[0] == map.rows[1])
  }

  @Test("distances count from the exact value, correctly rounded", arguments: HardNumbers.allCases)
  func correctRounding(numbers: HardNumbers) throws {
    var random = SeededNumbers(seed: 47)
    var judged = 0
    while judged < 40 {
      guard let whole = WholeProblem<Float>(random.parameters(upTo: 8), &random, numbers.number) else {
        continue
      }
      judged += 1
      let problem = try whole.problem()
      let products = whole.products
      let result = products.map(EmulatedArithmetic.sequential.sum)
      let exact = products.map { terms in
        var sum = DoubleAccumulator()
        for (a, b) in terms { sum.add(a, times: b) }
        return sum.rounded(to: .float32)
      }
      let identical = zip(result, exact).count { Double($0).bitPattern == $1.bitPattern }
      let found = try Verification.verify(
        [candidate(result, whole.resultShape)], claim: .float32, problem: problem)[0]
      #expect(found.deviation.identical == identical, "\(whole.parameters)")
      let ulp = zip(result, exact).map { unitsBetween($0, Float($1)) }.max()
      #expect(found.deviation.maxUlp == ulp, "\(whole.parameters)")
    }
  }

  @Test("ties and sums that cancel take the exact path")
  func exactPath() throws {
    // Float32's tie 1 + 2⁻²⁴, decided by 2⁻¹⁴⁰, which float64 does not see.
    let found = try verifyOne([1, 0x1p-24, 0x1p-70], [1, 1, 0x1p-70], 1 + 0x1p-23, .float32)
    #expect(found.exactElements == 1 && found.deviation.identical == 1)
    // Integers that cancel are exact as they stand.
    #expect(try verifyOne([3, 5], [5, -3], 0, .float32).exactElements == 0)
  }

  @Test("blocks of eight are judged as single elements are")
  func screens() throws {
    var random = SeededNumbers(seed: 53)
    for arithmetic in EmulatedArithmetic.allCases {
      var parameters = plain(Extent(23, 41), Extent(3, 5))
      parameters.inputs = 2
      parameters.imageRank = 3
      parameters.filterRank = 4
      let whole = try #require(WholeProblem<Float>(parameters, &random, HardNumbers.ordinary.number))
      let problem = try whole.problem()
      let results = [candidate(whole.products.map(arithmetic.sum), whole.resultShape)]
      let screened = try Verification.verify(results, claim: .float32, problem: problem)[0]
      let single = try Verification.verify(results, claim: .float32, problem: problem, mapped: true)[0]
      #expect(screened.ladder == single.ladder, "\(arithmetic)")
      #expect(screened.deviation == single.deviation, "\(arithmetic)")
      #expect(screened.exactElements == single.exactElements && screened.refuting == single.refuting)
      #expect(screened.condition == single.condition)
    }
  }

  @Test("the bounds given to a diagnosis are those of the ladder")
  func allowed() throws {
    var random = SeededNumbers(seed: 59)
    let whole = try #require(
      WholeProblem<Float>(
        plain(Extent(9, 9), Extent(3, 3)), &random, HardNumbers.ordinary.number))
    let problem = try whole.problem()
    let result = whole.products.map(EmulatedArithmetic.sequential.sum)
    for claim in Claim.allCases {
      let found = try Verification.verify(
        [candidate(result, whole.resultShape)], claim: claim, problem: problem)[0]
      let values = try Verification.bounds(of: claim, for: .float32, problem: problem)
      let worst =
        result.indices.map {
          (Double(result[$0]) - values.exact.values[$0]).magnitude / values.allowed.values[$0]
        }.max() ?? 0
      let ratio = try #require(found.deviation.maxOverBound)
      // The largest ratio is found by products, which round.
      #expect((ratio - worst).magnitude <= 0x1p-50 * worst, "\(claim)")
    }
  }

  @Test("Winograd's tiles and transforms are consistent with their claims", arguments: HardNumbers.allCases)
  func transforms(numbers: HardNumbers) throws {
    var random = SeededNumbers(seed: 61)
    let claims: [(Claim, Formulation, Int?)] = [
      (.winogradF2, .winograd, 2), (.winogradF4, .winograd, 4), (.winogradF6, .winograd, 6),
      (.fft, .fft, nil),
    ]
    for side in 3...11 {
      var parameters = plain(Extent(side, 14 - side), Extent(3, 3))
      parameters.inputs = 3
      parameters.outputs = 2
      parameters.imageRank = 3
      parameters.filterRank = 4
      parameters.mode = side % 2 == 0 ? .zeros : .circular
      parameters.padding = Padding(vertical: 1, horizontal: 1)
      let whole = try #require(WholeProblem<Float>(parameters, &random, numbers.number))
      let problem = try whole.problem()
      for (claim, formulation, tile) in claims {
        let prepared = try formulation.makeOperator(
          storage: .sparse, geometry: problem.geometry, filter: problem.filter, bias: problem.bias,
          options: FormulationOptions(tile: tile))
        var output = problem.makeOutput()
        prepared.apply(to: problem.image, into: &output)
        let result = candidate(Array(output.values), whole.resultShape)
        let found = try Verification.verify([result], claim: claim, problem: problem)[0]
        #expect(
          found.isConsistent && found.explanation == narrowest(found, of: claim),
          "\(claim) \(numbers) \(found.ladder)")
      }
    }
  }

  @Test("a tile is no arithmetic of a problem that it does not fit")
  func unsupported() throws {
    let problem = try ConvolutionProblem(image: Tensor<Float>([[1, 2]]), filter: Tensor([[1, 2]]))
    #expect(throws: ConvolutionError.self) {
      try Verification.verify([candidate([5], Shape(1, 1))], claim: .winogradF2, problem: problem)
    }
  }

  @Test("a float64 result is held against float64")
  func float64() throws {
    var random = SeededNumbers(seed: 67)
    for _ in 0..<40 {
      guard
        let whole = WholeProblem<Double>(
          random.parameters(upTo: 8), &random, { Double.random(in: -1...1, using: &$0) })
      else { continue }
      let problem = try whole.problem()
      let sums = whole.products.map { $0.reduce(0.0) { $0 + $1.0 * $1.1 } }
      let rounded = sums.map { Double(Float($0)) }
      let results = [
        Candidate(Tensor(sums, whole.resultShape), dataType: .float64),
        Candidate(Tensor(rounded, whole.resultShape), dataType: .float32),
        Candidate(Tensor(rounded, whole.resultShape), dataType: .float64),
      ]
      let found = try Verification.verify(results, claim: .float64, problem: problem)
      #expect(found[0].isConsistent && found[1].isConsistent, "\(whole.parameters)")
      #expect(
        found[2].isConsistent == (rounded == sums) && found[2].explanation != nil, "\(whole.parameters)")
    }
  }
}

@Suite struct VerificationNonfiniteTests {
  private func verify(
    _ image: [[Float]], _ values: [Float], _ claim: Claim = .float32, _ dataType: DataType = .float32
  ) throws -> Verification {
    let problem = try ConvolutionProblem(image: Tensor(image), filter: Tensor([[1, 1]]))
    let shape = problem.geometry.resultShape
    return try Verification.verify([candidate(values, shape, dataType)], claim: claim, problem: problem)[0]
  }

  @Test("what is not finite where it should be refutes every dot product, and is located")
  func unexpected() throws {
    for wrong in [Float.nan, .infinity, -.infinity] {
      let found = try verify([[1, 2, 3]], [3, wrong])
      let nonfinite = try #require(found.nonfinite)
      #expect(!found.isConsistent && found.explanation == nil && found.deviation.maxAbs == nil)
      #expect(nonfinite.nan == (wrong.isNaN ? 1 : 0) && nonfinite.positiveInfinity == (wrong > 0 ? 1 : 0))
      #expect(nonfinite.negativeInfinity == (wrong < 0 ? 1 : 0) && nonfinite.expected == 0)
      #expect(nonfinite.first == Position(0, 1) && found.firstRefuting == Position(0, 1))
    }
  }

  @Test("what the exact window holds is expected, of its kind")
  func expected() throws {
    let image: [[Float]] = [[1, 2, .infinity, 4, .nan]]
    let right = try verify(image, [3, .infinity, .infinity, .nan])
    #expect(right.isConsistent && right.explanation == .float32 && right.nonfinite?.expected == 3)
    #expect(right.deviation.maxAbs == 0 && right.deviation.identical == 1)
    for wrong in [[3, -.infinity, .infinity, .nan], [3, .infinity, .infinity, 5], [3, .infinity, 1, .nan]]
      as [[Float]]
    {
      #expect(!(try verify(image, wrong).isConsistent), "\(wrong)")
    }
  }

  @Test("an overflow that rounding explains refutes nothing")
  func overflow() throws {
    let image: [[Float]] = [[60000, 40000]]
    #expect(try verify(image, [.infinity], .float16Inputs, .float16).isConsistent)
    #expect(!(try verify(image, [-.infinity], .float16Inputs, .bfloat16).isConsistent))
    #expect(!(try verify(image, [.infinity], .float32).isConsistent))
    let large: [[Float]] = [[3e38, 3e38]]
    #expect(try verify(large, [.infinity], .float32).isConsistent)
    // No sum of these terms is that far below zero.
    #expect(!(try verify(large, [-.infinity], .float32).isConsistent))
    #expect(!(try verify(large, [.nan], .float32).isConsistent))
  }
}
