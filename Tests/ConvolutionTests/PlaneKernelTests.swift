import Convolution
import TestSupport
import Testing

/// The vectorised loops over planes, in every instruction set that this processor has, against the plain ones over `Int`. On
/// integers all sums are exact, so that nothing but the same number will do.
@Suite(.serialized) struct PlaneKernelTests {
  static let forms: [(Formulation, Storage)] = [
    (.direct, .sparse), (.toeplitz, .sparse), (.banded, .sparse), (.banded, .dense), (.toeplitz, .dense),
  ]

  /// What a map writes, and what stands before and behind it, at an address that is `shift` elements from a boundary.
  func written<Scalar: Ring>(
    _ count: Int, shift: Int, guardedBy value: Scalar, _ body: (UnsafeMutablePointer<Scalar>) -> Void
  ) -> (written: [Scalar], isGuarded: Bool) {
    let margin = 64
    var room = [Scalar](repeating: value, count: count + 2 * margin + shift)
    room.withUnsafeMutableBufferPointer { body($0.baseAddress.unsafelyUnwrapped + margin + shift) }
    let guards = room.prefix(margin + shift) + room.suffix(margin)
    return (Array(room[(margin + shift)..<(margin + shift + count)]), guards.allSatisfy { $0 == value })
  }

  /// Compares maps, adjoints and filter gradients of one geometry over a floating-point type with those over `Int`.
  func check<Scalar: Ring & BinaryFloatingPoint>(
    _ geometry: ConvolutionGeometry, _: Scalar.Type, _ random: inout SeededNumbers
  ) throws {
    let shape = Shape(
      geometry.channels.output, geometry.channels.imagePerGroup, geometry.filter.height, geometry.filter.width
    )
    let filter = random.integers(geometry.weights)
    let given = random.integers(geometry.imageElementCount)
    let upstream = random.integers(geometry.outputElementCount)
    let bias = random.integers(max(geometry.channels.output, geometry.channels.image))
    let shift = random.integer(0...15)
    // Zeros that are multiplied take long.
    let isSmall =
      geometry.image.elementCount * geometry.output.elementCount * geometry.channels.imagePerGroup < 1 << 20
    for (formulation, storage) in Self.forms where isSmall || storage == .sparse {
      let plain = try formulation.makeRingOperator(
        storage: storage, geometry: geometry, filter: Tensor(filter, shape)
      ).map
      let expected = written(upstream.count, shift: 0, guardedBy: Int(0)) {
        plain.apply(to: given, bias: bias, into: $0)
      }
      let back = written(given.count, shift: 0, guardedBy: Int(0)) {
        plain.applyAdjoint(to: upstream, bias: bias, into: $0)
      }
      try withEveryVariant { variant in
        let map = try formulation.makeRingOperator(
          storage: storage, geometry: geometry, filter: Tensor(filter.map { Scalar($0) }, shape)
        ).map
        let (x, g, b) = (given.map { Scalar($0) }, upstream.map { Scalar($0) }, bias.map { Scalar($0) })
        let forward = written(upstream.count, shift: shift, guardedBy: 12345) { target in
          x.withUnsafeBufferPointer { map.apply(to: $0.baseAddress.unsafelyUnwrapped, bias: b, into: target) }
        }
        #expect(
          forward.isGuarded && forward.written == expected.written.map { Scalar($0) },
          "\(variant) \(formulation) \(Scalar.self) \(geometry)")
        let adjoint = written(given.count, shift: shift, guardedBy: 12345) {
          map.applyAdjoint(to: g, bias: b, into: $0)
        }
        #expect(
          adjoint.isGuarded && adjoint.written == back.written.map { Scalar($0) },
          "adjoint, \(variant) \(formulation) \(Scalar.self) \(geometry)")
      }
    }
  }

  func geometry(
    _ image: Extent, _ filter: Extent, _ padding: Padding = .none, channels: Int = 1, stride: Int = 1,
    dilation: Extent = Extent(1, 1)
  ) throws -> ConvolutionGeometry {
    try ConvolutionGeometry(
      image: Shape(2, channels, image.height, image.width),
      filter: Shape(1, channels, filter.height, filter.width),
      options: ConvolutionOptions(
        stride: Extent(stride, 1), padding: .sides(padding), dilation: dilation))
  }

  @Test("every width around that of vectors and blocks, and every height around that of a block")
  func sizes() throws {
    var random = SeededNumbers(seed: 61)
    for size in [1, 2, 3, 4, 5, 7] {
      try withEvery(around: [4, 8, 16, 32, 48, 64, 128]) { width in
        let height = size + random.integer(0...9)
        let geometry = try geometry(Extent(height, width + size - 1), Extent(size, size))
        try check(geometry, Float.self, &random)
        if width < 70 { try check(geometry, Double.self, &random) }
      }
    }
  }

  @Test("padding on any side, also as wide as the filter and wider")
  func padding() throws {
    var random = SeededNumbers(seed: 62)
    for _ in 0..<150 {
      let filter = Extent(random.integer(1...9), random.integer(1...9))
      let padding = Padding(
        top: random.integer(0...filter.height + 1), left: random.integer(0...filter.width + 1),
        bottom: random.integer(0...filter.height + 1), right: random.integer(0...filter.width + 1))
      let image = Extent(filter.height + random.integer(0...20), filter.width + random.integer(0...150))
      let geometry = try geometry(image, filter, padding, channels: random.integer(1...3))
      try check(geometry, Float.self, &random)
      try check(geometry, Double.self, &random)
    }
  }

  @Test("padding at every width around that of vectors, and at every height around that of the filter")
  func edges() throws {
    var random = SeededNumbers(seed: 68)
    for size in 2...8 {
      try withEvery(around: [4, 8, 16, 32, 48, 64]) { width in
        let before = random.integer(0...size - 1)
        let padding = Padding(
          top: random.integer(0...size - 1), left: before, bottom: random.integer(0...size - 1),
          right: random.integer(size - 1 - before...size - 1))
        let image = Extent(size + random.integer(0...9), width)
        let geometry = try geometry(image, Extent(size, random.integer(1...size)), padding)
        try check(geometry, Float.self, &random)
        try check(geometry, Double.self, &random)
      }
    }
  }

  @Test("what stands at the end of one row of the image is not at the beginning of the next")
  func neighbours() throws {
    for size in [3, 5, 7, 9] {
      for width in [16, 23, 64, 70, 150] {
        let pad = size / 2
        let geometry = try geometry(
          Extent(12, width), Extent(size, size), Padding(top: pad, left: pad, bottom: pad, right: pad))
        let x = (0..<geometry.imageElementCount).map { index in
          [0, width - 1].contains(index % width) ? Float.infinity : 1
        }
        let w = [Float](repeating: 1, count: geometry.weights)
        try withEveryVariant { variant in
          let map = try Formulation.direct.makeRingOperator(
            storage: .sparse, geometry: geometry, filter: Tensor(w, Shape(1, 1, size, size))
          ).map
          let computed = written(geometry.outputElementCount, shift: 1, guardedBy: Float(7)) {
            map.apply(to: x, bias: [0], into: $0)
          }
          #expect(computed.isGuarded)
          for (index, value) in computed.written.enumerated() {
            let column = index % width
            #expect(
              value.isInfinite == (column <= pad || column >= width - 1 - pad) && !value.isNaN,
              "\(variant), \(size)² over \(width) columns, at \(index)")
          }
        }
      }
    }
  }

  @Test("planes that are larger than caches")
  func largePlanes() throws {
    var random = SeededNumbers(seed: 69)
    for (image, size, padding) in [
      (Extent(1500, 1000), 3, 1), (Extent(40, 60_000), 2, 0), (Extent(300, 4000), 5, 2),
      (Extent(500, 1000), 9, 0),
    ] {
      let geometry = try ConvolutionGeometry(
        image: Shape(image.height, image.width), filter: Shape(size, size),
        options: ConvolutionOptions(
          padding: .sides(Padding(top: padding, left: padding, bottom: padding, right: padding))))
      try check(geometry, Float.self, &random)
    }
  }

  @Test("steps from row to row, and from tap to tap")
  func steps() throws {
    var random = SeededNumbers(seed: 63)
    for _ in 0..<60 {
      let filter = Extent(random.integer(1...4), random.integer(1...4))
      let dilation = Extent(random.integer(1...3), random.integer(1...3))
      let image = Extent(12 + random.integer(0...9), 12 + random.integer(0...90))
      let padding = Padding(
        top: random.integer(0...4), left: random.integer(0...4), bottom: random.integer(0...4),
        right: random.integer(0...4))
      let geometry = try geometry(
        image, filter, padding, channels: random.integer(1...2), stride: random.integer(1...3),
        dilation: dilation)
      try check(geometry, Float.self, &random)
    }
  }

  @Test("steps from output to output and from tap to tap, along rows and columns, with padding")
  func columnSteps() throws {
    var random = SeededNumbers(seed: 70)
    for _ in 0..<150 {
      let filter = Extent(random.integer(1...5), random.integer(1...5))
      let dilation = Extent(random.integer(1...3), random.integer(1...3))
      let image = Extent(13 + random.integer(0...20), 13 + random.integer(0...200))
      let channels = random.integer(1...2)
      let geometry = try ConvolutionGeometry(
        image: Shape(2, channels, image.height, image.width),
        filter: Shape(channels, 1, filter.height, filter.width),
        options: ConvolutionOptions(
          stride: Extent(random.integer(1...4), random.integer(1...4)),
          padding: .sides(
            Padding(
              top: random.integer(0...5), left: random.integer(0...5), bottom: random.integer(0...5),
              right: random.integer(0...5))),
          dilation: dilation, groups: channels))
      try check(geometry, Float.self, &random)
      try check(geometry, Double.self, &random)
    }
  }

  @Test("images far wider than a tile, and filters too wide for one, by steps")
  func wideSteps() throws {
    var random = SeededNumbers(seed: 71)
    for (image, filter, stride, dilation) in [
      (Extent(20, 5000), Extent(3, 3), Extent(2, 2), Extent(1, 1)),
      (Extent(40, 700), Extent(5, 5), Extent(1, 3), Extent(7, 40)),
      (Extent(9, 3000), Extent(2, 50), Extent(1, 2), Extent(1, 50)),
      (Extent(300, 40), Extent(3, 3), Extent(100, 9), Extent(99, 1)),
    ] {
      let geometry = try ConvolutionGeometry(
        image: Shape(image.height, image.width), filter: Shape(filter.height, filter.width),
        options: ConvolutionOptions(stride: stride, dilation: dilation))
      try check(geometry, Float.self, &random)
    }
  }

  @Test("filters too large for the tile of the edges")
  func largeFilters() throws {
    var random = SeededNumbers(seed: 64)
    for (image, filter, padding) in [
      (Extent(130, 130), Extent(120, 100), 0), (Extent(90, 100), Extent(80, 90), 0),
      (Extent(70, 90), Extent(64, 70), 9),
      (Extent(64, 64), Extent(31, 31), 15), (Extent(40, 200), Extent(1, 190), 0),
      (Extent(200, 40), Extent(190, 1), 3),
    ] {
      let around = Padding(top: padding, left: padding, bottom: padding, right: padding)
      try check(try geometry(image, filter, around), Float.self, &random)
    }
  }

  @Test("gradients of the filter are those of integers")
  func filterGradients() throws {
    var random = SeededNumbers(seed: 65)
    for round in 0..<120 {
      let filter = Extent(random.integer(1...9), random.integer(1...9))
      let image = Extent(
        filter.height + random.integer(0...(round % 8 == 0 ? 300 : 20)),
        filter.width + random.integer(0...100))
      let padding = random.integer(0...3)
      let options = ConvolutionOptions(
        padding: .sides(Padding(top: padding, left: padding, bottom: 0, right: padding)))
      let shape = Shape(image.height, image.width)
      let taps = Shape(filter.height, filter.width)
      let (x, w) = (random.integers(image.elementCount), random.integers(filter.elementCount))
      let exact = try ConvolutionProblem(image: Tensor(x, shape), filter: Tensor(w, taps), options: options)
      let g = random.integers(exact.geometry.outputElementCount)
      let expected = try Formulation.direct.gradients(
        of: exact, upstream: Tensor(g, exact.geometry.resultShape), storage: .sparse)
      let problem = try ConvolutionProblem(
        image: Tensor(x.map { Double($0) }, shape), filter: Tensor(w.map { Double($0) }, taps),
        options: options)
      try withEveryVariant { variant in
        let gradients = try Formulation.direct.gradients(
          of: problem, upstream: Tensor(g.map { Double($0) }, exact.geometry.resultShape), storage: .sparse)
        #expect(
          gradients.filter.values.elementsEqual(expected.filter.values.map { Double($0) }),
          "\(variant) \(problem.geometry)")
      }
    }
  }

  @Test("an infinite derivative reaches the taps that met it, and no others")
  func infiniteDerivative() throws {
    var random = SeededNumbers(seed: 67)
    for _ in 0..<60 {
      let image = Extent(random.integer(1...40), random.integer(1...40))
      let problem = try ConvolutionProblem(
        image: Tensor(
          random.integers(image.elementCount).map { Double($0) }, Shape(image.height, image.width)),
        filter: Tensor([Double](repeating: 1, count: 9), Shape(3, 3)),
        options: ConvolutionOptions(padding: .same))
      var upstream = [Double](repeating: 1, count: image.elementCount)
      upstream[random.integer(0...image.elementCount - 1)] = .infinity
      var expected: [Double] = []
      for u in -1...1 {
        for v in -1...1 {
          var sum = 0.0
          for a in 0..<image.height where (0..<image.height).contains(a + u) {
            for b in 0..<image.width where (0..<image.width).contains(b + v) {
              sum += upstream[a * image.width + b] * problem.image[a + u, b + v]
            }
          }
          expected.append(sum)
        }
      }
      try withEveryVariant { variant in
        let gradients = try Formulation.direct.gradients(
          of: problem, upstream: Tensor(upstream, Shape(image.height, image.width)), storage: .sparse)
        #expect(
          gradients.filter.values.elementsEqual(expected) { $0 == $1 || ($0.isNaN && $1.isNaN) },
          "\(variant) \(problem.geometry)")
      }
    }
  }

  @Test("a plane is the same in whatever parts it is computed")
  func parts() throws {
    var random = SeededNumbers(seed: 66)
    for _ in 0..<60 {
      let filter = Extent(random.integer(1...7), random.integer(1...7))
      let padding = random.integer(0...3)
      let around = Padding(top: padding, left: padding, bottom: padding, right: padding)
      let geometry = try ConvolutionGeometry(
        image: Shape(filter.height + random.integer(0...30), filter.width + random.integer(0...80)),
        filter: Shape(filter.height, filter.width),
        options: ConvolutionOptions(
          stride: Extent(random.integer(1...2), random.integer(1...2)), padding: .sides(around)))
      // Numbers whose sums are rounded, so that another order would show.
      let w = random.integers(geometry.weights, 1...1 << 24).map { 1 / Float($0) }
      let x = random.integers(geometry.imageElementCount, 1...1 << 24).map { 1 / Float($0) }
      let rows = geometry.output.height
      withEveryVariant { variant in
        guard let kernel = PlaneKernel(geometry, filter: w) else {
          Issue.record("no kernel for \(geometry)")
          return
        }
        let count = geometry.output.elementCount
        let whole = written(count, shift: 0, guardedBy: Float(0)) {
          kernel.apply(w, to: x, bias: 1, into: $0, rows: 0..<rows)
        }
        let cut = random.integer(0...rows)
        let parts = written(count, shift: 0, guardedBy: Float(0)) {
          kernel.apply(w, to: x, bias: 1, into: $0, rows: cut..<rows)
          kernel.apply(w, to: x, bias: 1, into: $0, rows: 0..<cut)
        }
        #expect(whole.written == parts.written, "\(variant), cut at row \(cut): \(geometry)")
      }
    }
  }

  @Test("sums that are rounded stay within the bound of a dot product")
  func rounded() throws {
    var random = SeededNumbers(seed: 67)
    for size in [1, 3, 5, 8] {
      let geometry = try geometry(
        Extent(40, 75), Extent(size, size), Padding(top: 1, left: 2, bottom: 0, right: size))
      let w = random.integers(geometry.weights, -1 << 20...1 << 20).map { Float($0) / 1000 }
      let x = random.integers(geometry.imageElementCount, -1 << 20...1 << 20).map { Float($0) / 1000 }
      // Products of float32 numbers are exact in float64, and what its sums lose is far below the bound.
      let exact = Meetings(geometry).forward(x.map(Double.init), w.map(Double.init))
      let magnitude = Meetings(geometry).forward(
        x.map { Double($0.magnitude) }, w.map { Double($0.magnitude) })
      // γ_n = n·u / (1 − n·u)
      let terms = Double(geometry.terms) * 0x1p-24
      let gamma = terms / (1 - terms)
      for (formulation, storage) in Self.forms {
        try withEveryVariant { variant in
          let map = try formulation.makeRingOperator(
            storage: storage, geometry: geometry,
            filter: Tensor(w, Shape(1, 1, geometry.filter.height, geometry.filter.width))
          ).map
          let computed = written(exact.count, shift: 3, guardedBy: Float(7)) {
            map.apply(to: x, bias: [0], into: $0)
          }
          #expect(computed.isGuarded)
          for index in exact.indices {
            let distance = (Double(computed.written[index]) - exact[index]).magnitude
            #expect(
              distance <= gamma * magnitude[index] * (1 + 0x1p-20), "\(variant) \(formulation) at \(index)")
          }
        }
      }
    }
  }
}
