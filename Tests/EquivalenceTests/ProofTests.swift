import Convolution
import Equivalence
import TestSupport
import Testing

/// What is right passes all probes, in every formulation and for geometries of all kinds.
@Suite struct ProofTests {
  func prove(
    _ geometry: ConvolutionGeometry, _ formulation: Formulation, _ storage: Storage,
    _ options: FormulationOptions = FormulationOptions(), _ dataType: DataType = .float32
  ) throws -> Proof {
    try Proof(
      of: formulation, storage: storage, geometry: geometry, options: options, dataType: dataType,
      settings: ProofSettings(seed: 7, trials: 1))
  }

  /// The probes that passed, or a recorded failure.
  func passed(_ proof: Proof) -> Set<Probe>? {
    if let failure = proof.failure {
      Issue.record(
        """
        \(proof.formulation) \(proof.storage) \(proof.options) \(proof.dataType) \(proof.geometry): \
        \(failure.probe) \(String(describing: failure.counterexample))
        """)
      return nil
    }
    return Set(proof.probes.filter { $0.verdict == .passed }.map(\.probe))
  }

  @Test("every sum of products passes every probe on random geometries, in both precisions")
  func dotProducts() throws {
    var random = SeededNumbers(seed: 21)
    var geometries = 0
    while geometries < 120 {
      let p = random.parameters(upTo: 8)
      guard
        let geometry = try? ConvolutionGeometry(
          image: p.imageShape, filter: p.filterShape, options: p.options)
      else { continue }
      geometries += 1
      let dataType: DataType = geometries % 4 == 0 ? .float64 : .float32
      for (formulation, storage) in dotProductForms {
        guard let passed = passed(try prove(geometry, formulation, storage, FormulationOptions(), dataType))
        else { return }
        #expect(passed == Set(Probe.allCases))
      }
    }
  }

  @Test("separable and Fourier forms pass over the field, and to within a quarter of a tap")
  func approximate() throws {
    var random = SeededNumbers(seed: 22)
    var geometries = 0
    while geometries < 60 {
      let p = random.parameters(upTo: 9)
      guard
        let geometry = try? ConvolutionGeometry(
          image: p.imageShape, filter: p.filterShape, options: p.options)
      else { continue }
      geometries += 1
      for formulation in [Formulation.separable, .fft] {
        guard let passed = passed(try prove(geometry, formulation, .sparse)) else { return }
        #expect(passed == [.combs, .integers, .field])
      }
    }
  }

  @Test("Winograd tiles pass over the field; those of 2×2 outputs and 3×3 taps bit for bit as well")
  func winograd() throws {
    var random = SeededNumbers(seed: 23)
    var geometries = 0
    while geometries < 40 {
      var p = random.parameters(upTo: 11)
      let taps = random.integer(0...3) == 0 ? 5 : 3
      p.filter = Extent(taps, taps)
      (p.stride, p.dilation, p.outputPadding) = (Extent(1, 1), Extent(1, 1), Extent(0, 0))
      guard
        let geometry = try? ConvolutionGeometry(
          image: p.imageShape, filter: p.filterShape, options: p.options)
      else { continue }
      geometries += 1
      for tile in taps == 5 ? [2] : [2, 4, 6] {
        guard let passed = passed(try prove(geometry, .winograd, .sparse, FormulationOptions(tile: tile)))
        else { return }
        let exact = tile == 2 && taps == 3
        #expect(passed == (exact ? Set(Probe.allCases) : [.combs, .integers, .field]))
      }
    }
  }

  @Test("a k×k filter takes k² combs a channel, dilated or not, and fewer where strides leave taps apart")
  func combCounts() throws {
    func combs(_ options: ConvolutionOptions, channels: Int = 1) throws -> Int {
      let geometry = try ConvolutionGeometry(
        image: Shape(1, channels, 24, 24), filter: Shape(2, channels, 3, 3), options: options)
      return try #require(try prove(geometry, .direct, .sparse).probes.first { $0.probe == .combs })
        .applications
    }
    #expect(try combs(ConvolutionOptions()) == 9)
    #expect(try combs(ConvolutionOptions(padding: .same)) == 9)
    #expect(try combs(ConvolutionOptions(padding: .same, dilation: Extent(3, 2))) == 9)
    #expect(try combs(ConvolutionOptions(stride: Extent(2, 2))) == 9)
    #expect(try combs(ConvolutionOptions(stride: Extent(2, 2), transposed: true), channels: 2) == 8)
    #expect(try combs(ConvolutionOptions(padding: .same), channels: 3) == 27)
    #expect(try combs(ConvolutionOptions(padding: .same, paddingMode: .circular)) <= 16)
  }

  @Test("the same seed gives the same proof, and limits are kept")
  func limits() throws {
    let geometry = try ConvolutionGeometry(image: Shape(1, 3, 40, 40), filter: Shape(4, 3, 3, 3))
    let proof = try prove(geometry, .banded, .sparse)
    let again = try prove(geometry, .banded, .sparse)
    #expect(proof.probes == again.probes)
    #expect(proof.holds)
    let little = try Proof(
      of: .direct, storage: .sparse, geometry: geometry,
      settings: ProofSettings(workLimit: 4_000_000))
    let combs = try #require(little.probes.first { $0.probe == .combs })
    #expect(combs.applications == 0 && combs.verdict != .passed && combs.counterexample == nil)
    #expect(throws: ConvolutionError.self) {
      try Proof(of: .direct, storage: .sparse, geometry: geometry, settings: ProofSettings(workLimit: 1000))
    }
    #expect(throws: ConvolutionError.self) {
      try Proof(of: .direct, storage: .sparse, geometry: geometry, settings: ProofSettings(memoryLimit: 1000))
    }
    let long = try ConvolutionGeometry(image: Extent(1, 1 << 24), filter: Extent(1, 1 << 23))
    #expect(throws: ConvolutionError.self) {
      try Proof(of: .direct, storage: .sparse, geometry: long, settings: ProofSettings(workLimit: .max))
    }
    #expect(throws: ConvolutionError.self) { try prove(geometry, .direct, .dense) }
  }

  @Test("the field's arithmetic is that of the integers modulo 2⁶¹ − 1")
  func field() {
    var random = SeededNumbers(seed: 24)
    let modulus = UInt128(PrimeField.modulus)
    let edges: [UInt64] = [0, 1, 2, PrimeField.modulus - 1, PrimeField.modulus, PrimeField.modulus + 1, .max]
    for _ in 0..<2000 {
      let (a, b) = (edges.randomElement(using: &random) ?? 0, random.next())
      for (x, y) in [(a, b), (b, a), (a, a), (b, b)] {
        let (s, t) = (PrimeField(x), PrimeField(y))
        #expect(UInt128((s + t).value) == (UInt128(x) + UInt128(y)) % modulus)
        #expect(UInt128((s * t).value) == UInt128(x) * UInt128(y) % modulus)
        #expect((s - t) + t == s)
        if t != .zero { #expect(t * t.inverse == PrimeField(1 as Int)) }
      }
    }
    #expect(PrimeField.quotient(-3, 24) * PrimeField(-8) == PrimeField(1 as Int))
  }

  @Test("the field's extension has roots of unity of every power of two; conjugates are inverses")
  func roots() {
    let one = PrimeField(1 as Int)
    for order in 0...61 {
      let count = 1 << order
      let (a, b) = PrimeField.root(1, of: count)
      #expect(a * a + b * b == one)
      var power = (a, b)
      for step in 0..<order {
        #expect(power != (one, .zero))
        if step == order - 1 { #expect(power == (.zero - one, .zero)) }
        power = (power.0 * power.0 - power.1 * power.1, power.0 * power.1 + power.1 * power.0)
      }
      #expect(power == (one, .zero))
      if order == 2 { #expect((a, b) == (.zero, one)) }
      // The conjugate is the power −1, which is count − 1.
      let inverse = PrimeField.root(count - 1, of: count)
      #expect(inverse == (a, .zero - b))
      if order > 0 {
        let square = PrimeField.root(2 & (count - 1), of: count)
        #expect(square == PrimeField.root(1, of: count / 2))
      }
    }
  }
}
