import Convolution
import TestSupport
import Testing

/// The kernels for many channels in every variant, against the definition and against their plain twins.
@Suite(.serialized) struct ChannelKernelTests {
  /// A problem of many channels.
  func parameters(
    _ image: Extent, _ filter: Extent, inputs: Int, outputs: Int, groups: Int = 1, batch: Int = 1,
    stride: Extent = Extent(1, 1), padding: Int = 0, dilation: Extent = Extent(1, 1)
  ) -> Parameters {
    var p = Parameters(
      image: image, filter: filter, stride: stride,
      padding: Padding(vertical: padding, horizontal: padding), dilation: dilation)
    p.batch = batch
    p.inputs = inputs
    p.outputs = outputs
    p.groups = groups
    p.imageRank = 4
    p.filterRank = 4
    return p
  }

  /// Holds the map, its adjoint and, for `direct`, the gradient by the filter against the definition in integers: bit for bit.
  func check<Scalar: TensorScalar & Equatable>(
    _ p: Parameters, _ random: inout SeededNumbers, _ variant: KernelVariant, as type: Scalar.Type
  ) throws {
    guard
      let geometry = try? ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
    else { return }
    let meetings = Meetings(geometry)
    let image = random.integers(geometry.imageElementCount, -9...9)
    let filter = random.integers(geometry.weights, -9...9)
    let upstream = random.integers(geometry.outputElementCount, -9...9)
    let bias = random.integers(p.outputs, -9...9)
    let plane = geometry.output.elementCount
    var expected = meetings.forward(image, filter)
    for index in expected.indices { expected[index] += bias[index / plane % p.outputs] }
    let gradient = meetings.adjoint(upstream, filter)
    func tensor(_ numbers: [Int], _ shape: Shape) -> Tensor<Scalar> {
      Tensor(numbers.map { Scalar($0) }, shape)
    }
    let taps = tensor(filter, p.filterShape)
    let given = tensor(image, p.imageShape)
    let above = tensor(upstream, geometry.resultShape)
    for formulation in [Formulation.direct, .im2col] {
      let prepared = try formulation.makeOperator(
        storage: .sparse, geometry: geometry, filter: taps, bias: tensor(bias, Shape(p.outputs)))
      var output = Tensor<Scalar>(shape: geometry.resultShape, repeating: 77)
      prepared.apply(to: given, into: &output)
      let forward = output.values.elementsEqual(expected.map { Scalar($0) })
      #expect(forward, "\(formulation) \(variant) \(Scalar.self) \(p)")
      var back = Tensor<Scalar>(shape: geometry.imageShape, repeating: 77)
      prepared.applyAdjoint(to: above, into: &back)
      #expect(
        back.values.elementsEqual(gradient.map { Scalar($0) }),
        "adjoint of \(formulation) \(variant) \(Scalar.self) \(p)")
    }
    var byFilter = [Int](repeating: 0, count: filter.count)
    meetings.forEach { pixel, tap, output in byFilter[tap] += image[pixel] * upstream[output] }
    let problem = try ConvolutionProblem(
      image: tensor(image, p.imageShape), filter: tensor(filter, p.filterShape), options: p.options)
    let found = try Formulation.direct.gradients(of: problem, upstream: above, storage: .sparse)
    #expect(
      found.filter.values.elementsEqual(byFilter.map { Scalar($0) }),
      "gradient by the filter \(variant) \(Scalar.self) \(p)")
    #expect(
      found.image.values.elementsEqual(gradient.map { Scalar($0) }),
      "gradient by the image \(variant) \(Scalar.self) \(p)")
  }

  @Test("row lengths around vectors and blocks of them are exact in every variant")
  func widths() throws {
    var random = SeededNumbers(seed: 61)
    try withEveryVariant { variant in
      try withEvery(around: [2, 4, 8, 12, 16, 24, 32, 48, 64]) { width in
        // Vectors along the results, and along the channels.
        for outputs in [5, 32] {
          let p = parameters(Extent(3, width), Extent(2, 3), inputs: 3, outputs: outputs, padding: 1)
          try check(p, &random, variant, as: Float.self)
          try check(p, &random, variant, as: Double.self)
        }
      }
    }
  }

  @Test("numbers of made and given channels around blocks of them are exact in every variant")
  func channels() throws {
    var random = SeededNumbers(seed: 62)
    try withEveryVariant { variant in
      try withEvery(around: [2, 6, 8, 12, 16, 24, 32, 64]) { channels in
        // A plane that fills vectors, and one that doesn't.
        for image in [Extent(8, 8), Extent(5, 7)] {
          let made = parameters(image, Extent(3, 3), inputs: 3, outputs: channels, padding: 1)
          try check(made, &random, variant, as: Float.self)
          try check(made, &random, variant, as: Double.self)
          try check(
            parameters(image, Extent(1, 1), inputs: channels, outputs: 7), &random, variant, as: Float.self)
        }
      }
    }
  }

  @Test("strides, dilations, paddings, groups and batches are exact in every variant")
  func wholeProblems() throws {
    var random = SeededNumbers(seed: 63)
    try withEveryVariant { variant in
      for _ in 0..<250 {
        let groups = random.integer(1...2)
        let p = parameters(
          Extent(random.integer(1...20), random.integer(1...40)),
          Extent(random.integer(1...5), random.integer(1...5)),
          inputs: groups * (random.integer(0...3) == 0 ? 31 : random.integer(1...5)),
          outputs: groups * random.integer(1...36), groups: groups, batch: random.integer(1...2),
          stride: Extent(random.integer(1...3), random.integer(1...3)), padding: random.integer(0...4),
          dilation: Extent(random.integer(1...7), random.integer(1...3)))
        try check(p, &random, variant, as: Float.self)
      }
    }
  }

  @Test("planes and channels that take several blocks are exact in every variant")
  func blocks() throws {
    var random = SeededNumbers(seed: 64)
    try withEveryVariant { variant in
      for p in [
        parameters(Extent(40, 100), Extent(3, 3), inputs: 40, outputs: 2, padding: 1),
        parameters(Extent(30, 211), Extent(7, 7), inputs: 17, outputs: 3, stride: Extent(2, 2), padding: 3),
        parameters(Extent(14, 14), Extent(3, 3), inputs: 130, outputs: 20, padding: 1),
        parameters(Extent(7, 7), Extent(3, 3), inputs: 3, outputs: 200, padding: 1),
        // Weights that are read ahead; in two blocks of channels; several blocks of rows; more taps in a row than a tile takes.
        parameters(Extent(7, 7), Extent(3, 3), inputs: 300, outputs: 64, padding: 1),
        parameters(Extent(14, 14), Extent(3, 3), inputs: 150, outputs: 32, padding: 1),
        parameters(Extent(40, 100), Extent(3, 3), inputs: 31, outputs: 32, padding: 1),
        parameters(Extent(5, 40), Extent(2, 17), inputs: 3, outputs: 32, stride: Extent(1, 2), padding: 9),
      ] { try check(p, &random, variant, as: Float.self) }
    }
  }

  @Test(
    "without fused multiply-add the map, its adjoint and every tile sum as their plain twins do, bit for bit")
  func twins() throws {
    var random = SeededNumbers(seed: 65)
    try withEveryVariant { variant in
      if variant != .sse2 { return }
      for (height, width) in [(9, 33), (7, 7), (14, 15)] {
        for (taps, inputs, outputs) in [(1, 5, 19), (3, 5, 19), (5, 5, 19), (3, 32, 32), (5, 32, 64)] {
          let p = parameters(
            Extent(height, width), Extent(taps, taps), inputs: inputs, outputs: outputs, padding: taps / 2)
          let geometry = try ConvolutionGeometry(
            image: p.imageShape, filter: p.filterShape, options: p.options)
          let image = random.floats(geometry.imageElementCount)
          let filter = random.floats(geometry.weights)
          let upstream = random.floats(geometry.outputElementCount)
          var output = Tensor<Float>(shape: geometry.resultShape, repeating: 0)
          var back = Tensor<Float>(shape: geometry.imageShape, repeating: 0)
          let prepared = try Formulation.direct.makeOperator(
            storage: .sparse, geometry: geometry, filter: Tensor(filter, p.filterShape))
          prepared.apply(to: Tensor(image, p.imageShape), into: &output)
          prepared.applyAdjoint(to: Tensor(upstream, geometry.resultShape), into: &back)
          let plain = try Formulation.direct.makeRingOperator(
            storage: .sparse, geometry: geometry, filter: Tensor(filter.map(PlainFloat.init), p.filterShape))
          var twin = Tensor<PlainFloat>(shape: geometry.resultShape, repeating: .zero)
          var twinBack = Tensor<PlainFloat>(shape: geometry.imageShape, repeating: .zero)
          plain.apply(to: Tensor(image.map(PlainFloat.init), p.imageShape), into: &twin)
          plain.applyAdjoint(to: Tensor(upstream.map(PlainFloat.init), geometry.resultShape), into: &twinBack)
          #expect(output.values.elementsEqual(twin.values.map(\.value)), "\(p)")
          #expect(back.values.elementsEqual(twinBack.values.map(\.value)), "adjoint of \(p)")
          if taps == 1 { continue }
          for tile in taps == 3 ? [2, 4, 6] : [2] {
            let tiles = WinogradOperator<Float>(geometry: geometry, filter: filter, tile: tile)
            let plainTiles = WinogradOperator<PlainFloat>(
              geometry: geometry, filter: filter.map(PlainFloat.init), tile: tile)
            let bias = random.floats(p.outputs)
            tiles.apply(
              to: image, bias: bias, into: output.mutableValues.baseAddress.unsafelyUnwrapped)
            plainTiles.apply(
              to: image.map(PlainFloat.init), bias: bias.map(PlainFloat.init),
              into: twin.mutableValues.baseAddress.unsafelyUnwrapped)
            #expect(output.values.elementsEqual(twin.values.map(\.value)), "tile \(tile) of \(p)")
          }
        }
      }
    }
  }

  @Test("results stay within the bound of a dot product, whatever is fused")
  func bound() throws {
    var random = SeededNumbers(seed: 66)
    try withEveryVariant { variant in
      for (image, outputs) in [(Extent(6, 29), 18), (Extent(7, 7), 18), (Extent(7, 7), 32)] {
        let p = parameters(image, Extent(3, 3), inputs: 6, outputs: outputs, padding: 1)
        let geometry = try ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
        let pixels = random.floats(geometry.imageElementCount)
        let taps = random.floats(geometry.weights)
        var output = Tensor<Float>(shape: geometry.resultShape, repeating: 0)
        try Formulation.direct.makeOperator(
          storage: .sparse, geometry: geometry, filter: Tensor(taps, p.filterShape)
        ).apply(to: Tensor(pixels, p.imageShape), into: &output)
        let products = Meetings(geometry).products(pixels.map(Double.init), taps.map(Double.init))
        // γ_n · S, as in docs/equivalence.md; what float64 rounds of it is far below the slack of n against the terms there are.
        let n = Double(geometry.terms + 1)
        let gamma = n * 0x1p-24 / (1 - n * 0x1p-24)
        for (index, terms) in products.enumerated() {
          let magnitude = terms.reduce(0) { $0 + abs($1.0 * $1.1) }
          #expect(
            ExactSum.isWithin(
              Double(output.values[index]), of: terms, bound: gamma * magnitude + n * 0x1p-150),
            "\(variant) element \(index) of \(p)")
        }
      }
    }
  }

  @Test("nothing outside of the result is written, and pointers need not be aligned")
  func guards() throws {
    var random = SeededNumbers(seed: 67)
    try withEveryVariant { variant in
      for (image, taps, stride, outputs) in [
        (Extent(9, 21), 3, 1, 17), (Extent(7, 7), 3, 1, 17), (Extent(12, 17), 1, 1, 17),
        (Extent(11, 19), 3, 2, 17), (Extent(9, 21), 3, 1, 32), (Extent(7, 7), 3, 1, 31),
        (Extent(11, 19), 3, 2, 32),
      ] {
        let p = parameters(
          image, Extent(taps, taps), inputs: 3, outputs: outputs, stride: Extent(stride, stride),
          padding: taps / 2)
        let geometry = try ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
        let given = random.integers(geometry.imageElementCount + 1).map(Float.init)
        let filter = random.integers(geometry.weights).map(Float.init)
        let expected = Meetings(geometry).forward(
          given.dropFirst().map(Double.init), filter.map(Double.init))
        let zeros = [Float](repeating: 0, count: p.outputs)
        var formulations: [(Formulation, Int?)] = [(.direct, nil), (.im2col, nil)]
        if taps == 3 && stride == 1 { formulations += [(.winograd, 2), (.winograd, 4)] }
        for (formulation, tile) in formulations {
          let prepared = try formulation.makeOperator(
            storage: .sparse, geometry: geometry, filter: Tensor(filter, p.filterShape),
            options: FormulationOptions(tile: tile))
          let count = geometry.outputElementCount
          var room = [Float](repeating: 77, count: count + 2 * 64 + 1)
          given.withUnsafeBufferPointer { given in
            room.withUnsafeMutableBufferPointer { room in
              prepared.map.apply(
                to: given.baseAddress.unsafelyUnwrapped + 1, bias: zeros,
                into: room.baseAddress.unsafelyUnwrapped + 65)
            }
          }
          #expect(room[..<65].allSatisfy { $0 == 77 } && room[(65 + count)...].allSatisfy { $0 == 77 })
          // Tiles of integers are exact where their matrices are: not with the thirds of larger ones.
          if tile != 4 {
            #expect(
              room[65..<65 + count].elementsEqual(expected.map(Float.init)), "\(formulation) \(variant) \(p)")
          }
        }
      }
    }
  }

  @Test("a tap that is not finite meets no zeros on the padding", arguments: [3, 32])
  func nonfinite(outputs: Int) throws {
    try withEveryVariant { variant in
      let p = parameters(Extent(4, 5), Extent(3, 3), inputs: 2, outputs: outputs, padding: 1)
      let geometry = try ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
      var filter = [Float](repeating: 1, count: geometry.weights)
      filter[0] = .infinity
      var output = Tensor<Float>(shape: geometry.resultShape, repeating: 0)
      try Formulation.direct.makeOperator(
        storage: .sparse, geometry: geometry, filter: Tensor(filter, p.filterShape)
      ).apply(to: Tensor([Float](repeating: 1, count: 40), p.imageShape), into: &output)
      // The first tap stands on padding in the first row and column of the first plane only.
      for index in 0..<output.values.count {
        let isOnPadding = index % 20 < 5 || index % 5 == 0
        #expect(
          output.values[index].isFinite == (index >= 20 || isOnPadding) && !output.values[index].isNaN,
          "\(variant) element \(index)")
      }
    }
  }

  @Test("a derivative that is not finite meets no zeros on the padding", arguments: [2, 3, 8])
  func nonfiniteDerivative(inputs: Int) throws {
    try withEveryVariant { variant in
      // The rows of taps are as long as, or longer than, there are channels.
      let p = parameters(Extent(4, 5), Extent(3, 3), inputs: inputs, outputs: 8, padding: 1)
      let geometry = try ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
      var upstream = [Float](repeating: 1, count: geometry.outputElementCount)
      upstream[0] = .infinity
      let image = Tensor([Float](repeating: 1, count: geometry.imageElementCount), p.imageShape)
      let filter = Tensor([Float](repeating: 1, count: geometry.weights), p.filterShape)
      let problem = try ConvolutionProblem(image: image, filter: filter, options: p.options)
      let found = try Formulation.direct.gradients(
        of: problem, upstream: Tensor(upstream, geometry.resultShape), storage: .sparse)
      // The first result stands on padding under the first row and column of the taps.
      for index in 0..<found.filter.values.count {
        let isOnPadding = index % 9 < 3 || index % 3 == 0
        let isOfAnother = index >= inputs * 9
        #expect(
          found.filter.values[index].isFinite == (isOfAnother || isOnPadding)
            && !found.filter.values[index].isNaN, "\(variant) element \(index)")
      }
    }
  }
}

extension SeededNumbers {
  /// Numbers between −1 and 1.
  fileprivate mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float.random(in: -1...1, using: &self) }
  }
}
