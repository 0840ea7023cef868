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
      ?? scaled(variant)
  }

  /// The products of a sampled element.
  private struct Products {
    /// Sums of them by tap, and by given channel.
    var byTap: [Double]
    var byChannel: [Int: Double] = [:]
    func rows(_ u: Int, width: Int) -> Double { byTap[u * width..<(u + 1) * width].reduce(0, +) }
    func column(_ v: Int, width: Int) -> Double {
      stride(from: v, to: byTap.count, by: width).reduce(0) { $0 + byTap[$1] }
    }
  }

  private mutating func products(_ variant: Variant, _ place: Int) -> Products {
    var products = Products(byTap: [Double](repeating: 0, count: variant.taps))
    var bySlot = [Double](repeating: 0, count: variant.givenPerGroup)
    variant.forEachProduct(at: place) { c, weight, factor, pixel in
      products.byTap[weight % variant.taps] += factor * pixel
      bySlot[c] += factor * pixel
    }
    let made = variant.element(at: place).made
    for (c, sum) in bySlot.enumerated() {
      products.byChannel[variant.channel(made: made, c), default: 0] += sum
    }
    workLeft -= 2 * variant.terms
    return products
  }

  private mutating func missingTaps(_ variant: Variant, _ errors: [Sampled]) -> FoundMistake? {
    if variant.terms > Self.mostTerms {
      isCurtailed = true
      return nil
    }
    let allWrong = errors.filter { !$0.isReproduced }
    let affected = Set(allWrong.map { variant.element(at: $0.place).made })
    let wrong = allWrong.prefix(10).map { ($0, self.products(variant, $0.place)) }
    let width = variant.columns.taps
    func fits(_ part: (Products) -> Double) -> Bool {
      wrong.allSatisfy { ($0.0.error + part($0.1)).magnitude <= $0.0.allowed }
    }
    func name(_ u: Int, _ v: Int) -> String {
      isFlipped ? "[\(variant.rows.taps - 1 - u), \(width - 1 - v)]" : "[\(u), \(v)]"
    }
    /// Tries the mistake in all output channels, then only in those in which the sample shows it.
    func attempt(
      _ mistake: Mistake, _ what: String, _ leaves: (_ channel: Int, _ c: Int, _ tap: Int) -> Bool
    )
      -> FoundMistake?
    {
      for made in [Set(0..<variant.made), affected] {
        var changed = variant
        for k in made {
          for c in 0..<variant.givenPerGroup {
            for tap in 0..<variant.taps where leaves(variant.channel(made: k, c), c, tap) {
              changed.filter[variant.plane(made: k, c) * variant.taps + tap] = 0
            }
          }
        }
        let only = made.count == variant.made ? "" : " in output channel \(list(made.sorted()))"
        if let found = accept(changed, [mistake], what + only) { return found }
        if made == affected { break }
      }
      return nil
    }
    if variant.taps > 1 {
      for tap in 0..<variant.taps where fits({ $0.byTap[tap] }) {
        let says = "tap \(name(tap / width, tap % width)) was left out"
        if let found = attempt(.missingTap, says, { $2 == tap }) { return found }
      }
      for u in 0..<variant.rows.taps where width > 1 && fits({ $0.rows(u, width: width) }) {
        let says = "row \(isFlipped ? variant.rows.taps - 1 - u : u) of the taps was left out"
        if let found = attempt(.missingTap, says, { $2 / width == u }) { return found }
      }
      for v in 0..<width where variant.rows.taps > 1 && fits({ $0.column(v, width: width) }) {
        let says = "column \(isFlipped ? width - 1 - v : v) of the taps was left out"
        if let found = attempt(.missingTap, says, { $2 % width == v }) { return found }
      }
    }
    if variant.given > 1 {
      for channel in Set(wrong.flatMap { $0.1.byChannel.keys }).sorted()
      where fits({ $0.byChannel[channel] ?? 0 }) {
        let says = "channel \(channel) of the image was left out"
        if let found = attempt(.missingChannel, says, { (other, _, _) in other == channel }) { return found }
      }
    }
    if let k = affected.first, affected.count == 1, let first = wrong.first, variant.taps > 1,
      variant.givenPerGroup > 1
    {
      var fitting: [(c: Int, tap: Int)] = []
      variant.forEachProduct(at: first.0.place) { c, weight, factor, pixel in
        if (first.0.error + factor * pixel).magnitude <= first.0.allowed {
          fitting.append((c, weight % variant.taps))
        }
      }
      for (c, tap) in fitting.prefix(16) {
        let says =
          "tap \(name(tap / width, tap % width)) of image channel \(variant.channel(made: k, c)) was left out"
        if let found = attempt(.missingTap, says, { $1 == c && $2 == tap }) { return found }
      }
    }
    return nil
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
    let slots = wrong.map { element -> [Int: Int] in
      let made = variant.element(at: element.place).made
      return Dictionary((0..<perGroup).map { (variant.channel(made: made, $0), $0) }) { first, _ in first }
    }
    for i in 0..<given {
      for j in i + 1..<max(given, i + 1) {
        let fits = wrong.indices.allSatisfy { index in
          var change = 0.0
          if let slot = slots[index][i] { change += sums[index][slot][j] - sums[index][slot][i] }
          if let slot = slots[index][j] { change += sums[index][slot][i] - sums[index][slot][j] }
          return (wrong[index].error - change).magnitude <= 2 * wrong[index].allowed
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
    return nil
  }

  /// Another number in place of a channel's bias: the errors of the channel have a number in common.
  private mutating func wrongBias(_ variant: Variant) -> FoundMistake? {
    var intervals = [Interval](repeating: Interval(), count: variant.made)
    for element in sampled(variant) {
      intervals[variant.element(at: element.place).made].meet(element.error, element.allowed)
    }
    if intervals.contains(where: \.isEmpty) { return nil }
    if !intervals.contains(where: { $0.count > 1 && $0.excludesZero }) { return nil }
    if variant.work > workLeft / 2 {
      isCurtailed = true
      return nil
    }
    intervals = [Interval](repeating: Interval(), count: variant.made)
    variant.forEachElement { place, value, absolute in
      if !evidence.isComparable(place) { return true }
      let k = variant.element(at: place).made
      intervals[k].meet(evidence.candidate[place] - value, allowed(place, value, absolute))
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

  private func describeBias(_ changed: [Int], _ differences: [Double]) -> String {
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
        if let found = accept(changed, [.scaledOutput], says) { return found }
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

  mutating func meet(_ value: Double, _ error: Double) {
    least = max(least, value - error)
    most = min(most, value + error)
    count += 1
  }
}
