import Convolution

/// Mistakes that show in the output alone: elements at other places, regions.
extension MistakeSearch {
  /// Whether the exact value of `source` stands at `place`.
  private func holds(_ place: Int, valueOf source: Int) -> Bool {
    if !evidence.exact[source].isFinite || !evidence.allowed[source].isFinite { return false }
    return (evidence.candidate[place] - evidence.exact[source]).magnitude <= evidence.allowed[source]
  }

  /// The channels of the output in another order, with their own biases or with those of their places; or the images of the
  /// batch.
  mutating func swappedOutputChannels() -> FoundMistake? {
    for ownBias in hasBias ? [true, false] : [true] {
      guard let order = permutation(count: base.made, size: base.madePlane, ownBias: ownBias) else {
        continue
      }
      let moved = order.indices.filter { order[$0] != $0 }
      var variant = base
      variant.madeOrder = order
      if !ownBias { for k in moved { variant.bias[order[k]] = base.bias[k] } }
      let says = describe(order, "channel") + (ownBias ? "" : ", the biases at their places")
      if let found = accept(variant, [.swappedOutputChannels], says) { return found }
    }
    if let order = permutation(count: base.batch, size: base.madePlane * base.made, ownBias: true) {
      var variant = base
      let size = base.given * base.givenPlane
      if order.count * size > workLeft { return nil }
      workLeft -= order.count * size
      for (n, other) in order.enumerated() where n != other {
        variant.image.replaceSubrange(
          n * size..<(n + 1) * size, with: base.image[other * size..<(other + 1) * size])
      }
      return accept(variant, [.swappedOutputChannels], describe(order, "image"))
    }
    return nil
  }

  private func describe(_ order: [Int], _ name: String) -> String {
    let moved = order.indices.filter { order[$0] != $0 }
    if moved.count == 2 { return "\(name)s \(moved[0]) and \(moved[1]) of the output were exchanged" }
    return "\(name)s of the output stand in another order: "
      + moved.prefix(4).map { "\(name) \(order[$0]) at \($0)" }.joined(separator: ", ")
      + (moved.count > 4 ? " and \(moved.count - 4) more" : "")
  }

  /// The order in which `count` parts of the output, `size` elements each and repeated over it, stand; nil if they don't.
  private mutating func permutation(count: Int, size: Int, ownBias: Bool) -> [Int]? {
    if count < 2 || count > 4096 { return nil }
    /// Some elements of each part, wrong ones first.
    var looked = [[Int]](repeating: [], count: count)
    var isWrong = [Bool](repeating: false, count: count)
    let wrong = evidence.finiteRefuted
    for place in wrong { isWrong[place / size % count] = true }
    var byPart = [[Int]](repeating: [], count: count)
    for place in wrong { byPart[place / size % count].append(place) }
    for k in 0..<count where isWrong[k] {
      looked[k] = spread(byPart[k], 12)
      for index in 0..<min(size, 12) {
        let place = k * size + index * size / min(size, 12)
        if evidence.isComparable(place) { looked[k].append(place) }
      }
    }
    func holds(_ k: Int, _ other: Int) -> Bool {
      let offset = ownBias ? 0 : base.bias[k] - base.bias[other]
      return looked[k].allSatisfy { place in
        let source = place + (other - k) * size
        if !evidence.exact[source].isFinite { return true }
        let error = (evidence.candidate[place] - (evidence.exact[source] + offset)).magnitude
        return error <= 2 * (evidence.allowed[source] + evidence.allowed[place])
      }
    }
    workLeft -= saturatingProduct(count, count)
    let free = (0..<count).filter { isWrong[$0] }
    // Parts that look alike where they were looked at may take each other's places.
    var possible: [Int: [Int]] = [:]
    for k in free {
      let others = free.filter { $0 != k && holds(k, $0) }
      if others.isEmpty { return nil }
      possible[k] = others
    }
    var (order, taken) = (Array(0..<count), Set<Int>())
    for k in free.sorted(by: { (possible[$0]?.count ?? 0, $0) < (possible[$1]?.count ?? 0, $1) }) {
      guard let other = possible[k]?.first(where: { !taken.contains($0) }) else { return nil }
      order[k] = other
      taken.insert(other)
    }
    return free.isEmpty ? nil : order
  }

  /// Elements beyond their bounds that all are zero, or all are their bias.
  func zeroRegion() -> FoundMistake? {
    let places = evidence.finiteRefuted
    return zeroRegion(places)
  }

  func zeroRegion(_ places: [Int]) -> FoundMistake? {
    if places.isEmpty { return nil }
    if places.allSatisfy({ evidence.candidate[$0] == 0 }) {
      let isRectified =
        places.count > 1 && places.allSatisfy { evidence.exact[$0] < 0 }
        && (0..<evidence.candidate.count).allSatisfy { !(evidence.candidate[$0] < 0) }
      return FoundMistake(
        mistakes: [.zeroRegion],
        says: isRectified
          ? "zeros stand for all negative elements, as after a ReLU: in \(region(places))"
          : "zeros stand in \(region(places))", residual: residualOfRight(), reproduction: nil)
    }
    let isBias =
      hasBias
      && places.allSatisfy {
        let bias = base.bias[base.element(at: $0).made]
        return (evidence.candidate[$0] - bias).magnitude <= evidence.allowed[$0]
      }
    if !isBias { return nil }
    return FoundMistake(
      mistakes: [.zeroRegion], says: "nothing but the bias stands in \(region(places))",
      residual: residualOfRight(), reproduction: nil)
  }

  /// On top of `variant`, few places that hold zeros or anything.
  mutating func region(on variant: Variant) -> FoundMistake? {
    let errors = sampled(variant, first: 16)
    let reproduced = errors.count { $0.isReproduced }
    // Zeros may be part of the region.
    let wrong = errors.count { !$0.isReproduced && evidence.candidate[$0.place] != 0 }
    if reproduced < 3 || 4 * wrong > reproduced { return nil }
    let comparison = compare(variant, most: variant.count / 2)
    let places = comparison.differing
    if places.isEmpty || places.count > variant.count / 2 || !comparison.remark.isEmpty { return nil }
    // The variant must explain something that was wrong.
    if evidence.refuted.count - places.count < max(4, evidence.refuted.count / 8) { return nil }
    guard var found = zeroRegion(places) ?? scattered(places) else { return nil }
    found.residual = max(found.residual, comparison.residual)
    return found
  }

  /// The exact values some rows and columns, or some elements, further on.
  mutating func shiftedOutput() -> FoundMistake? {
    let (rows, columns) = (base.rows.made, base.columns.made)
    var shifts: [(down: Int, right: Int)] = []
    for down in -3...3 { for right in -3...3 where (down, right) != (0, 0) { shifts.append((down, right)) } }
    shifts.sort { $0.down.magnitude + $0.right.magnitude < $1.down.magnitude + $1.right.magnitude }
    for (down, right) in shifts {
      let says =
        "the output stands \(down) rows and \(right) columns further on; what moved in was not compared"
      if let found = shifted(
        says,
        { place in
          let (plane, within) = place.quotientAndRemainder(dividingBy: rows * columns)
          let (row, column) = (within / columns - down, within % columns - right)
          if row < 0 || row >= rows || column < 0 || column >= columns { return nil }
          return plane * rows * columns + row * columns + column
        })
      {
        return found
      }
    }
    for offset in [1, -1, 2, -2, 3, -3] {
      if let found = shifted(
        "the output stands \(offset) elements further on in memory; what moved in was not compared",
        { place in
          let source = place - offset
          return source >= 0 && source < evidence.candidate.count ? source : nil
        })
      {
        return found
      }
    }
    return nil
  }

  private func shifted(_ says: String, _ source: (Int) -> Int?) -> FoundMistake? {
    for place in sample {
      if let source = source(place), !holds(place, valueOf: source) { return nil }
    }
    var (compared, refuted, residual) = (0, 0, 0.0)
    for place in 0..<evidence.candidate.count where evidence.isComparable(place) {
      guard let source = source(place) else { continue }
      if !holds(place, valueOf: source) { return nil }
      compared += 1
      if evidence.isRefuted(place) { refuted += 1 }
      let distance = (evidence.candidate[place] - evidence.exact[source]).magnitude
      if distance > 0 { residual = max(residual, distance / evidence.allowed[source]) }
    }
    if refuted < 2 || 4 * compared < evidence.candidate.count || 4 * refuted < evidence.refuted.count {
      return nil
    }
    return FoundMistake(mistakes: [.shiftedOutput], says: says, residual: residual, reproduction: nil)
  }

  /// Wrong elements, run by run along the rows, that are the exact values of other places.
  mutating func staleRegion() -> FoundMistake? {
    let places = evidence.finiteRefuted
    if places.count < 2 { return nil }
    let width = base.columns.made
    let exact = evidence.exact
    // Outputs that repeat themselves everywhere would be compared with themselves without end.
    var comparisons = 1 << 24
    func matches(_ place: Int, _ among: some Collection<Int>) -> [Int] {
      comparisons -= among.count
      return among.filter { $0 != place && holds(place, valueOf: $0) }
    }
    func offset(_ matches: [Int], _ run: ArraySlice<Int>) -> Int? {
      let first = run[run.startIndex]
      for source in matches.sorted(by: { ($0 - first).magnitude < ($1 - first).magnitude }) {
        let offset = source - first
        let all = run.allSatisfy {
          comparisons -= 1
          let source = $0 + offset
          return source >= 0 && source < exact.count && holds($0, valueOf: source)
        }
        if all { return offset }
        if comparisons < 0 { return nil }
      }
      return nil
    }
    let everywhere = 0..<exact.count
    // Most candidates hold the first element nowhere else.
    let firstMatches = matches(places[0], everywhere)
    if firstMatches.isEmpty { return nil }
    if let offset = offset(firstMatches, places[...]) {
      return FoundMistake(
        mistakes: [.staleRegion],
        says: "\(region(places)) repeats \(describe(offset: offset, from: places[0]))",
        residual: residualOfRight(), reproduction: nil)
    }
    // Row by row: each run of wrong elements may repeat another place.
    let sorted = everywhere.filter { exact[$0].isFinite && evidence.allowed[$0].isFinite }.sorted {
      exact[$0] < exact[$1]
    }
    let widest = sorted.reduce(0) { max($0, evidence.allowed[$1]) }
    func near(_ value: Double) -> ArraySlice<Int> {
      func first(_ isBelow: (Double) -> Bool) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
          let middle = (low + high) / 2
          if isBelow(exact[sorted[middle]]) { low = middle + 1 } else { high = middle }
        }
        return low
      }
      return sorted[first { $0 < value - widest }..<first { $0 <= value + widest }]
    }
    var start = 0
    var firstOffset: Int?
    var explained = 0
    while start < places.count {
      if comparisons < 0 {
        isCurtailed = true
        return nil
      }
      var end = start + 1
      while end < places.count && places[end] == places[end - 1] + 1
        && places[end] / width == places[start] / width
      {
        end += 1
      }
      let run = places[start..<end]
      let candidates = matches(places[start], near(evidence.candidate[places[start]]).prefix(4096))
      guard let offset = offset(candidates, run) else { return nil }
      firstOffset = firstOffset ?? offset
      explained += run.count > 1 ? 1 : 0
      start = end
    }
    guard let firstOffset, explained > 0 else { return nil }
    return FoundMistake(
      mistakes: [.staleRegion],
      says: "each row of \(region(places)) repeats other outputs, the first of them "
        + describe(offset: firstOffset, from: places[0]),
      residual: residualOfRight(), reproduction: nil)
  }

  private func describe(offset: Int, from place: Int) -> String {
    let (there, here) = (natural(place + offset), natural(place))
    var parts: [String] = []
    if there.n != here.n { parts.append("image \(there.n) of the batch and not \(here.n)") }
    if there.made != here.made { parts.append("channel \(there.made) and not \(here.made)") }
    if there.row != here.row { parts.append("row \(there.row) and not \(here.row)") }
    if there.column != here.column { parts.append("column \(there.column) and not \(here.column)") }
    return parts.joined(separator: ", ")
  }

  func natural(_ place: Int) -> (n: Int, made: Int, row: Int, column: Int) { base.element(at: place) }

  /// Few wrong elements, no two of them side by side.
  func scattered() -> FoundMistake? { scattered(evidence.finiteRefuted) }

  func scattered(_ places: [Int]) -> FoundMistake? {
    if places.isEmpty || places.count > max(1, min(8, evidence.candidate.count / 16)) { return nil }
    if !exceedsTransforms(places) { return nil }
    let all = Set(places)
    let isScattered =
      places.count == 1
      || places.allSatisfy { place in
        let (_, _, row, column) = natural(place)
        let width = base.columns.made
        return !(column + 1 < width && all.contains(place + 1))
          && !(row + 1 < base.rows.made && all.contains(place + width))
      }
    if !isScattered { return nil }
    let named = places.prefix(4).map {
      "\(describe($0)) is \(short(evidence.candidate[$0])) and not \(short(evidence.exact[$0]))"
    }
    return FoundMistake(
      mistakes: [.singleElement],
      says: (places.count == 1
        ? "one element alone is wrong: " : "\(places.count) elements apart are wrong: ")
        + named.joined(separator: ", "),
      residual: residualOfRight(), reproduction: nil)
  }

  /// Whether some of these errors are more than transforms make of the largest elements, where these have small sums.
  func exceedsTransforms(_ places: [Int]) -> Bool {
    if arithmetic?.noise ?? .sums != .sums { return true }
    let widest = evidence.allowed.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
    let noise = 64 / Double(base.terms + 1) * widest
    return places.contains { (evidence.candidate[$0] - evidence.exact[$0]).magnitude > noise }
  }

  /// Elements that all are numbers of a shorter format, or are so before their bias was added, within the bound of sums formed
  /// in it.
  func shortAccumulation() -> FoundMistake? {
    var formats: [(String, Double, (Double) -> Double)] = [
      ("bfloat16", 0x1p-8, { ShortRounding.bfloat16($0) }),
      ("float16", 0x1p-11, { ShortRounding.float16($0) }),
    ]
    if isDouble { formats.append(("float32", 0x1p-24, { Double(Float($0)) })) }
    for beforeBias in hasBias ? [false, true] : [false] {
      for (name, roundoff, round) in formats {
        if let found = shortAccumulation(name, roundoff, round, beforeBias: beforeBias) { return found }
      }
    }
    return nil
  }

  private func shortAccumulation(
    _ name: String, _ roundoff: Double, _ round: (Double) -> Double, beforeBias: Bool
  ) -> FoundMistake? {
    let n = Double(base.terms + 1)
    var (once, telling, residual) = (true, 0, 0.0)
    for place in 0..<evidence.candidate.count where evidence.isComparable(place) {
      let bias = beforeBias ? base.bias[base.element(at: place).made] : 0
      let (value, exact) = (evidence.candidate[place], evidence.exact[place] - bias)
      let sum = round(value - bias)
      if isDouble ? sum + bias != value : Double(Float(sum + bias)) != value { return nil }
      if (isDouble ? exact : Double(Float(exact))) != round(exact) { telling += 1 }
      if (sum - exact).magnitude > 1.01 * roundoff * exact.magnitude + 0x1p-24 { once = false }
    }
    if telling < 4 { return nil }
    // The theorem's bound holds next to anything where sums are long; rounding errors mostly stay far below it, but
    // where sums of one sign stop growing.
    var (squares, limit, isShrunk) = (0.0, 0.0, true)
    let isBounded = sample.allSatisfy { place in
      let absolute = base.value(at: place).absolute
      squares +=
        (evidence.candidate[place] - evidence.exact[place])
        * (evidence.candidate[place] - evidence.exact[place])
      limit += absolute * absolute
      isShrunk = isShrunk && evidence.candidate[place].magnitude <= evidence.exact[place].magnitude
      let bound = n * roundoff * absolute + n * 0x1p-25 + evidence.allowed[place]
      let error = (evidence.candidate[place] - evidence.exact[place]).magnitude
      residual = max(residual, error / bound)
      return error <= bound
    }
    if !isBounded || !isShrunk && squares > 64 * roundoff * roundoff * limit { return nil }
    let what = beforeBias ? "all elements less their bias" : "all elements"
    return FoundMistake(
      mistakes: [.shortAccumulation],
      says: once
        ? "\(what) are \(name) numbers, the exact values rounded once"
        : "\(what) are \(name) numbers, and as far off as sums formed in \(name) are",
      residual: residual, reproduction: nil)
  }

  /// Elements that all are the whole numbers next to the exact values.
  func wholeNumbers() -> FoundMistake? {
    var (isCut, telling, residual) = (true, 0, 0.0)
    for place in 0..<evidence.candidate.count where evidence.isComparable(place) {
      let (value, exact) = (evidence.candidate[place], evidence.exact[place])
      let allowed = evidence.allowed[place]
      if value.rounded() != value || (value - exact).magnitude > 1 + allowed { return nil }
      residual = max(residual, (value - exact).magnitude / (1 + allowed))
      if value.magnitude > exact.magnitude + allowed { isCut = false }
      telling += value == 0 ? 0 : 1
    }
    if telling < 2 { return nil }
    return FoundMistake(
      mistakes: [.shortAccumulation],
      says: "all elements are whole numbers, the exact values " + (isCut ? "cut off" : "rounded"),
      residual: residual, reproduction: nil)
  }
}
