import Convolution
import Glibc
import TestSupport
import Testing

/// The transforms against sums by the definition, and the operator against the direct formulation.
@Suite(.serialized) struct FourierTests {
  static let lengths = (0...8).map { 1 << $0 }

  @Test("roots of unity lie within 2⁻⁵³ of longer arithmetic and on the circle")
  func roots() {
    let allowed = FourierRoots.componentError
    for count in [1, 2, 4, 8, 16, 256, 1 << 12, 1 << 20, 1 << 26] {
      for step in 0..<min(count, 4096) {
        let index = count <= 4096 ? step : step * (count / 4096) + step
        let root = FourierRoots.root(index, of: count)
        // Below 2·(cos + sin)·2⁻⁵³ of the roots and as much of the squares.
        let squares = (root.cosine * root.cosine).addingProduct(root.sine, root.sine)
        #expect((squares - 1).magnitude <= 4 * 0x1p-53, "\(index) of \(count)")
        #expect((root.cosine - cos(2 * .pi * Double(index) / Double(count))).magnitude < 0x1p-49)
        #if arch(x86_64)
          let angle = 2 * Float80.pi * Float80(index) / Float80(count)
          let errors = (Float80(root.cosine) - cos(angle), Float80(root.sine) - sin(angle))
          // The longer angle, below 8, is off by 2⁻⁶¹ itself.
          #expect(
            Double(max(errors.0.magnitude, errors.1.magnitude)) < allowed + 0x1p-60, "\(index) of \(count)")
        #endif
      }
    }
    #expect(FourierRoots.root(0, of: 8) == (1, 0))
    #expect(FourierRoots.root(2, of: 8) == (0, 1))
    #expect(FourierRoots.root(4, of: 8) == (-1, 0))
    #expect(FourierRoots.root(6, of: 8) == (0, -1))
  }

  @Test(
    "every length from 1 to 256 gives the sums of the definition, their inverse, and Parseval's norm",
    arguments: lengths)
  func stages(count: Int) {
    var random = SeededNumbers(seed: UInt64(count))
    let pitch = 4
    let given = (0..<2 * count * pitch).map { _ in Double(random.integer(-999...999)) / 999 }
    var values = given
    let stages = FourierStages<Double>(count: count)
    values.withUnsafeMutableBufferPointer { room in
      guard let base = room.baseAddress else { return }
      stages.forward(base, base + count * pitch, pitch: pitch)
    }
    let layers = Double(count.trailingZeroBitCount)
    // (1+u)^m (1+√5u)^m (1+β)^m − 1 of the magnitudes' sum, and n roundings of the naive sum's products with its roots.
    let unit = (6 * layers + 3 * Double(count) + 8) * 0x1p-53
    for column in 0..<pitch {
      var energy = (0.0, 0.0)
      for frequency in 0..<count {
        var (real, imaginary, magnitudes) = (0.0, 0.0, 0.0)
        for row in 0..<count {
          let angle = -2 * .pi * Double(frequency * row % count) / Double(count)
          let (xr, xi) = (given[row * pitch + column], given[(count + row) * pitch + column])
          real += xr * cos(angle) - xi * sin(angle)
          imaginary += xr * sin(angle) + xi * cos(angle)
          magnitudes += xr.magnitude + xi.magnitude
        }
        let place = stages.place(of: frequency) * pitch + column
        let (gotReal, gotImaginary) = (values[place], values[count * pitch + place])
        #expect((gotReal - real).magnitude <= unit * magnitudes, "length \(count), frequency \(frequency)")
        #expect(
          (gotImaginary - imaginary).magnitude <= unit * magnitudes, "length \(count), frequency \(frequency)"
        )
        let (xr, xi) = (given[frequency * pitch + column], given[(count + frequency) * pitch + column])
        energy.0 += xr * xr + xi * xi
        energy.1 += gotReal * gotReal + gotImaginary * gotImaginary
      }
      #expect((energy.1 / Double(count) - energy.0).magnitude <= 2 * unit * energy.0)
    }
    values.withUnsafeMutableBufferPointer { room in
      guard let base = room.baseAddress else { return }
      stages.inverse(base, base + count * pitch, pitch: pitch)
    }
    for (value, expected) in zip(values, given) {
      #expect((value / Double(count) - expected).magnitude <= unit * Double(count))
    }
  }

  @Test("a real block of every shape comes back from its spectrum, which the definition confirms")
  func blocks() {
    var random = SeededNumbers(seed: 3)
    for (height, width) in [
      (2, 1), (2, 2), (2, 8), (4, 1), (4, 4), (8, 2), (16, 32), (32, 16), (64, 64), (128, 4),
    ] {
      let transform = FourierTransform<Double>(size: Extent(height, width))
      let count = FourierTransform<Double>.blockCount(transform.size)
      var block = [Double](repeating: 0, count: count)
      var spectrum = [Double](repeating: 0, count: FourierTransform<Double>.spectrumCount(transform.size))
      let pixels = random.rows(height, width) { Double($0.integer(-99...99)) }
      for row in 0..<height {
        for column in 0..<width { block[transform.offset(ofRow: row) + column] = pixels[row][column] }
      }
      block.withUnsafeMutableBufferPointer { room in
        spectrum.withUnsafeMutableBufferPointer { target in
          guard let base = room.baseAddress, let spectrum = target.baseAddress else { return }
          transform.forward(base, into: spectrum)
        }
      }
      // Frequency (0, 0) stands first: twice the sum. Integers below 2⁵³ and roots 1 only: exact.
      let sum = pixels.reduce(0) { $0 + $1.reduce(0, +) }
      #expect(spectrum[0] == 2 * sum)
      block.withUnsafeMutableBufferPointer { room in
        spectrum.withUnsafeMutableBufferPointer { source in
          guard let base = room.baseAddress, let spectrum = source.baseAddress else { return }
          transform.inverse(spectrum, into: base)
        }
      }
      let points = Double(height * width)
      for row in 0..<height {
        for column in 0..<width {
          let value = block[transform.offset(ofRow: row) + column] / (2 * points)
          #expect((value - pixels[row][column]).magnitude < 99 * points * 100 * 0x1p-53, "\(height)×\(width)")
        }
      }
    }
  }

  /// Holds the kernels against the plain stages, whose arithmetic they follow.
  func kernelsAreStages<Scalar: TensorScalar>(_: Scalar.Type, _ size: Extent, columns: Int, terms: Int) {
    var random = SeededNumbers(seed: UInt64(size.height * 1000 + columns))
    let transform = FourierTransform<Scalar>(size: size)
    let (blocks, spectra) = (
      FourierTransform<Scalar>.blockCount(size), FourierTransform<Scalar>.spectrumCount(size)
    )
    let guards: [Scalar] = [3, 1, 4, 1, 5, 9, 2, 6]
    let line = "\(KernelVariant.selected) \(Scalar.dataType) \(size), \(columns) columns, \(terms) terms"
    var (made, plain): ([Scalar], [Scalar]) = ([], [])
    var norms = 0.0
    for _ in 0..<2 * terms {
      var block = [Scalar](repeating: 0, count: blocks) + guards
      var squares = 0.0
      for row in 0..<size.height {
        for column in 0..<columns {
          let value = Double(random.integer(-999...999)) / 999
          block[transform.offset(ofRow: row) + column] = Scalar(value)
          squares += value * value
        }
      }
      var copy = block
      var (one, other) = (
        [Scalar](repeating: .nan, count: spectra) + guards, [Scalar](repeating: 0, count: spectra)
      )
      transform.analyze(&block, columns: columns, into: &one)
      transform.forward(&copy, into: &other)
      #expect(Array(block.suffix(8)) == guards && Array(one.suffix(8)) == guards, "\(line)")
      // Both 2X err by 2·ε_F·√n·‖x‖ in norm, ε_F below 4(m + 2)·u; so does each number of them.
      let points = Double(size.elementCount)
      let allowed = 16 * (log2(points) + 2) * Scalar.dataType.unitRoundoff * (points * squares).squareRoot()
      for index in 0..<spectra where (one[index] - other[index]).magnitude > Scalar(allowed) {
        Issue.record("\(one[index]) and not \(other[index]) at \(index): \(line)")
        return
      }
      made += one.prefix(spectra)
      plain += other
      norms = max(norms, squares)
    }
    for conjugate in [false, true] {
      var block = [Scalar](repeating: 0, count: blocks) + guards
      var scratch = [Scalar](repeating: 0, count: FourierTransform<Scalar>.scratchCount(size)) + guards
      made.withUnsafeBufferPointer { made in
        let base = made.baseAddress.unsafelyUnwrapped
        transform.synthesize(
          base, base + terms * spectra, filterStep: spectra, terms: terms, conjugate: conjugate, into: &block,
          scratch: &scratch)
      }
      #expect(Array(block.suffix(8)) == guards && Array(scratch.suffix(8)) == guards, "\(line)")
      var sum = [Scalar](repeating: 0, count: spectra)
      let half = spectra / 2
      for index in 0..<half {
        for term in 0..<terms {
          let (x, w) = (term * spectra + index, (terms + term) * spectra + index)
          let imaginary = conjugate ? -plain[w + half] : plain[w + half]
          sum[index] += plain[x] * plain[w] - plain[x + half] * imaginary
          sum[half + index] += plain[x] * imaginary + plain[x + half] * plain[w]
        }
      }
      var expected = [Scalar](repeating: 0, count: blocks)
      transform.inverse(&sum, into: &expected)
      // Both err by 12(m + 1)·u·N for one channel (docs/equivalence.md), one u more for each other, times 4n.
      let points = Double(size.elementCount)
      let allowed =
        2 * 12 * (log2(points) + Double(terms)) * Scalar.dataType.unitRoundoff * Double(terms) * norms * 4
        * points
      for row in 0..<size.height {
        for column in 0..<size.width {
          let place = transform.offset(ofRow: row) + column
          if (block[place] - expected[place]).magnitude > Scalar(allowed) {
            Issue.record("\(block[place]) and not \(expected[place]) at \(row), \(column): \(line)")
            return
          }
        }
      }
    }
  }

  @Test("every instruction set makes what the plain stages make, and writes nothing else")
  func kernels() {
    withEveryVariant { _ in
      for size in [
        Extent(4, 2), Extent(4, 4), Extent(4, 8), Extent(8, 8), Extent(16, 8), Extent(8, 64), Extent(64, 16),
        Extent(32, 32), Extent(128, 64), Extent(256, 8),
      ] {
        for columns in Set([1, min(7, size.width), size.width - 1, size.width]) {
          kernelsAreStages(Float.self, size, columns: columns, terms: 1)
          kernelsAreStages(Double.self, size, columns: columns, terms: 3)
        }
      }
    }
  }

  @Test("transforms of one size are planned once, those of another instruction set anew")
  func cache() {
    func transform(_ height: Int, _ width: Int) -> FourierTransform<Float> {
      FourierCache.transform(Float.self, size: Extent(height, width))
    }
    var byVariant: [FourierTransform<Float>] = []
    withEveryVariant { _ in
      // Another test may just have had one forgotten; not each time.
      #expect((0..<100).contains { _ in transform(16, 32) === transform(16, 32) })
      #expect(transform(16, 32) !== transform(32, 16))
      let kept = transform(16, 32)
      for width in 0..<40 { _ = FourierCache.transform(PrimeField.self, size: Extent(2, 1 << (width % 16))) }
      #expect(kept.size == transform(16, 32).size)
      byVariant.append(kept)
    }
    #expect(Set(byVariant.map { ObjectIdentifier($0) }).count == KernelVariant.available.count)
  }

  /// Integers, whose convolution rounding finds again.
  func check(image: Shape, filter: Shape, options: ConvolutionOptions, _ random: inout SeededNumbers) throws {
    func tensor(_ shape: Shape) -> Tensor<Double> {
      var tensor = Tensor<Double>(shape: shape, repeating: 0)
      let values = tensor.mutableValues
      for index in values.indices { values[index] = Double(random.integer(-9...9)) }
      return tensor
    }
    let problem = try ConvolutionProblem(image: tensor(image), filter: tensor(filter), options: options)
    let line = "image \(image) filter \(filter) \(options)"
    let bias = tensor(problem.bias.shape)
    let biases = Array(bias.values)
    let prepared = try Formulation.fft.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, bias: consume bias,
      options: FormulationOptions())
    let cost = Formulation.fft.cost(of: problem.geometry, storage: .sparse, scalarByteCount: 8)
    #expect(prepared.heldBytes <= cost.heldBytes, "\(line)")
    var output = problem.makeOutput()
    // What stood there before must not matter.
    let room = output.mutableValues
    for index in room.indices { room[index] = .nan }
    prepared.apply(to: problem.image, into: &output)
    var plain = problem.makeOutput()
    try Formulation.fft.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions()
    ).apply(to: problem.image, into: &plain)
    let plane =
      problem.geometry.isTransposed
      ? problem.geometry.image.elementCount : problem.geometry.output.elementCount
    for (index, sum) in plainConvolution(problem).enumerated() {
      if plain.values[index].rounded() != sum.high || (plain.values[index] - sum.high).magnitude > 1e-6 {
        Issue.record("\(plain.values[index]) and not \(sum.high) at \(index): \(line)")
        return
      }
      let added = output.values[index] - plain.values[index]
      if (added - biases[index / plane % biases.count]).magnitude > 1e-6 {
        Issue.record("a bias of \(added) at \(index): \(line)")
        return
      }
    }
    // ⟨Ax, g⟩ = ⟨x, Aᵀg⟩.
    let upstream = tensor(problem.geometry.resultShape)
    var gradient = Tensor<Double>(shape: problem.geometry.imageShape, repeating: .nan)
    prepared.applyAdjoint(to: upstream, into: &gradient)
    var (left, right) = (0.0, 0.0)
    for (a, b) in zip(plain.values, upstream.values) { left += a.rounded() * b }
    for (a, b) in zip(gradient.values, problem.image.values) { right += a.rounded() * b }
    #expect(left == right, "\(line)")
  }

  @Test("random problems of every attribute agree with the definition, and so do their transposes")
  func everyAttribute() throws {
    var random = SeededNumbers(seed: 41)
    var checked = 0
    while checked < 300 {
      func extent(_ range: ClosedRange<Int>) -> Extent {
        Extent(random.integer(range), random.integer(range))
      }
      var options = ConvolutionOptions(stride: extent(1...4), dilation: extent(1...4))
      options.groups = random.integer(1...3)
      options.padding = .sides(
        Padding(
          top: random.integer(0...9), left: random.integer(0...9), bottom: random.integer(0...9),
          right: random.integer(0...9)))
      options.transposed = random.next() & 1 == 0
      if !options.transposed { options.paddingMode = PaddingMode.allCases[random.integer(0...3)] }
      let planes = random.integer(1...3)
      let filters = options.groups * random.integer(1...3)
      let image = Shape(
        random.integer(1...2), options.transposed ? filters : planes * options.groups, random.integer(1...30),
        random.integer(1...30))
      let filter = Shape(filters, planes, random.integer(1...8), random.integer(1...8))
      guard (try? ConvolutionGeometry(image: image, filter: filter, options: options)) != nil else {
        continue
      }
      checked += 1
      try check(image: image, filter: filter, options: options, &random)
    }
  }

  @Test("images around the boundaries of blocks agree with the definition, several blocks along both axes")
  func boundaries() throws {
    var random = SeededNumbers(seed: 43)
    let plan = FourierPlan(try ConvolutionGeometry(image: Extent(400, 400), filter: Extent(4, 3)))
    #expect(plan.rows.blockCount(adjoint: false) > 2 && plan.columns.blockCount(adjoint: false) > 2)
    for blocks in 1...3 {
      for change in -1...1 {
        let image = Shape(plan.rows.block * blocks + change, plan.columns.block * blocks - change)
        for (stride, transposed) in [(1, false), (2, false), (1, true)] {
          let options = ConvolutionOptions(
            stride: Extent(stride, stride), padding: .sides(Padding(vertical: 2, horizontal: 1)),
            transposed: transposed)
          try check(image: image, filter: Shape(4, 3), options: options, &random)
        }
      }
    }
  }

  @Test("the smallest and the most stretched problems agree with the definition")
  func degenerate() throws {
    var random = SeededNumbers(seed: 47)
    func options(_ padding: Int, stride: Int = 1, dilation: Int = 1) -> ConvolutionOptions {
      ConvolutionOptions(
        stride: Extent(stride, stride), padding: .sides(Padding(vertical: padding, horizontal: padding)),
        dilation: Extent(dilation, dilation))
    }
    try check(image: Shape(1, 1), filter: Shape(1, 1), options: options(0), &random)
    try check(image: Shape(1, 1), filter: Shape(3, 3), options: options(1), &random)
    try check(image: Shape(5, 7), filter: Shape(5, 7), options: options(0), &random)
    try check(image: Shape(5, 7), filter: Shape(9, 11), options: options(2), &random)
    try check(image: Shape(1, 1), filter: Shape(2, 2), options: options(300), &random)
    try check(image: Shape(1, 1), filter: Shape(1, 1), options: options(300, stride: 7), &random)
    // Steps over the only pixel.
    try check(image: Shape(1, 1), filter: Shape(1, 1), options: options(3, stride: 2), &random)
    try check(image: Shape(2, 3), filter: Shape(3, 2), options: options(200, dilation: 100), &random)
    try check(image: Shape(3, 3), filter: Shape(2, 2), options: options(40, stride: 5, dilation: 41), &random)
    try check(image: Shape(1, 500), filter: Shape(1, 3), options: options(0), &random)
    try check(image: Shape(500, 1), filter: Shape(3, 1), options: options(0), &random)
  }

  @Test("filters stretched beyond all memory are refused by their cost")
  func refused() throws {
    let far = AxisGeometry.maximumExtent
    for dilation in [far / 2, far] {
      let options = ConvolutionOptions(
        padding: .sides(Padding(vertical: far, horizontal: far)), dilation: Extent(dilation, dilation))
      let problem = try ConvolutionGeometry(
        image: Extent(1, 1), filter: Extent(3, 3), options: options, maximumOutputElements: .max)
      #expect(throws: ConvolutionError.self) {
        try Formulation.fft.check(
          storage: .sparse, geometry: problem, scalarByteCount: 4, memoryLimit: 1 << 34)
      }
      let cost = Formulation.fft.cost(of: problem, storage: .sparse, scalarByteCount: 4)
      #expect(cost.heldBytes == .max)
    }
  }

  @Test("numbers that are not finite come through without a trap")
  func nonfinite() throws {
    for value in [Float.infinity, .nan, -.infinity, .greatestFiniteMagnitude] {
      var image = Tensor<Float>(shape: Shape(40, 40), repeating: 1)
      image[20, 20] = value
      let problem = try ConvolutionProblem(image: image, filter: Tensor([[value, 1], [1, value]]))
      var output = problem.makeOutput()
      try Formulation.fft.makeOperator(
        storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions()
      ).apply(to: problem.image, into: &output)
      #expect(output.values.contains { !$0.isFinite })
    }
  }
}
