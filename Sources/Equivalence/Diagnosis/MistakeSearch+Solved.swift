import Convolution

/// Mistakes whose numbers follow from the errors: which tap, which channel, how much.
extension MistakeSearch {
  /// The mistake that, on top of `variant`, reproduces the candidate.
  mutating func solved(on variant: Variant) -> FoundMistake? {
    let errors = sampled(variant)
    // An output that the variant explains elsewhere, or one that nothing here explains.
    if errors.allSatisfy(\.isReproduced) { return nil }
    return missingTaps(variant, errors) ?? swappedInputChannels(variant, errors) ?? wrongBias(variant)
      ?? scaled(variant) ?? scaledChannels(variant) ?? paddingValue(variant)
  }

  private mutating func swappedInputChannels(_ variant: Variant, _ errors: [Sampled]) -> FoundMistake? {
    let (given, perGroup) = (variant.given, variant.givenPerGroup)
    let wrong = errors.filter { !$0.isReproduced }.prefix(4)
    let work = saturatingProduct(perGroup, given, variant.taps, wrong.count)
    if given < 2 { return nil }
    // The sums below are kept.
    if work > workLeft / 4 || saturatingProduct(perGroup, given, wrong.count) > 1 << 22 {
      isCurtailed = true
      return nil
    }
    workLeft -= work
    /// What filter plane `c` of an element makes of each given channel.
    let sums = wrong.map { element -> [[Double]] in
      var sums = [[Double]](repeating: [Double](repeating: 0, count: given), count: perGroup)
      let (n, made, row, column) = variant.element(at: element.place)
      for c in 0..<perGroup {
        let weights = variant.plane(made: made, c) * variant.taps
        variant.rows.forEachTap(of: row) { u, i in
          variant.columns.forEachTap(of: column) { v, j in
            let weight = variant.filter[weights + u * variant.columns.taps + v]
            let pixel = i * variant.columns.given + j
            for other in 0..<given {
              sums[c][other] += weight * variant.image[(n * given + other) * variant.givenPlane + pixel]
            }
          }
        }
      }
      return sums
    }
    /// Where in an element's group each given channel is read; −1 where it is not.
    let slots = wrong.map { element -> [Int] in
      let made = variant.element(at: element.place).made
      var slots = [Int](repeating: -1, count: given)
      for c in (0..<perGroup).reversed() { slots[variant.channel(made: made, c)] = c }
      return slots
    }
    // A pair of channels takes as long as some multiply-adds.
    workLeft -= saturatingProduct(64, given, given)
    for i in 0..<given {
      for j in i + 1..<max(given, i + 1) {
        let fits = wrong.indices.allSatisfy { index in
          var change = 0.0
          let (first, second) = (slots[index][i], slots[index][j])
          if first >= 0 { change += sums[index][first][j] - sums[index][first][i] }
          if second >= 0 { change += sums[index][second][i] - sums[index][second][j] }
          return wrong[index].isExplained(by: change)
        }
        if !fits { continue }
        var changed = variant
        for (slot, channel) in variant.reading.enumerated() {
          changed.reading[slot] = channel == i ? j : channel == j ? i : channel
        }
        if let found = accept(
          changed, [.swappedInputChannels], "channels \(i) and \(j) of the image were exchanged")
        {
          return found
        }
      }
    }
    for i in 0..<given {
      for j in 0..<given where i != j {
        let fits = wrong.indices.allSatisfy { index in
          let slot = slots[index][j]
          if slot < 0 { return false }
          let change = sums[index][slot][i] - sums[index][slot][j]
          return wrong[index].isExplained(by: change)
        }
        if !fits { continue }
        var changed = variant
        for slot in variant.reading.indices where variant.reading[slot] == j { changed.reading[slot] = i }
        if let found = accept(
          changed, [.swappedInputChannels], "channel \(i) of the image was read in place of channel \(j)")
        {
          return found
        }
      }
    }
    return nil
  }

  /// Some elements of the channel of the worst one, which a mistake in whole channels must explain.
  mutating func worstChannel(_ variant: Variant) -> [Sampled] {
    let plane = variant.madePlane
    let start = sample[0] / plane * plane
    return Evidence.spread(16, over: plane).map { start + $0 }.filter { evidence.isComparable($0) }.map {
      workLeft -= variant.terms
      let (value, absolute) = variant.value(at: $0)
      return Sampled(
        place: $0, value: value, error: evidence.candidate[$0] - value,
        allowed: allowed($0, value, absolute), slack: tolerance.at(evidence.candidate[$0], absolute: 0))
    }
  }

  /// Another number in place of a channel's bias: the errors of the channel have a number in common.
  private mutating func wrongBias(_ variant: Variant) -> FoundMistake? {
    var intervals = [Interval](repeating: Interval(), count: variant.made)
    for element in sampled(variant) {
      intervals[variant.element(at: element.place).made].meet(
        element.error, element.allowed + tolerance.at(element.error, absolute: element.error.magnitude))
    }
    if intervals.contains(where: \.isEmpty) { return nil }
    if !intervals.contains(where: { $0.count > 1 && $0.excludesZero }) && variant.count < 64 { return nil }
    var first = Interval()
    for element in worstChannel(variant) {
      first.meet(
        element.error, element.allowed + tolerance.at(element.error, absolute: element.error.magnitude))
    }
    if first.isEmpty || !first.excludesZero || first.count < 2 { return nil }
    if isSketch { return FoundMistake(mistakes: [.wrongBias], says: "", residual: 1, reproduction: nil) }
    if variant.work > workLeft / 2 {
      isCurtailed = true
      return nil
    }
    intervals = [Interval](repeating: Interval(), count: variant.made)
    variant.forEachElement { place, value, absolute in
      if !evidence.isComparable(place) { return true }
      let k = variant.element(at: place).made
      let error = evidence.candidate[place] - value
      // The other bias is a term of the sum as well.
      intervals[k].meet(
        error, allowed(place, value, absolute) + tolerance.at(error, absolute: error.magnitude))
      return !intervals[k].isEmpty
    }
    workLeft -= variant.work
    if intervals.contains(where: \.isEmpty) { return nil }
    let changed = intervals.indices.filter { intervals[$0].excludesZero }
    if !changed.contains(where: { intervals[$0].count > 1 }) { return nil }
    var corrected = variant
    for k in changed { corrected.bias[k] += intervals[k].middle }
    // Beside noise the bias itself may leave more of the errors than the number between them.
    let isMissing = hasBias && changed.allSatisfy { intervals[$0].contains(-base.bias[$0]) }
    return accept(
      corrected, [isMissing ? .missingBias : .wrongBias],
      isMissing
        ? "the bias was not added to channel \(list(changed))"
        : describeBias(changed, intervals.map(\.middle)))
  }

  func describeBias(_ changed: [Int], _ differences: [Double]) -> String {
    func isClose(_ k: Int, _ to: Double) -> Bool {
      (differences[k] - to).magnitude <= 1e-4 * max(to.magnitude, differences[k].magnitude)
    }
    let bias = base.bias
    let count = base.made
    var cause = ""
    if hasBias {
      if changed.allSatisfy({ isClose($0, bias[$0]) }) {
        cause = "the bias was added twice"
      } else if changed.allSatisfy({ isClose($0, -2 * bias[$0]) }) {
        cause = "the bias was subtracted"
      } else if changed.allSatisfy({ isClose($0, -bias[$0]) }) {
        cause = "the bias was not added to channel \(list(changed))"
      } else if changed.allSatisfy({ isClose($0, bias[($0 + 1) % count] - bias[$0]) }) {
        cause = "each channel got the bias of the next one"
      } else if changed.allSatisfy({ isClose($0, bias[($0 + count - 1) % count] - bias[$0]) }) {
        cause = "each channel got the bias of the one before"
      } else if changed.allSatisfy({ isClose($0, bias[0] - bias[$0]) }) {
        cause = "all channels got the bias of channel 0"
      } else if changed.count == 2, isClose(changed[0], bias[changed[1]] - bias[changed[0]]),
        isClose(changed[1], bias[changed[0]] - bias[changed[1]])
      {
        cause = "channels \(changed[0]) and \(changed[1]) exchanged their biases"
      }
    }
    let numbers = changed.prefix(4).map { "channel \($0) is off by \(short(differences[$0]))" }
    return (cause.isEmpty ? "a constant was added: " : cause + ": ") + numbers.joined(separator: ", ")
      + (changed.count > 4 ? " and \(changed.count - 4) channels more" : "")
  }
}
