import Convolution

/// Mistakes whose numbers follow from the errors: which tap, which channel, how much.
extension MistakeSearch {
  /// The most products of an element that are told apart, for their memory.
  private static var mostTerms: Int { 1 << 20 }

  /// The mistake that, on top of `variant`, reproduces the candidate.
  mutating func solved(on variant: Variant) -> FoundMistake? {
    let errors = sampled(variant)
    // An output that the variant explains elsewhere, or one that nothing here explains.
    if errors.allSatisfy(\.isReproduced) { return nil }
    return missingTaps(variant, errors) ?? swappedInputChannels(variant, errors) ?? wrongBias(variant)
      ?? scaled(variant) ?? scaledChannels(variant) ?? paddingValue(variant)
  }

  /// The products of an element.
  struct Products {
    /// Sums of them by tap, by the place of the given channel in its group, and all of them in the order of the filter.
    var byTap: [Double]
    var bySlot: [Double]
    var all: [Double]
    /// The place in the group of each given channel that is read.
    let slots: [Int: Int]
  }

  mutating func products(_ variant: Variant, _ place: Int) -> Products {
    let made = variant.element(at: place).made
    var products = Products(
      byTap: [Double](repeating: 0, count: variant.taps),
      bySlot: [Double](repeating: 0, count: variant.givenPerGroup),
      all: [Double](repeating: 0, count: variant.terms),
      slots: Dictionary((0..<variant.givenPerGroup).map { (variant.channel(made: made, $0), $0) }) { first, _ in
        first
      })
    variant.forEachProduct(at: place) { c, weight, factor, pixel in
      let tap = weight % variant.taps
      products.byTap[tap] += factor * pixel
      products.bySlot[c] += factor * pixel
      products.all[c * variant.taps + tap] = factor * pixel
    }
    workLeft -= 2 * variant.terms
    return products
  }

  /// Products that may be missing from sums, or be in them twice.
  struct Part {
    let mistake: Mistake
    let says: String
    /// What it changes in an element.
    let change: (Products) -> Double
    /// Whether a product is one of them.
    let holds: (_ channel: Int, _ slot: Int, _ tap: Int) -> Bool
    /// What their weights were multiplied by.
    let factor: Double
  }

  /// Every tap, row and column of taps, image channel and place of a channel in its group, left out or counted twice.
  func parts(of variant: Variant) -> [Part] {
    let (rows, width) = (variant.rows.taps, variant.columns.taps)
    var parts: [Part] = []
    func add(
      _ mistake: Mistake, _ what: String, _ sum: @escaping (Products) -> Double,
      _ holds: @escaping (Int, Int, Int) -> Bool
    ) {
      parts.append(
        Part(mistake: mistake, says: what + " left out", change: { -sum($0) }, holds: holds, factor: 0))
      parts.append(
        Part(mistake: mistake, says: what + " counted twice", change: sum, holds: holds, factor: 2))
    }
    if variant.taps > 1 {
      for tap in 0..<variant.taps {
        add(.missingTap, "tap \(name(tap, variant)) was", { $0.byTap[tap] }, { $2 == tap })
      }
      for u in 0..<rows where width > 1 && rows > 1 {
        add(
          .missingTap, "row \(isFlipped ? rows - 1 - u : u) of the taps was",
          { $0.byTap[u * width..<(u + 1) * width].reduce(0, +) }, { $2 / width == u })
      }
      for v in 0..<width where rows > 1 && width > 1 {
        add(
          .missingTap, "column \(isFlipped ? width - 1 - v : v) of the taps was",
          { products in stride(from: v, to: rows * width, by: width).reduce(0) { $0 + products.byTap[$1] } },
          { $2 % width == v })
      }
    }
    if variant.given > 1 && variant.given <= 4096 {
      for channel in 0..<variant.given {
        add(
          .missingChannel, "channel \(channel) of the image was",
          { products in products.slots[channel].map { products.bySlot[$0] } ?? 0 },
          { (other, _, _) in other == channel })
      }
    }
    if variant.channels.groups > 1 && variant.givenPerGroup > 1 {
      for slot in 0..<variant.givenPerGroup {
        add(
          .missingChannel, "channel \(slot) of each group was", { $0.bySlot[slot] },
          { (_, other, _) in other == slot })
      }
    }
    return parts
  }

  /// A tap's indices in the filter as it was given.
  private func name(_ tap: Int, _ variant: Variant) -> String {
    let place = isFlipped ? variant.taps - 1 - tap : tap
    return "[\(place / variant.columns.taps), \(place % variant.columns.taps)]"
  }

  private mutating func missingTaps(_ variant: Variant, _ errors: [Sampled]) -> FoundMistake? {
    if variant.terms > Self.mostTerms {
      isCurtailed = true
      return nil
    }
    let allWrong = errors.filter { !$0.isReproduced }
    let affected = Set(allWrong.map { variant.element(at: $0.place).made })
    let wrong = allWrong.prefix(10).map { ($0, self.products(variant, $0.place)) }
    /// Tries the mistake in all output channels, then only in those in which the sample shows it.
    func attempt(
      _ mistake: Mistake, _ what: String, _ factor: Double,
      _ holds: (_ channel: Int, _ c: Int, _ tap: Int) -> Bool
    ) -> FoundMistake? {
      for made in [Set(0..<variant.made), affected] {
        var changed = variant
        for k in made {
          for c in 0..<variant.givenPerGroup {
            for tap in 0..<variant.taps where holds(variant.channel(made: k, c), c, tap) {
              changed.filter[variant.plane(made: k, c) * variant.taps + tap] *= factor
            }
          }
        }
        let only = made.count == variant.made ? "" : " in output channel \(list(made.sorted()))"
        if let found = accept(changed, [mistake], what + only) { return found }
        if made == affected { break }
      }
      return nil
    }
    for part in parts(of: variant) {
      let fits = wrong.allSatisfy { $0.0.isExplained(by: part.change($0.1)) }
      if !fits { continue }
      if let found = attempt(part.mistake, part.says, part.factor, part.holds) { return found }
    }
    if let first = wrong.first, variant.taps > 1, variant.givenPerGroup > 1 {
      let k = variant.element(at: first.0.place).made
      let taps = variant.taps
      for factor in [0.0, 2] {
        let fitting = first.1.all.indices.lazy.filter { index in
          first.1.all[index] != 0
            && wrong.allSatisfy { $0.0.isExplained(by: (factor - 1) * $0.1.all[index]) }
        }
        for index in fitting.prefix(16) {
          let (c, tap) = (index / taps, index % taps)
          let says =
            "tap \(name(tap, variant)) of image channel \(variant.channel(made: k, c)) was "
            + (factor == 0 ? "left out" : "counted twice")
          if let found = attempt(.missingTap, says, factor, { $1 == c && $2 == tap }) { return found }
        }
      }
    }
    workLeft -= saturatingProduct(4, variant.terms, wrong.count)
    for part in shortSums(variant, wrong) {
      if let found = attempt(part.mistake, part.says, 0, part.holds) { return found }
    }
    return nil
  }

  /// Sums that may have ended early or begun late, in the order of the filter or with the channels side by side.
  private func shortSums(_ variant: Variant, _ wrong: [(Sampled, Products)]) -> [Part] {
    let (terms, taps, slots) = (variant.terms, variant.taps, variant.givenPerGroup)
    if wrong.isEmpty || terms < 3 { return [] }
    var parts: [Part] = []
    for byChannel in slots > 1 && taps > 1 ? [true, false] : [true] {
      for ending in [true, false] {
        var fitting = Set<Int>()
        for (index, (element, products)) in wrong.enumerated() {
          var (sum, fits) = (0.0, Set<Int>())
          for step in 1..<terms {
            let position = ending ? terms - step : step - 1
            let (c, tap) =
              byChannel ? (position / taps, position % taps) : (position % slots, position / slots)
            sum += products.all[c * taps + tap]
            if element.isExplained(by: -sum) { fits.insert(step) }
          }
          fitting = index == 0 ? fits : fitting.intersection(fits)
          if fitting.isEmpty { break }
        }
        for step in fitting.sorted().prefix(8) {
          let isChannels = byChannel && step >= taps
          let order = byChannel ? "channel by channel" : "tap by tap"
          parts.append(
            Part(
              mistake: isChannels ? .missingChannel : .missingTap,
              says: "the \(ending ? "last" : "first") \(step) of \(terms) products of each sum, "
                + "\(order), were left out", change: { _ in 0 },
              holds: { _, c, tap in
                let position = byChannel ? c * taps + tap : tap * slots + c
                return ending ? position >= terms - step : position < step
              }, factor: 0))
        }
      }
    }
    return parts
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
    workLeft -= saturatingProduct(16, given, given)
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
  private mutating func worstChannel(_ variant: Variant) -> [Sampled] {
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
    return accept(corrected, [.wrongBias], describeBias(changed, intervals.map(\.middle)))
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

  /// A factor for each output channel.
  private mutating func scaledChannels(_ variant: Variant) -> FoundMistake? {
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
      if factors.contains(where: \.isEmpty) || !changed.contains(where: { factors[$0].count > 2 }) { continue }
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
      let isZero = worst.allSatisfy { evidence.candidate[$0.place] == 0 }
        && changed.allSatisfy { factors[$0].contains(-1) || factors[$0].middle.magnitude < 0.01 }
      if let found = accept(scaled, [isZero ? .zeroRegion : .scaledOutput], says) { return found }
    }
    return nil
  }

  /// A number other than zero on the padding.
  private mutating func paddingValue(_ variant: Variant) -> FoundMistake? {
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
  private mutating func scaled(_ variant: Variant) -> FoundMistake? {
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
        let mistake = wrong.allSatisfy { evidence.candidate[$0.place] == 0 } ? Mistake.zeroRegion : .scaledOutput
        if let found = accept(changed, [mistake], says) { return found }
      }
    }
    return nil
  }
}

/// The numbers that several measurements have in common, each known to lie within an error.
struct Interval {
  private var least = -Double.infinity
  private var most = Double.infinity
  /// Measurements.
  private(set) var count = 0
  var isEmpty: Bool { !(least <= most) }
  var excludesZero: Bool { count > 0 && (least > 0 || most < 0) }
  var middle: Double { least / 2 + most / 2 }
  func contains(_ value: Double) -> Bool { least <= value && value <= most }

  mutating func meet(_ value: Double, _ error: Double) {
    least = max(least, value - error)
    most = min(most, value + error)
    count += 1
  }
}
