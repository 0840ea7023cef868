import Convolution
import TestSupport
import Testing

/// Every dot-product formulation and storage against the definition, bit for bit, on numbers that make all sums exact:
/// the map, and its adjoint.
@Suite struct SweepTests {
  /// The numbers of one case in one scalar type.
  struct Case<Scalar: Ring & Equatable> {
    let image: [Scalar]
    let filter: [Scalar]
    let bias: [Scalar]
    let upstream: [Scalar]
  }

  /// Runs one case in one scalar type; false where it stops being worth to go on.
  func check<Scalar: Ring & Equatable>(_ p: Parameters, _ terms: [Term], _ c: Case<Scalar>) throws -> Bool {
    let bias: Tensor<Scalar>? = c.bias.isEmpty ? nil : Tensor(c.bias, Shape(c.bias.count))
    let problem = try ConvolutionProblem(
      image: Tensor(c.image, p.imageShape), filter: Tensor(c.filter, p.filterShape), bias: bias,
      options: p.options)
    let plane = c.upstream.count / (p.batch * p.outputs)
    var expected = [Scalar](repeating: .zero, count: c.upstream.count)
    var gradient = [Scalar](repeating: .zero, count: c.image.count)
    if !c.bias.isEmpty {
      for index in expected.indices { expected[index] = c.bias[index / plane % p.outputs] }
    }
    let given = c.filter
    for term in terms {
      expected[term.result] += given[term.weight] * c.image[term.pixel]
      gradient[term.pixel] += given[term.weight] * c.upstream[term.result]
    }
    var output = problem.makeOutput()
    if output.values.count != expected.count {
      Issue.record("the result has another size: \(p)")
      return false
    }
    let upstream = Tensor(c.upstream, output.shape)
    var image = Tensor<Scalar>(shape: p.imageShape, repeating: c.image[0])
    for (formulation, storage) in dotProductForms {
      let prepared = try formulation.makeRingOperator(
        storage: storage, geometry: problem.geometry, filter: problem.filter, bias: problem.bias)
      // What stood in the output before must not matter.
      let target = output.mutableValues
      for index in target.indices { target[index] = c.image[0] }
      prepared.apply(to: problem.image, into: &output)
      prepared.applyAdjoint(to: upstream, into: &image)
      let forward = output.values.elementsEqual(expected)
      if !forward || !image.values.elementsEqual(gradient) {
        // The server has no prime field: there the parameters must do.
        let line =
          Scalar.self == PrimeField.self
          ? "\(p)" : p.reproduction(c.image, c.filter, bias: c.bias, formulation, storage)
        Issue.record("\(Scalar.self), \(forward ? "adjoint" : "map"), differs from the definition: \(line)")
        return false
      }
      // ⟨Ax, g⟩ = ⟨x, Aᵀg⟩, of what was computed; the bias is no part of A.
      let ahead = zip(output.values, c.upstream).enumerated().reduce(Scalar.zero) { sum, term in
        let bias = c.bias.isEmpty ? .zero : c.bias[term.offset / plane % p.outputs]
        return sum + (term.element.0 - bias) * term.element.1
      }
      let back = zip(image.values, c.image).reduce(Scalar.zero) { $0 + $1.0 * $1.1 }
      if ahead != back {
        Issue.record("the adjoint identity fails for \(formulation) \(storage): \(p)")
        return false
      }
    }
    return true
  }

  /// Integers, and the same ones as floats.
  func checkIntegers(_ p: Parameters, _ random: inout SeededNumbers) throws -> Bool {
    guard let (terms, height, width) = terms(p) else {
      #expect(throws: ConvolutionError.self) {
        try ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
      }
      return true
    }
    let c = Case(
      image: random.integers(p.batch * p.inputs * p.image.elementCount),
      filter: random.integers(p.inputs * p.outputs / p.groups * p.filter.elementCount),
      bias: random.integer(0...1) == 0 ? [] : random.integers(p.outputs),
      upstream: random.integers(p.batch * p.outputs * height * width))
    if try !check(p, terms, c) { return false }
    let floats = Case<Float>(
      image: c.image.map(Float.init), filter: c.filter.map(Float.init), bias: c.bias.map(Float.init),
      upstream: c.upstream.map(Float.init))
    return try check(p, terms, floats)
  }

  @Test(
    "all images and filters up to 6×6 with strides and dilations 1–3 and paddings 0–3 are exact",
    arguments: 1...6)
  func everySmallShape(height: Int) throws {
    var random = SeededNumbers(seed: UInt64(height))
    for width in 1...6 {
      for filterHeight in 1...6 {
        for filterWidth in 1...6 {
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

  @Test("batches, channels, groups, padding modes, flips and transposition are exact", arguments: 1...4)
  func wholeProblems(seed: UInt64) throws {
    var random = SeededNumbers(seed: seed)
    for _ in 0..<2_000 {
      if try !checkIntegers(random.parameters(upTo: 7), &random) { return }
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
        guard let (terms, height, width) = terms(p) else { continue }
        func doubles(_ count: Int) -> [Double] { random.integers(count, -99...99).map(Double.init) }
        let c = Case(
          image: doubles(p.image.elementCount), filter: doubles(p.filter.elementCount), bias: doubles(1),
          upstream: doubles(height * width))
        _ = try check(p, terms, c)
      }
    }
  }

  @Test("the line that reproduces a case is what the server reads")
  func reproduction() {
    var p = Parameters(
      image: Extent(1, 2), filter: Extent(1, 1), stride: Extent(1, 2), padding: .none, dilation: Extent(3, 1))
    p.inputs = 2
    p.outputs = 2
    p.groups = 2
    p.imageRank = 3
    p.filterRank = 4
    p.transposed = true
    p.outputPadding = Extent(0, 1)
    let line = p.reproduction(
      [1, 2, 3, 4], [5, 6], bias: [7, 8], upstream: ([9, 8], Shape(1, 2)), .banded, .dense)
    #expect(
      line == """
        {"image":[[[1,2]],[[3,4]]],"filter":[[[[5]]],[[[6]]]],"formulation":"banded","storage":"dense","stride":[1,2],\
        "padding":[0,0,0,0],"dilation":[3,1],"bias":[7,8],"upstream":[[9,8]],"groups":2,"transposed":true,\
        "output_padding":[0,1]}
        """)
  }

  @Test("products larger than a block of im2col are exact")
  func blocks() throws {
    var random = SeededNumbers(seed: 6)
    var p = Parameters(
      image: Extent(26, 31), filter: Extent(5, 5), stride: Extent(1, 1), padding: .none,
      dilation: Extent(1, 1))
    p.inputs = 48
    p.outputs = 2
    p.imageRank = 3
    p.filterRank = 4
    _ = try checkIntegers(p, &random)
  }

  @Test("random elements of a prime field prove the formulations to be the same bilinear map")
  func primeField() throws {
    var random = SeededNumbers(seed: 61)
    var checked = 0
    while checked < 300 {
      let p = random.parameters(upTo: 6)
      guard let (terms, height, width) = terms(p) else { continue }
      func elements(_ count: Int) -> [PrimeField] { (0..<count).map { _ in PrimeField(random.next()) } }
      let c = Case(
        image: elements(p.batch * p.inputs * p.image.elementCount),
        filter: elements(p.inputs * p.outputs / p.groups * p.filter.elementCount), bias: elements(p.outputs),
        upstream: elements(p.batch * p.outputs * height * width))
      checked += 1
      if try !check(p, terms, c) { return }
    }
  }
}
