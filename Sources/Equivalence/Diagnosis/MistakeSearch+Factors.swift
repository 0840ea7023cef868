import Convolution

/// Factors of the output or of its channels, and numbers on the padding.
extension MistakeSearch {
  /// A factor for each output channel.
  mutating func scaledChannels(_ variant: Variant) -> FoundMistake? {
    if variant.made < 2 || variant.work > workLeft / 2 { return nil }
    let worst = worstChannel(variant)
    for beforeBias in hasBias ? [false, true] : [false] {
      func sum(_ element: Sampled) -> Double {
        element.value - (beforeBias ? variant.bias[variant.element(at: element.place).made] : 0)
      }
      let telling = worst.filter { sum($0).magnitude > 10 * $0.allowed }
      let most = telling.reduce(1) { max($0, (1 + $1.error / sum($1)).magnitude) }
      var first = Interval()
      for element in telling {
        first.meet(element.error / sum(element), most * element.allowed / sum(element).magnitude)
      }
      if first.isEmpty || !first.excludesZero || first.count < 2 { continue }
      if isSketch { return FoundMistake(mistakes: [.scaledOutput], says: "", residual: 1, reproduction: nil) }
      var slack = [Double](repeating: 1, count: variant.made)
      var factors = [Interval](repeating: Interval(), count: variant.made)
      for pass in 0..<2 {
        variant.forEachElement { place, value, absolute in
          if !evidence.isComparable(place) { return true }
          let k = variant.element(at: place).made
          let sum = value - (beforeBias ? variant.bias[k] : 0)
          let allowed = allowed(place, value, absolute)
          if sum.magnitude <= 10 * allowed { return true }
          let error = evidence.candidate[place] - value
          if pass == 0 {
            slack[k] = max(slack[k], (1 + error / sum).magnitude)
          } else {
            factors[k].meet(error / sum, slack[k] * allowed / sum.magnitude)
          }
          return pass == 0 || !factors[k].isEmpty
        }
        workLeft -= variant.work
      }
      let changed = factors.indices.filter { factors[$0].excludesZero }
      if factors.contains(where: \.isEmpty) || !changed.contains(where: { factors[$0].count > 2 }) {
        continue
      }
      var scaled = variant
      for k in changed {
        let factor = 1 + factors[k].middle
        for c in 0..<variant.givenPerGroup {
          let start = variant.plane(made: k, c) * variant.taps
          for tap in start..<start + variant.taps { scaled.filter[tap] *= factor }
        }
        if !beforeBias { scaled.bias[k] *= factor }
      }
      let named = changed.prefix(4).map { "channel \($0) by \(short(1 + factors[$0].middle))" }
      let says =
        "the \(beforeBias ? "sums, without their bias, were" : "output was") multiplied: "
        + named.joined(separator: ", ")
        + (changed.count > 4 ? " and \(changed.count - 4) channels more" : "")
      let isZero =
        worst.allSatisfy { evidence.candidate[$0.place] == 0 }
        && changed.allSatisfy { factors[$0].contains(-1) || factors[$0].middle.magnitude < 0.01 }
      if let found = accept(scaled, [isZero ? .zeroRegion : .scaledOutput], says) { return found }
    }
    return nil
  }

  /// A number other than zero on the padding.
  mutating func paddingValue(_ variant: Variant) -> FoundMistake? {
    if variant.isTransposed || variant.rows.mode != .zeros { return nil }
    guard var ones = variant.outside else { return nil }
    for k in ones.bias.indices { ones.bias[k] = 0 }
    var number = Interval()
    for element in sampled(variant) {
      let (outside, weights) = ones.value(at: element.place)
      workLeft -= ones.terms
      if weights == 0 { continue }
      if outside.magnitude < 1e-6 * weights { continue }
      let rough = (element.error / outside).magnitude
      number.meet(
        element.error / outside,
        (element.allowed + tolerance.at(0, absolute: rough * weights)) / outside.magnitude)
    }
    if number.count < 2 || number.isEmpty || !number.excludesZero { return nil }
    guard var changed = variant.padded(mirrored: false) else { return nil }
    for place in changed.image.indices where ones.image[place] == 1 { changed.image[place] = number.middle }
    return accept(
      changed, [.wrongPaddingMode], "the padding was \(short(number.middle)) and not zero")
  }

  /// A factor that all elements have in common, of the sums with or without their bias.
  mutating func scaled(_ variant: Variant) -> FoundMistake? {
    let elements = sampled(variant)
    let wrong = elements.filter { !$0.isReproduced }
    let affected = Set(wrong.map { variant.element(at: $0.place).made })
    for beforeBias in hasBias ? [false, true] : [false] {
      func sum(_ element: Sampled) -> Double {
        element.value - (beforeBias ? variant.bias[variant.element(at: element.place).made] : 0)
      }
      guard
        let best = wrong.max(by: {
          sum($0).magnitude * $1.allowed < sum($1).magnitude * $0.allowed
        }), sum(best) != 0
      else { return nil }
      let rough = 1 + best.error / sum(best)
      let slack = max(1, rough.magnitude)
      var factor = Interval()
      var telling = 0
      for element in elements where affected.contains(variant.element(at: element.place).made) {
        let sum = sum(element)
        if sum.magnitude <= 10 * element.allowed { continue }
        telling += 1
        factor.meet(1 + element.error / sum, slack * element.allowed / sum.magnitude)
      }
      if telling < 3 || factor.isEmpty || !factor.middle.isFinite { continue }
      for made in [Set(0..<variant.made), affected] {
        var changed = variant
        for k in made {
          for c in 0..<variant.givenPerGroup {
            let start = variant.plane(made: k, c) * variant.taps
            for tap in start..<start + variant.taps { changed.filter[tap] *= factor.middle }
          }
          if !beforeBias { changed.bias[k] *= factor.middle }
        }
        let only = made.count == variant.made ? "" : " in output channel \(list(made.sorted()))"
        let says =
          "the \(beforeBias ? "sums, without their bias, were" : "output was") multiplied by "
          + "\(short(factor.middle))\(only)"
        // No factor but noise: nothing was computed.
        let mistake =
          wrong.allSatisfy { evidence.candidate[$0.place] == 0 } ? Mistake.zeroRegion : .scaledOutput
        if let found = accept(changed, [mistake], says) { return found }
      }
    }
    return nil
  }
}
