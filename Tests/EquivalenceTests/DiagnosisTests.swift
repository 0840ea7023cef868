import Convolution
import Equivalence
import TestSupport
import Testing

/// Wrong outputs on purpose, and what the diagnosis calls them.
///
/// Forty visible cases of each mistake, on random problems with batches, channels, groups, strides, dilation, all padding
/// modes, biases, flips and transposition. The cases that are not named after the mistake that was made are ones in which
/// another mistake gives the same output: a tap left out where it was the only one of its elements leaves zeros behind.
@Suite struct DiagnosisTests {
  /// Calls `body` with `count` visible cases of the flaws.
  func everyCase(
    of flaws: [Flaw], seed: UInt64, count: Int, _ body: (FlawedCase) throws -> Void
  ) rethrows {
    var random = SeededNumbers(seed: seed)
    var done = 0
    while done < count {
      guard let flawed = FlawedCase(flaws, &random) else { continue }
      try body(flawed)
      done += 1
    }
  }

  @Test("each mistake is named in at least 95 of 100 visible cases", arguments: Flaw.all.indices)
  func names(_ index: Int) throws {
    let flaw = Flaw.all[index]
    var answers: [String: Int] = [:]
    var last = ""
    try everyCase(of: [flaw], seed: UInt64(1000 + index), count: 40) { flawed in
      let diagnosis = try #require(try flawed.diagnosis())
      let name = ([diagnosis.mistake] + diagnosis.also).map(\.rawValue).joined(separator: "+")
      answers[name, default: 0] += 1
      if diagnosis.mistake != flaw.mistake { last = "\(name): \(diagnosis.says), \(flawed.line)" }
      #expect(diagnosis.mistake == .unknown || diagnosis.residual <= 1)
      #expect(!diagnosis.says.isEmpty && diagnosis.position != nil)
    }
    // The confusion table, a row a mistake.
    print(flaw.mistake.rawValue, answers.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" })
    #expect(answers[flaw.mistake.rawValue, default: 0] >= 38, "\(last)")
  }

  @Test("two mistakes at once are both named")
  func pairs() throws {
    let pairs: [[Mistake]] = [
      [.missingBias, .flippedFilter], [.flippedFilter, .paddingOffByOne],
      [.flippedFilter, .wrongPaddingMode],
      [.missingBias, .missingTap], [.flippedFilter, .scaledOutput], [.missingBias, .transposedOutput],
      [.nonfinite, .missingBias], [.flippedFilter, .singleElement], [.missingBias, .wrongDilation],
    ]
    for (index, pair) in pairs.enumerated() {
      let flaws = pair.compactMap { mistake in Flaw.all.first { $0.mistake == mistake } }
      var right = 0
      var last = ""
      try everyCase(of: flaws, seed: UInt64(2000 + index), count: 20) { flawed in
        let diagnosis = try #require(try flawed.diagnosis())
        if Set([diagnosis.mistake] + diagnosis.also) == Set(pair) {
          right += 1
        } else {
          last = "\(diagnosis.mistake) \(diagnosis.also): \(diagnosis.says), \(flawed.line)"
        }
      }
      print(pair.map(\.rawValue), right, "of 20")
      // A second mistake may not show: a filter that is one tap, a mode where nothing is padded.
      #expect(right >= 17, "\(pair): \(last)")
    }
  }

  @Test("an output within its bounds has no diagnosis")
  func within() throws {
    var random = SeededNumbers(seed: 3)
    for _ in 0..<20 {
      guard let convolution = FlawedConvolution(random.roomyParameters(), &random) else { continue }
      let problem = try convolution.problem()
      let (output, exact, absolute) = convolution.output()
      let shape = problem.geometry.resultShape
      let diagnosis = Diagnosis(
        of: Tensor(output.map { Double($0) }, shape), problem: problem,
        allowed: Tensor(absolute.map { $0 * 0x1p-18 + 0x1p-140 }, shape), exact: Tensor(exact, shape))
      #expect(diagnosis == nil)
    }
  }

  @Test("what no mistake explains is described, with a problem that repeats one element")
  func unknown() throws {
    let noise = try #require(Flaw.all.first { $0.mistake == .unknown })
    try everyCase(of: [noise], seed: 4, count: 10) { flawed in
      let diagnosis = try #require(try flawed.diagnosis())
      #expect(diagnosis.mistake == .unknown && diagnosis.also.isEmpty && diagnosis.residual > 1)
      #expect(diagnosis.says.contains("elements are wrong") && diagnosis.says.contains("correlation"))
      let line = try #require(diagnosis.reproduction)
      #expect(line.utf8.count < 20_000 && !line.contains("\n"))
      #expect(line.hasPrefix("{\"image\":[[[") && line.hasSuffix("\"dtype\":\"float32\"}"))
    }
  }

  @Test("a reproduction's sum of products is the exact value of an element that is wrong")
  func reproduces() throws {
    let noise = try #require(Flaw.all.first { $0.mistake == .unknown })
    try everyCase(of: [noise], seed: 6, count: 20) { flawed in
      let diagnosis = try #require(try flawed.diagnosis())
      let line = try #require(diagnosis.reproduction, "\(diagnosis.says), \(flawed.line)")
      func numbers(after name: String) -> [Double] {
        guard let start = line.firstRange(of: "\"\(name)\":") else { return [] }
        let rest = line[start.upperBound...]
        let end = rest.firstRange(of: ",\"")?.lowerBound ?? rest.endIndex
        return rest[..<end].split { "[],".contains($0) }.compactMap { Double($0) }
      }
      let (image, filter) = (numbers(after: "image"), numbers(after: "filter"))
      #expect(image.count == filter.count && !image.isEmpty)
      let sum = zip(image, filter).reduce(numbers(after: "bias").first ?? 0) { $0 + $1.0 * $1.1 }
      #expect(flawed.exact.contains { ($0 - sum).magnitude < 1e-6 }, "\(line)")
    }
  }

  @Test("whatever the work limit is, a diagnosis comes back and says what was left out")
  func bounded() throws {
    for flaw in Flaw.all {
      try everyCase(of: [flaw], seed: 7, count: 3) { flawed in
        for limit in [0, 1, 1000, 30_000] {
          let diagnosis = try #require(try flawed.diagnosis(workLimit: limit))
          #expect(diagnosis.mistake == .unknown || diagnosis.residual <= 1)
        }
      }
    }
    let flip = try #require(Flaw.all.first { $0.mistake == .flippedFilter })
    try everyCase(of: [flip], seed: 8, count: 5) { flawed in
      let diagnosis = try #require(try flawed.diagnosis(workLimit: 20_000))
      #expect(diagnosis.mistake == .flippedFilter, "\(diagnosis.says)")
    }
  }

  @Test("what is named for a part of the output leaves all the rest within its bounds")
  func regions() throws {
    for flaw in Flaw.all where [.staleRegion, .zeroRegion, .singleElement].contains(flaw.mistake) {
      try everyCase(of: [flaw], seed: 13, count: 10) { flawed in
        let diagnosis = try #require(try flawed.diagnosis())
        let worst = flawed.candidate.indices.map {
          (Double(flawed.candidate[$0]) - flawed.exact[$0]).magnitude / flawed.allowed[$0]
        }
        let rest = worst.filter { $0 <= 1 }.max() ?? 0
        if diagnosis.mistake == flaw.mistake {
          #expect(diagnosis.residual <= max(rest, 1e-300) * 1.001, "\(flawed.line)")
        }
      }
    }
  }

  @Test("a mistake made in TF32, bfloat16 or with more noise has its name under a float32 claim")
  func otherArithmetics() throws {
    func rounded(_ value: Float, bits: UInt32) -> Float {
      let half = (1 << (23 - bits)) as UInt32
      return Float(
        bitPattern: (value.bitPattern + half / 2 - 1 + (value.bitPattern / half & 1)) & ~(half - 1))
    }
    let sought: [Mistake] = [
      .flippedFilter, .transposedOutput, .swappedOutputChannels, .missingChannel, .zeroRegion, .scaledOutput,
      .shiftedOutput,
    ]
    for bits in [10, 7] as [UInt32] {
      for mistake in sought {
        let flaw = try #require(Flaw.all.first { $0.mistake == mistake })
        let first = Flaw(
          mistake: .shortInputs,
          before: { c, _ in
            c.image = c.image.map { rounded($0, bits: bits) }
            c.filter = c.filter.map { rounded($0, bits: bits) }
            return true
          })
        var (right, last) = (0, "")
        try everyCase(of: [first, flaw], seed: 14, count: 20) { flawed in
          let diagnosis = try #require(try flawed.diagnosis())
          #expect(diagnosis.mistake == .unknown || diagnosis.residual <= 1)
          // What was done may be hidden by the shorter inputs alone.
          if [mistake, .shortInputs].contains(diagnosis.mistake) {
            right += 1
          } else {
            last = "\(diagnosis.mistake) \(diagnosis.says), \(flawed.line)"
          }
        }
        #expect(right >= 18, "\(bits) bits, \(mistake): \(last)")
      }
    }
  }

  @Test("a mistake is found behind a result that was rounded to bfloat16")
  func rounded() throws {
    for flaw in Flaw.all {
      guard [.flippedFilter, .transposedOutput, .missingBias, .mixedGroups].contains(flaw.mistake) else {
        continue
      }
      try everyCase(of: [flaw], seed: 12, count: 20) { flawed in
        let problem = try flawed.convolution.problem()
        let shape = problem.geometry.resultShape
        var rounded = Tensor(flawed.candidate, shape)
        rounded.round(to: .bfloat16)
        let allowed = zip(flawed.allowed, flawed.exact).map { $0 + 0x1p-8 * ($1.magnitude + $0) }
        let diagnosis = Diagnosis(
          of: Tensor(rounded.values.map { Double($0) }, shape), problem: problem,
          allowed: Tensor(allowed, shape),
          exact: Tensor(flawed.exact, shape))
        // A small mistake may hide in the rounding.
        #expect(
          diagnosis == nil || diagnosis?.mistake == flaw.mistake, "\(diagnosis?.says ?? ""), \(flawed.line)")
      }
    }
  }

  @Test("of a float64 problem, float32 inputs and float32 results are recognised")
  func float64() throws {
    var random = SeededNumbers(seed: 9)
    let shape = Shape(1, 3, 9, 8)
    let image = (0..<216).map { _ in Double.random(in: -1...1, using: &random) }
    let filter = (0..<54).map { _ in Double.random(in: -1...1, using: &random) }
    func output(_ round: (Double) -> Double, _ last: (Double) -> Double) -> [Double] {
      (0..<2 * 7 * 6).map { place in
        let (k, a, b) = (place / 42, place / 6 % 7, place % 6)
        var sum = 0.0
        for tap in 0..<27 {
          let (c, u, v) = (tap / 9, tap / 3 % 3, tap % 3)
          sum += round(filter[k * 27 + tap]) * round(image[(c * 9 + a + u) * 8 + b + v])
        }
        return last(sum)
      }
    }
    let exact = output({ $0 }, { $0 })
    let problem = try ConvolutionProblem(
      image: Tensor(image, shape), filter: Tensor(filter, Shape(2, 3, 3, 3)))
    let allowed = exact.map { _ in 27 * 27 * 0x1p-53 }
    func diagnosis(_ candidate: [Double]) -> Diagnosis? {
      Diagnosis(
        of: Tensor(candidate, Shape(1, 2, 7, 6)), problem: problem,
        allowed: Tensor(allowed, Shape(1, 2, 7, 6)),
        exact: Tensor(exact, Shape(1, 2, 7, 6)))
    }
    #expect(diagnosis(exact) == nil)
    #expect(diagnosis(output({ Double(Float($0)) }, { $0 }))?.mistake == .shortInputs)
    #expect(diagnosis(output({ $0 }, { Double(Float($0)) }))?.mistake == .shortAccumulation)
  }
}
