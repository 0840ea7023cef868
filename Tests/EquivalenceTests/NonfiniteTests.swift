import Convolution
import Equivalence
import TestSupport
import Testing

/// What has no finite value is reported and never called equivalent.
@Suite struct NonfiniteTests {
  func assess<Scalar: TensorScalar>(
    _ image: [[Scalar]], _ filter: [[Scalar]], result: [[Scalar]], direct: [[Scalar]]
  ) throws -> Assessment {
    let problem = try ConvolutionProblem(image: Tensor(image), filter: Tensor(filter))
    return Assessment(of: Tensor(result), direct: Tensor(direct), problem: problem, detailed: true)
  }

  func table<Scalar: TensorScalar>(_: Scalar.Type) throws {
    let values: [Scalar] = [0, 1, -1, .infinity, -.infinity, .nan]
    for pixel in values {
      for tap in values {
        for result in values {
          for direct in values {
            let assessment = try assess([[pixel]], [[tap]], result: [[result]], direct: [[direct]])
            let certified = pixel.isFinite && tap.isFinite && result.isFinite
            // The only certified cases are exact ones.
            #expect(assessment.equivalent == (certified && result == pixel * tap))
            let reason: Assessment.Reason? =
              !pixel.isFinite || !tap.isFinite
              ? .nonfiniteWindow
              : !result.isFinite ? .nonfiniteResult : result == pixel * tap ? nil : .beyondBound
            #expect(assessment.reason == reason)
            let same = result == direct || (result.isNaN && direct.isNaN)
            let bothFinite = result.isFinite && direct.isFinite
            #expect(assessment.nonfinite.disagreements == (bothFinite || same ? 0 : 1))
            #expect(assessment.nonfinite.image == (pixel.isFinite ? 0 : 1))
            #expect(assessment.nonfinite.filter == (tap.isFinite ? 0 : 1))
            #expect(assessment.nonfinite.result == (result.isFinite ? 0 : 1))
            #expect(assessment.nonfinite.direct == (direct.isFinite ? 0 : 1))
            #expect((assessment.maxDeviation != nil) == bothFinite)
            if bothFinite { #expect(assessment.maxDeviation == Double((result - direct).magnitude)) }
          }
        }
      }
    }
  }

  @Test("every combination of finite, infinite and NaN in float32 has its verdict")
  func float32() throws { try table(Float.self) }

  @Test("every combination of finite, infinite and NaN in float64 has its verdict")
  func float64() throws { try table(Double.self) }

  @Test("a NaN spoils only the elements whose windows hold it")
  func spread() throws {
    var image = [[Float]](repeating: [Float](repeating: 1, count: 6), count: 6)
    image[2][3] = .nan
    let problem = try ConvolutionProblem(image: Tensor(image), filter: Tensor<Float>([[1, 1], [1, 1]]))
    var direct = problem.makeOutput()
    try Formulation.direct.makeOperator(storage: .sparse, geometry: problem.geometry, filter: problem.filter)
      .apply(to: problem.image, into: &direct)
    let assessment = Assessment(ofDirect: direct, problem: problem)
    #expect(assessment.failures == [.nonfiniteWindow: 4])
    #expect(assessment.firstFailure == Position(1, 2))
    #expect(assessment.nonfinite.disagreements == 0)
    // The whole matrix multiplies that NaN by zeros and hands it to every output.
    var dense = problem.makeOutput()
    try Formulation.toeplitz.makeOperator(storage: .dense, geometry: problem.geometry, filter: problem.filter)
      .apply(to: problem.image, into: &dense)
    let spread = Assessment(of: dense, direct: direct, problem: problem)
    #expect(spread.failures == [.nonfiniteWindow: 4, .nonfiniteResult: 21])
    #expect(spread.nonfinite.disagreements == 21)
    #expect(spread.maxDeviation == nil)
    #expect(spread.fromDirect.position == Position(0, 0))
  }

  @Test("an overflow has no certificate though both formulations agree on it")
  func overflow() throws {
    let large = Float.greatestFiniteMagnitude
    let assessment = try assess([[large]], [[2]], result: [[.infinity]], direct: [[.infinity]])
    #expect(assessment.reason == .nonfiniteResult)
    #expect(assessment.nonfinite.disagreements == 0)
    #expect(assessment.fromDirect.identical == 1)
  }

  @Test("a finite result is measured even where only the direct one overflowed")
  func onlyDirectOverflows() throws {
    let assessment = try assess([[3, 5]], [[1, 1]], result: [[8]], direct: [[Float.infinity]])
    #expect(assessment.equivalent)
    let measures = try #require(assessment.detailed)
    #expect(measures.maxRelative == 0)
    #expect(measures.histogram.map(\.count) == [1])
  }

  @Test("products too large for a finite bound are not certified")
  func unbounded() throws {
    let assessment = try assess(
      [[0x1p1023, 0x1p1023]], [[1, -1]], result: [[0]], direct: [[0.0]])
    #expect(assessment.reason == .unbounded)
    #expect(assessment.maxDeviation == 0)
  }
}
