import Convolution
import TestSupport
import Testing

/// Every formulation and storage against the definition, bit for bit, on numbers that make all sums exact.
@Suite struct SweepTests {
  func tensor<Scalar: Ring>(_ values: [Scalar], _ size: Extent) -> Tensor<Scalar> {
    var tensor = Tensor<Scalar>(shape: Shape(size.height, size.width), repeating: .zero)
    let room = tensor.mutableValues
    for index in values.indices { room[index] = values[index] }
    return tensor
  }

  /// Runs one case in one scalar type; false where it stops being worth to go on.
  func check<Scalar: Ring & Equatable>(
    _ p: Parameters, _ image: [Scalar], _ filter: [Scalar], _ expected: [Scalar]
  ) throws -> Bool {
    let problem = try ConvolutionProblem(
      image: tensor(image, p.image), filter: tensor(filter, p.filter), stride: p.stride,
      padding: .sides(p.padding), dilation: p.dilation)
    var output = problem.makeOutput()
    for formulation in Formulation.allCases {
      for storage in formulation.storages {
        let prepared = try formulation.makeOperator(
          storage: storage, geometry: problem.geometry, filter: problem.filter)
        // What stood in the output before must not matter.
        let target = output.mutableValues
        for index in target.indices { target[index] = image[0] }
        prepared.apply(to: problem.image, into: &output)
        if !output.values.elementsEqual(expected) {
          let line = p.reproduction(image, filter, formulation, storage)
          Issue.record("\(Scalar.self) differs from the definition: \(line)")
          return false
        }
      }
    }
    return true
  }

  func checkIntegers(_ p: Parameters, _ random: inout SeededNumbers, float: Bool = true) throws -> Bool {
    let image = (0..<p.image.elementCount).map { _ in random.integer(-9...9) }
    let filter = (0..<p.filter.elementCount).map { _ in random.integer(-9...9) }
    guard let (expected, height, width) = definition(image, filter, p, multiply: { $0 * $1 }) else {
      #expect(throws: ConvolutionError.self) {
        try ConvolutionGeometry(
          image: p.image, filter: p.filter, stride: p.stride, padding: .sides(p.padding), dilation: p.dilation
        )
      }
      return true
    }
    precondition(expected.count == height * width)
    if try !check(p, image, filter, expected) { return false }
    return try !float || check(p, image.map(Float.init), filter.map(Float.init), expected.map(Float.init))
  }

  @Test(
    "all images and filters up to 8×8 with strides and dilations 1–3 and paddings 0–3 are exact",
    arguments: 1...8)
  func everySmallShape(height: Int) throws {
    var random = SeededNumbers(seed: UInt64(height))
    for width in 1...8 {
      for filterHeight in 1...8 {
        for filterWidth in 1...8 {
          for stride in 1...3 {
            for padding in 0...3 {
              for dilation in 1...3 {
                let p = Parameters(
                  image: Extent(height, width), filter: Extent(filterHeight, filterWidth),
                  stride: Extent(stride, stride), padding: Padding(vertical: padding, horizontal: padding),
                  dilation: Extent(dilation, dilation))
                if try !checkIntegers(p, &random) { return }
              }
            }
          }
        }
      }
    }
  }

  func asymmetric(_ random: inout SeededNumbers, upTo size: Int) -> Parameters {
    Parameters(
      image: Extent(random.integer(1...size), random.integer(1...size)),
      filter: Extent(random.integer(1...min(8, size)), random.integer(1...min(8, size))),
      stride: Extent(random.integer(1...3), random.integer(1...3)),
      padding: Padding(
        top: random.integer(0...9), left: random.integer(0...9), bottom: random.integer(0...9),
        right: random.integer(0...9)),
      dilation: Extent(random.integer(1...3), random.integer(1...3)))
  }

  @Test("strides, paddings and dilations that differ by axis and side are exact")
  func asymmetricShapes() throws {
    var random = SeededNumbers(seed: 99)
    for _ in 0..<20_000 {
      if try !checkIntegers(asymmetric(&random, upTo: 8), &random) { return }
    }
  }

  @Test("row lengths around vector widths are exact in every format")
  func tails() throws {
    var random = SeededNumbers(seed: 5)
    try withEvery(around: [4, 8, 16, 32, 64]) { width in
      for taps in 1...6 where taps <= width {
        let p = Parameters(
          image: Extent(taps + 1, width), filter: Extent(taps, taps), stride: Extent(1, 1),
          padding: Padding(top: 0, left: 1, bottom: 1, right: 2), dilation: Extent(1, 1))
        _ = try checkIntegers(p, &random)
        let image = (0..<p.image.elementCount).map { _ in Double(random.integer(-99...99)) }
        let filter = (0..<p.filter.elementCount).map { _ in Double(random.integer(-99...99)) }
        let expected = try #require(definition(image, filter, p, multiply: { $0 * $1 })).output
        _ = try check(p, image, filter, expected)
      }
    }
  }

  @Test("random elements of a prime field prove the formulations to be the same bilinear map")
  func primeField() throws {
    var random = SeededNumbers(seed: 61)
    var checked = 0
    while checked < 500 {
      let p = asymmetric(&random, upTo: 10)
      let image = (0..<p.image.elementCount).map { _ in PrimeField(random.next()) }
      let filter = (0..<p.filter.elementCount).map { _ in PrimeField(random.next()) }
      guard let expected = definition(image, filter, p, multiply: { $0 * $1 }) else { continue }
      checked += 1
      if try !check(p, image, filter, expected.output) { return }
    }
  }
}
