import Convolution
import Equivalence
import TestSupport
import Testing

/// Every known way to get a convolution wrong is caught, at the first wrong result, with the tap it should have used.
@Suite struct BrokenFormulationTests {
  /// What a broken implementation does with each meeting of a pixel, a tap and a result: other meetings, or none.
  typealias Meeting = (pixel: Int, tap: Int, output: Int)

  /// An implementation of `geometry`'s shapes that computes `meetings` of what may be another geometry.
  func implementation<Scalar: Ring>(
    _: Scalar.Type, _ geometry: ConvolutionGeometry, as other: ConvolutionGeometry? = nil,
    bias hasBias: Bool = true,
    round: @escaping (Scalar) -> Scalar = { $0 }, _ change: @escaping (Meeting) -> Meeting? = { $0 },
    extra: [Meeting] = []
  ) -> Implementation<Scalar> {
    var all: [Meeting] = []
    Meetings(other ?? geometry).forEach { pixel, tap, output in
      if let changed = change((pixel, tap, output)) { all.append(changed) }
    }
    let meetings = all + extra
    let plane = geometry.output.elementCount
    return Implementation { (filter: borrowing Tensor<Scalar>, bias: borrowing Tensor<Scalar>) in
      let taps = filter.values.map(round)
      let constants = Array(bias.values)
      return { image, output in
        let pixels = image.values.map(round)
        let results = output.mutableValues
        for place in results.indices {
          results[place] = hasBias ? constants[place / plane % constants.count] : .zero
        }
        for (pixel, tap, place) in meetings {
          results[place] = results[place] + taps[tap] * pixels[pixel]
        }
      }
    }
  }

  /// All probes' outcomes: the floating-point ones and the field's.
  func probe(
    _ geometry: ConvolutionGeometry, _ floating: Implementation<Float>, _ field: Implementation<PrimeField>?
  ) throws -> [Probe: ProbeOutcome] {
    let prover = Prover(geometry, multiplyAdds: 1, settings: ProofSettings(seed: 3, trials: 2))
    let exactness = Exactness.sums(geometry)
    var outcomes = [
      try prover.combs(floating, exactness), try prover.integers(floating, exactness),
      try prover.precision(floating, exactness),
    ]
    if let field { outcomes.append(try prover.field(field)) }
    return Dictionary(uniqueKeysWithValues: outcomes.map { ($0.probe, $0) })
  }

  func probe(
    _ geometry: ConvolutionGeometry, as other: ConvolutionGeometry? = nil, bias: Bool = true,
    extra: [Meeting] = [], _ change: @escaping (Meeting) -> Meeting? = { $0 }
  ) throws -> [Probe: ProbeOutcome] {
    try probe(
      geometry, implementation(Float.self, geometry, as: other, bias: bias, change, extra: extra),
      implementation(PrimeField.self, geometry, as: other, bias: bias, change, extra: extra))
  }

  /// Combs, integers and field must all refute; the combs' counterexample.
  func refuted(_ outcomes: [Probe: ProbeOutcome]) throws -> Counterexample {
    for probe in [Probe.combs, .integers, .field] {
      #expect(outcomes[probe]?.counterexample != nil, "\(probe)")
    }
    return try #require(outcomes[.combs]?.counterexample)
  }

  func geometry(
    _ options: ConvolutionOptions, image: Shape = Shape(1, 1, 7, 7), filter: Shape = Shape(1, 1, 3, 3)
  ) throws -> ConvolutionGeometry {
    try ConvolutionGeometry(image: image, filter: filter, options: options)
  }

  @Test("the definition itself passes all of them")
  func definition() throws {
    let g = try geometry(
      ConvolutionOptions(
        stride: Extent(2, 1), padding: .sides(Padding(vertical: 1, horizontal: 2)), groups: 2),
      image: Shape(2, 4, 7, 6), filter: Shape(6, 2, 3, 2))
    let outcomes = try probe(g)
    for probe in Probe.allCases { #expect(outcomes[probe]?.verdict == .passed, "\(probe)") }
  }

  @Test("a flipped filter uses the opposite tap")
  func flipped() throws {
    let found = try refuted(
      try probe(try geometry(ConvolutionOptions())) { ($0.pixel, 8 - $0.tap, $0.output) })
    #expect(found.tap == Position(0, 0, 0, 0) && found.kind == .otherTap(Position(0, 0, 2, 2)))
    #expect(found.position == Position(0, 0, 0, 0) && found.pixel == Position(0, 0, 0, 0))
  }

  @Test("a transposed filter uses the tap across the diagonal")
  func transposed() throws {
    let found = try refuted(
      try probe(try geometry(ConvolutionOptions())) { ($0.pixel, $0.tap % 3 * 3 + $0.tap / 3, $0.output) })
    guard case .otherTap(let other)? = Optional(found.kind), let tap = found.tap else {
      Issue.record("\(found)")
      return
    }
    #expect(other.indices == [0, 0, tap.indices[3], tap.indices[2]] && tap != other)
  }

  @Test("swapped strides read other pixels")
  func strides() throws {
    let g = try geometry(ConvolutionOptions(stride: Extent(2, 1)))
    let found = try refuted(try probe(g, as: try geometry(ConvolutionOptions(stride: Extent(1, 2)))))
    #expect(found.position == Position(0, 0, 0, 1) && found.pixel != nil)
  }

  @Test("padding that is off by one reads the neighbour")
  func padding() throws {
    func padded(_ padding: Padding) throws -> ConvolutionGeometry {
      try geometry(ConvolutionOptions(padding: .sides(padding)))
    }
    let g = try padded(Padding(vertical: 1, horizontal: 1))
    let found = try refuted(try probe(g, as: try padded(Padding(top: 2, left: 1, bottom: 0, right: 1))))
    #expect(found.position == Position(0, 0, 0, 0))
    #expect(found.kind == .otherTap(Position(0, 0, 2, 1)) && found.tap == Position(0, 0, 1, 1))
  }

  @Test("a missing tap is named", arguments: 0..<9)
  func missingTap(tap: Int) throws {
    let outcomes = try probe(try geometry(ConvolutionOptions())) { $0.tap == tap ? nil : $0 }
    let found = try refuted(outcomes)
    #expect(found.kind == .missingTap && found.tap == Position(0, 0, tap / 3, tap % 3))
    #expect(outcomes[.field]?.counterexample?.kind == .missingTap)
    #expect(outcomes[.integers]?.counterexample?.tap == found.tap)
  }

  @Test("every wrong padding mode shows at the border", arguments: PaddingMode.allCases, PaddingMode.allCases)
  func modes(right: PaddingMode, wrong: PaddingMode) throws {
    if right == wrong { return }
    func padded(_ mode: PaddingMode) throws -> ConvolutionGeometry {
      try geometry(ConvolutionOptions(padding: .same, paddingMode: mode))
    }
    let outcomes = try probe(try padded(right), as: try padded(wrong))
    #expect(try refuted(outcomes).pixel != nil)
    let found = try #require(outcomes[.integers]?.counterexample)
    #expect(found.position == Position(0, 0, 0, 0) && found.pixel != nil)
  }

  @Test("swapped channels and mixed groups are caught")
  func channels() throws {
    let plane = 36
    let g = try geometry(ConvolutionOptions(), image: Shape(1, 2, 6, 6), filter: Shape(2, 2, 3, 3))
    let swapped = try refuted(
      try probe(g) { (($0.pixel + plane) % (2 * plane), $0.tap, $0.output) })
    guard case .otherTap(let other)? = Optional(swapped.kind), let tap = swapped.tap else {
      Issue.record("\(swapped)")
      return
    }
    #expect(other.indices[1] != tap.indices[1] && other.indices[2...] == tap.indices[2...])
    let grouped = try geometry(
      ConvolutionOptions(groups: 2), image: Shape(1, 4, 6, 6), filter: Shape(2, 2, 3, 3))
    let mixed = try refuted(
      try probe(grouped) { (($0.pixel + 2 * plane) % (4 * plane), $0.tap, $0.output) })
    #expect(mixed.kind == .missingTap || mixed.kind == .outsideSupport)
    #expect(mixed.pixel != nil)
  }

  @Test("one image of a batch taken for another is caught")
  func batch() throws {
    let g = try geometry(ConvolutionOptions(), image: Shape(2, 1, 6, 6))
    _ = try refuted(try probe(g) { (($0.pixel + 36) % 72, $0.tap, $0.output) })
  }

  @Test("a missing bias is named")
  func bias() throws {
    let outcomes = try probe(try geometry(ConvolutionOptions()), bias: false)
    #expect(try refuted(outcomes).kind == .bias)
    #expect(outcomes[.field]?.counterexample?.kind == .bias)
  }

  @Test("a tie that is broken at one position is found there", arguments: [0, 7, 13, 24])
  func brokenTie(place: Int) throws {
    let outcomes = try probe(try geometry(ConvolutionOptions())) {
      $0.output == place && $0.tap == 4 ? ($0.pixel, 5, $0.output) : $0
    }
    let found = try refuted(outcomes)
    #expect(found.position == Position(0, 0, place / 5, place % 5) && found.tap == Position(0, 0, 1, 1))
    #expect(found.kind == .otherTap(Position(0, 0, 1, 2)))
    #expect(outcomes[.field]?.counterexample?.position == found.position)
    #expect(outcomes[.field]?.counterexample?.kind == found.kind)
  }

  @Test("one entry outside of the support is found at its row and column")
  func extra() throws {
    let outcomes = try probe(try geometry(ConvolutionOptions()), extra: [(pixel: 48, tap: 3, output: 11)])
    for probe in [Probe.integers, .field] {
      let found = try #require(outcomes[probe]?.counterexample)
      #expect(found.kind == .outsideSupport && found.tap == nil)
      #expect(found.position == Position(0, 0, 2, 1) && found.pixel == Position(0, 0, 6, 6))
    }
  }

  @Test("two entries outside of the support that cancel on the combs are found by random numbers")
  func cancelling() throws {
    // An entry and its negative on two pixels that are always lit together and with the same number.
    let g = try geometry(ConvolutionOptions(), image: Shape(1, 1, 9, 9))
    func broken<Scalar: Ring>(_: Scalar.Type) -> Implementation<Scalar> {
      let right = implementation(Scalar.self, g)
      return Implementation {
        (filter: borrowing Tensor<Scalar>, bias: borrowing Tensor<Scalar>) throws(ConvolutionError) in
        let apply = try right.prepare(filter, bias)
        return { image, output in
          apply(image, &output)
          let room = output.mutableValues
          room[0] = room[0] + image.values[77] - image.values[53]
        }
      }
    }
    let outcomes = try probe(g, broken(Float.self), broken(PrimeField.self))
    #expect(outcomes[.combs]?.verdict == .passed)
    for probe in [Probe.integers, .field] {
      #expect(outcomes[probe]?.counterexample?.kind == .outsideSupport)
      #expect(outcomes[probe]?.counterexample?.position == Position(0, 0, 0, 0))
    }
  }

  @Test("inputs rounded to TF32 or bfloat16 are told from float32 ones", arguments: [13, 16])
  func shortInputs(bits: UInt32) throws {
    let g = try geometry(ConvolutionOptions())
    let half: UInt32 = 1 << (bits - 1)
    let rounded = implementation(
      Float.self, g,
      round: { x in
        Float(bitPattern: (x.bitPattern + half) & ~(1 << bits - 1))
      })
    let outcomes = try probe(g, rounded, nil)
    let found = try #require(outcomes[.precision]?.counterexample)
    #expect(found.kind == .roundedInput && found.pixel != nil && found.tap != nil)
    #expect(outcomes[.integers]?.counterexample != nil)
    // Small integers pass unrounded: combs alone would not tell.
    #expect(outcomes[.combs]?.verdict == .passed)
  }

  @Test("an output that is never written is caught")
  func unwritten() throws {
    let g = try geometry(ConvolutionOptions())
    let right = implementation(Float.self, g)
    let broken = Implementation<Float> {
      (filter: borrowing Tensor<Float>, bias: borrowing Tensor<Float>) throws(ConvolutionError) in
      let apply = try right.prepare(filter, bias)
      return { image, output in
        let old = output.values[24]
        apply(image, &output)
        output.mutableValues[24] = old
      }
    }
    let outcomes = try probe(g, broken, nil)
    #expect(outcomes[.combs]?.counterexample?.position == Position(0, 0, 4, 4))
  }
}
