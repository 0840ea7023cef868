import Convolution

/// The same search under other arithmetics than the claimed one: a flipped filter computed in TF32 is a flipped filter.
extension MistakeSearch {
  /// Looks for the mistake in the finite elements, from the narrowest arithmetic to the widest.
  mutating func search() -> FoundMistake {
    let changes = Change.all(of: base, hasBias: hasBias, isFlipped: isFlipped, isDouble: isDouble)
    let output = ShortFormat(of: evidence)
    let sums = AssumedArithmetic.sums(terms: base.terms, isDouble: isDouble, output: output)
    // Under a wide claim much looks alike: what fits a narrower one is more likely the truth.
    let isWide = widens(sums)
    if !isWide, let found = alone(changes) { return found }
    if let found = wholeNumbers() { return found }
    var narrow: [AssumedArithmetic] = []
    if isWide || output != nil {
      narrow.append(
        AssumedArithmetic(
          bound: sums, noise: .sums,
          says: output.map { "the result rounded to \($0.name)" } ?? ""))
    }
    narrow += AssumedArithmetic.formats(isDouble: isDouble, output: output).map {
      AssumedArithmetic(
        inputs: $0, bound: sums, noise: .sums,
        says: "image and filter rounded to \($0.name)" + (output.map { ", the result to \($0.name)" } ?? ""))
    }
    // Few elements tell where whole evaluations would take too long.
    var later: [AssumedArithmetic] = []
    for arithmetic in narrow {
      if base.work > Self.large {
        let sketch = under(arithmetic, isSketch: true) { $0.alone(changes) }
        if sketch.found == nil && sketch.share < 0.2 {
          later.append(arithmetic)
          continue
        }
      }
      let (found, residual, _) = under(arithmetic) { $0.alone(changes) }
      if let found { return found }
      // Nothing but the rounding of the result.
      if residual != nil, arithmetic.inputs == nil, let found = shortAccumulation() { return found }
    }
    if isWide, let found = alone(changes) { return found }
    if let found = pair(of: changes) { return found }
    var hasTriedFormats = false
    for arithmetic in AssumedArithmetic.noisy(sums, isDouble: isDouble)
    where !isWide || !widens(arithmetic.bound) {
      if arithmetic.noise == .shortFormats {
        // What is right but for a region, or of a short format, is so in a narrower arithmetic.
        if let foreign { return foreign }
        if !hasTriedFormats {
          if let found = shortAccumulation() { return found }
          for arithmetic in later {
            if let found = under(arithmetic, { $0.alone(changes) }).found { return found }
          }
          hasTriedFormats = true
        }
      }
      let (found, residual, _) = under(arithmetic) { $0.alone(changes) }
      if let found { return found }
      if let residual { return shortAccumulation() ?? noise(arithmetic, residual: residual) }
    }
    if let foreign { return foreign }
    for arithmetic in narrow {
      if let found = under(arithmetic, { $0.pair(of: changes) }).found { return found }
    }
    return unknown()
  }

  /// Whether what was claimed allows four times as much as a bound, over the sample.
  private func widens(_ bound: AssumedArithmetic.Bound) -> Bool {
    let ratios = sample.map { place in
      let (value, absolute) = base.value(at: place)
      return evidence.allowed[place]
        / (bound.ofSum * absolute + bound.ofValue * value.magnitude + bound.constant)
    }
    .sorted()
    return !ratios.isEmpty && ratios[ratios.count / 2] > 4
  }

  /// Multiply-adds from which on a few elements are looked at first.
  private static var large: Int { 1 << 22 }

  /// Searches under another arithmetic, beside the values that it has instead of the exact ones; as a sketch beside a few of
  /// them, spread over the output.
  ///
  /// - Returns: What was found, the worst ratio of a distance to the arithmetic's bound where every element is within it, and
  ///   the share of those that are of a sketch.
  private mutating func under(
    _ arithmetic: AssumedArithmetic, isSketch: Bool = false, _ look: (inout MistakeSearch) -> FoundMistake?
  ) -> (found: FoundMistake?, residual: Double?, share: Double) {
    var variant = base
    if let inputs = arithmetic.inputs {
      variant.image = base.image.map(inputs.round)
      variant.filter = base.filter.map(inputs.round)
      workLeft -= variant.image.count + variant.filter.count
      if variant.image == base.image && variant.filter == base.filter { return (nil, nil, 0) }
    }
    var exact = [Double](repeating: 0, count: variant.count)
    // Without inputs of its own, an arithmetic has the claim's sums.
    let isKnown = arithmetic.inputs == nil && absolutes != nil
    var allowed =
      (isKnown ? absolutes : nil) ?? [Double](repeating: isSketch ? .nan : 0, count: variant.count)
    var places: [Int] = []
    if isKnown {
      for place in exact.indices { exact[place] = evidence.exact[place] }
    } else if isSketch {
      places = Evidence.spread(192, over: variant.count)
      for place in Set(places + sample) {
        (exact[place], allowed[place]) = variant.value(at: place)
        workLeft -= variant.terms
      }
    } else {
      // The sums, and as much again for the search.
      if saturatingProduct(2, variant.work) > workLeft {
        isCurtailed = true
        return (nil, nil, 0)
      }
      workLeft -= variant.work
      variant.forEachElement { place, value, absolute in
        (exact[place], allowed[place]) = (value, absolute)
        return true
      }
      if arithmetic.inputs == nil { absolutes = allowed }
    }
    let largest = allowed.reduce(0) { max($0, $1.isFinite ? $1 : 0) }
    let bound = arithmetic.bound
    let constant = bound.ofLargest * largest + bound.constant
    for place in allowed.indices {
      allowed[place] =
        evidence.allowed[place].isFinite && evidence.exact[place].isFinite && allowed[place].isFinite
        ? bound.ofSum * allowed[place] + bound.ofValue * exact[place].magnitude + constant : .infinity
    }
    return exact.withUnsafeBufferPointer { exact in
      allowed.withUnsafeBufferPointer { allowed in
        let within = places.count { (evidence.candidate[$0] - exact[$0]).magnitude <= allowed[$0] }
        let share = Double(within) / Double(max(1, places.count))
        guard let evidence = Evidence(candidate: evidence.candidate, exact: exact, allowed: allowed) else {
          var residual = 0.0
          for place in exact.indices where allowed[place].isFinite && allowed[place] > 0 {
            let error = (evidence.candidate[place] - exact[place]).magnitude
            residual = max(residual, error / allowed[place])
          }
          let isShort = arithmetic.inputs != nil && !isSketch
          return (
            isShort
              ? FoundMistake(
                mistakes: [.shortInputs], says: arithmetic.says, residual: residual, reproduction: nil)
              : nil, residual, 1
          )
        }
        if evidence.nonfinite == evidence.refuted.count { return (nil, nil, share) }
        var search = MistakeSearch(
          variant, evidence, arithmetic, hasBias: hasBias, isFlipped: isFlipped, isDouble: isDouble,
          isSketch: isSketch, workLeft: workLeft)
        var found = look(&search)
        (workLeft, isCurtailed) = (search.workLeft, isCurtailed || search.isCurtailed)
        found?.note(arithmetic)
        search.foreign?.note(arithmetic)
        if let other = search.foreign, other.count < foreign?.count ?? .max { foreign = other }
        return (found, nil, share)
      }
    }
  }

  /// What to say where nothing is wrong but more noise than was claimed.
  private mutating func noise(_ arithmetic: AssumedArithmetic, residual: Double) -> FoundMistake {
    if arithmetic.noise == .transforms {
      var found = unknown()
      found.says = "no mistake but noise: \(arithmetic.says); " + found.says
      return found
    }
    return FoundMistake(
      mistakes: [.shortAccumulation], says: "no mistake but noise: \(arithmetic.says)",
      residual: residual, reproduction: nil)
  }
}

extension FoundMistake {
  /// Adds the arithmetic in which it was found.
  fileprivate mutating func note(_ arithmetic: AssumedArithmetic) {
    if !arithmetic.says.isEmpty { says += "; " + arithmetic.says }
    if arithmetic.inputs != nil && !mistakes.contains(.shortInputs) { mistakes.append(.shortInputs) }
  }
}
