import Convolution

/// Products that are missing from sums, or are in them twice: taps, channels, the rest of a division.
extension MistakeSearch {
  /// The most products of an element that are told apart, for their memory.
  private static var mostTerms: Int { 1 << 20 }

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
      slots: Dictionary((0..<variant.givenPerGroup).map { (variant.channel(made: made, $0), $0) }) {
        first, _ in
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
    /// The sentence, which few of them need.
    let says: () -> String
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
      _ mistake: Mistake, _ what: @escaping @autoclosure () -> String, _ sum: @escaping (Products) -> Double,
      _ holds: @escaping (Int, Int, Int) -> Bool
    ) {
      parts.append(
        Part(mistake: mistake, says: { what() + " left out" }, change: { -sum($0) }, holds: holds, factor: 0))
      parts.append(
        Part(mistake: mistake, says: { what() + " counted twice" }, change: sum, holds: holds, factor: 2))
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

  mutating func missingTaps(_ variant: Variant, _ errors: [Sampled]) -> FoundMistake? {
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
    let parts = parts(of: variant)
    // Each takes as long as some multiply-adds.
    workLeft -= saturatingProduct(256, parts.count)
    for part in parts {
      let fits = wrong.allSatisfy { $0.0.isExplained(by: part.change($0.1)) }
      if !fits { continue }
      if let found = attempt(part.mistake, part.says(), part.factor, part.holds) { return found }
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
      if let found = attempt(part.mistake, part.says(), 0, part.holds) { return found }
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
              says: {
                "the \(ending ? "last" : "first") \(step) of \(terms) products of each sum, "
                  + "\(order), were left out"
              }, change: { _ in 0 },
              holds: { _, c, tap in
                let position = byChannel ? c * taps + tap : tap * slots + c
                return ending ? position >= terms - step : position < step
              }, factor: 0))
        }
      }
    }
    return parts
  }
}
