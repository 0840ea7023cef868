import Convolution

/// Mistakes made in a part of the output, the rest being right.
extension MistakeSearch {
  /// The worst ratio of the elements within their bounds: what is left where the wrong ones were said to be what they are.
  func residualOfRight() -> Double {
    var residual = 0.0
    for place in 0..<evidence.candidate.count where evidence.isComparable(place) {
      let error = (evidence.candidate[place] - evidence.exact[place]).magnitude
      if error > residual * evidence.allowed[place] && error <= evidence.allowed[place] {
        residual = error / evidence.allowed[place]
      }
    }
    return residual
  }

  /// Something that all wrong elements have in common though others are right: a factor, an addend, what is missing from
  /// their sums, or other outputs added to them.
  mutating func localized() -> FoundMistake? {
    let places = evidence.finiteRefuted
    if places.count < 4 { return nil }
    return localScale(places) ?? localBias(places) ?? localTaps(places) ?? addedOutputs(places)
  }

  /// A factor of the wrong elements.
  private func localScale(_ places: [Int]) -> FoundMistake? {
    for beforeBias in hasBias ? [false, true] : [false] {
      func sum(_ place: Int) -> Double {
        evidence.exact[place] - (beforeBias ? base.bias[base.element(at: place).made] : 0)
      }
      func error(_ place: Int) -> Double { evidence.candidate[place] - evidence.exact[place] }
      guard let best = places.max(by: { sum($0).magnitude < sum($1).magnitude }), sum(best) != 0 else {
        return nil
      }
      let slack = max(1, (1 + error(best) / sum(best)).magnitude)
      var factor = Interval()
      for place in places where sum(place).magnitude > 10 * evidence.allowed[place] {
        factor.meet(error(place) / sum(place), slack * evidence.allowed[place] / sum(place).magnitude)
        if factor.isEmpty { break }
      }
      if factor.isEmpty || factor.count < 4 || !factor.excludesZero { continue }
      var residual = 0.0
      for place in places {
        let left = (error(place) - factor.middle * sum(place)).magnitude
        residual = max(residual, left / (2 * slack * evidence.allowed[place]))
      }
      if !(residual <= 1) { continue }
      return FoundMistake(
        mistakes: [.scaledOutput],
        says:
          "\(beforeBias ? "the sums, without their bias, were" : "the output was") multiplied by "
          + "\(short(1 + factor.middle)) in \(region(places))",
        residual: max(residual, residualOfRight()), reproduction: nil)
    }
    return nil
  }

  /// A number for each channel that was added to the wrong elements.
  private func localBias(_ places: [Int]) -> FoundMistake? {
    var intervals = [Interval](repeating: Interval(), count: base.made)
    func measured(_ place: Int) -> (error: Double, slack: Double) {
      let error = evidence.candidate[place] - evidence.exact[place]
      return (error, evidence.allowed[place] + tolerance.at(error, absolute: error.magnitude))
    }
    for place in places {
      let (error, slack) = measured(place)
      intervals[base.element(at: place).made].meet(error, slack)
    }
    let touched = intervals.indices.filter { intervals[$0].count > 0 }
    if touched.contains(where: { intervals[$0].isEmpty || !intervals[$0].excludesZero }) { return nil }
    if places.count < 3 * touched.count { return nil }
    let isMissing =
      hasBias
      && touched.allSatisfy {
        intervals[$0].contains(-base.bias[$0])
      }
    var residual = residualOfRight()
    for place in places {
      let (made, (error, slack)) = (base.element(at: place).made, measured(place))
      let added = isMissing ? -base.bias[made] : intervals[made].middle
      residual = max(residual, (error - added).magnitude / slack)
    }
    return FoundMistake(
      mistakes: [isMissing ? .missingBias : .wrongBias],
      says: isMissing
        ? "the bias was not added in \(region(places))"
        : describeBias(touched, intervals.map(\.middle)) + ", in \(region(places))",
      residual: residual, reproduction: nil)
  }

  /// What is missing from the sums of the wrong elements: halves of tiles that were not loaded, the rest of a division.
  private mutating func localTaps(_ places: [Int]) -> FoundMistake? {
    if saturatingProduct(places.count, 2, base.terms) > workLeft / 2 {
      isCurtailed = true
      return nil
    }
    /// Its own rounding and that of the correct element's bound.
    func allowed(_ place: Int) -> Double {
      evidence.allowed[place] + tolerance.at(evidence.candidate[place], absolute: 0)
    }
    let first = spread(places, 10).map { place in
      let error = evidence.candidate[place] - evidence.exact[place]
      return (error, allowed(place), products(base, place))
    }
    let parts = parts(of: base)
    workLeft -= saturatingProduct(256, parts.count)
    for part in parts {
      let fits = first.allSatisfy { error, allowed, products in
        (error - part.change(products)).magnitude <= allowed
      }
      if !fits { continue }
      var residual = 0.0
      for place in places {
        let error = evidence.candidate[place] - evidence.exact[place]
        residual = max(residual, (error - part.change(products(base, place))).magnitude / allowed(place))
        if !(residual <= 1) || workLeft < 0 { break }
      }
      if workLeft < 0 {
        isCurtailed = true
        return nil
      }
      if !(residual <= 1) { continue }
      return FoundMistake(
        mistakes: [part.mistake], says: part.says() + ", in \(region(places))",
        residual: max(residual, residualOfRight()), reproduction: nil)
    }
    return nil
  }

  /// The wrong elements less the exact ones are other outputs, one distance off: they were added to what stood there.
  private func addedOutputs(_ places: [Int]) -> FoundMistake? {
    let plane = base.madePlane
    let image = plane * base.made
    /// How far an element lies from the sum with the one at a distance, over what is allowed.
    func ratio(_ place: Int, _ offset: Int) -> Double {
      let source = place + offset
      if source < 0 || source >= evidence.exact.count || !evidence.isComparable(source) { return .infinity }
      let error = evidence.candidate[place] - evidence.exact[place]
      let allowed = 2 * (evidence.allowed[source] + evidence.allowed[place])
      // What was added may have been added to before.
      let left = min(
        (error - evidence.exact[source]).magnitude, (error - evidence.candidate[source]).magnitude)
      return left == 0 ? 0 : left / allowed
    }
    for offset in [-image, image, -plane, plane] where offset.magnitude < evidence.exact.count {
      var residual = residualOfRight()
      for place in places {
        residual = max(residual, ratio(place, offset))
        if !(residual <= 1) { break }
      }
      if !(residual <= 1) { continue }
      let what = offset.magnitude == image && base.batch > 1 ? "image of the batch" : "channel"
      return FoundMistake(
        mistakes: [.staleRegion],
        says: "\(region(places)) was added to the \(what) \(offset < 0 ? "before" : "after")",
        residual: residual, reproduction: nil)
    }
    return nil
  }

  func spread(_ places: [Int], _ count: Int) -> [Int] {
    if places.count <= count { return places }
    return (0..<count).map { places[$0 * places.count / count] }
  }

  /// A region of numbers that nothing in the problem makes, the rest of the output being right: they were there before.
  ///
  /// Nothing is reproduced but what lies outside; so the region must be one that programs leave behind: the end of the
  /// output or of its planes, whole rows or columns, a box.
  func foreignRegion() -> FoundMistake? {
    let places = evidence.finiteRefuted
    if places.count < 2 || !isShaped(places) { return nil }
    // Elements of which nothing was computed are right whatever was done.
    let isRight = (0..<evidence.candidate.count).count {
      evidence.isComparable($0) && !evidence.isRefuted($0)
        && evidence.exact[$0] != base.bias[base.element(at: $0).made]
    }
    if 3 * isRight < places.count { return nil }
    let errors = places.map { (evidence.candidate[$0] - evidence.exact[$0]).magnitude }.sorted()
    let sizes = evidence.exact.filter(\.isFinite).map(\.magnitude).sorted()
    // Noise is small beside the elements, in whatever shape it comes.
    if sizes.isEmpty || errors[errors.count / 2] < 1e-3 * sizes[sizes.count * 3 / 4] { return nil }
    return FoundMistake(
      mistakes: [.staleRegion],
      says: "numbers from elsewhere stand in \(region(places)), the other elements are right; first "
        + "\(describe(places[0])): \(short(evidence.candidate[places[0]])) and not "
        + "\(short(evidence.exact[places[0]])), worst \(describe(evidence.worst.place)): "
        + "\(short(evidence.candidate[evidence.worst.place])) and not "
        + short(evidence.exact[evidence.worst.place]),
      residual: residualOfRight(), reproduction: nil, count: places.count)
  }

  /// Whether some elements are nearly all of one end of the output, of each plane's, of some rows, of some columns, or of a
  /// box that is a part of planes.
  private func isShaped(_ places: [Int]) -> Bool {
    let (count, plane, width) = (evidence.candidate.count, base.madePlane, base.columns.made)
    let (first, last) = (places[0], places[places.count - 1])
    // A few of them may hold the right number by chance.
    func fills(_ whole: Int) -> Bool { 10 * places.count >= 9 * whole - 1 }
    if (first == 0 || last == count - 1) && fills(last - first + 1) { return true }
    if places.count < 3 { return fills(last - first + 1) && last / width == first / width }
    let planes = Set(places.map { $0 / plane }).count
    // Whole channels in the middle rather have the wrong weights.
    if fills(planes * plane) { return false }
    if base.rows.made > 1 && fills(Set(places.map { $0 / width }).count * width) { return true }
    let columns = Set(places.map { $0 % width })
    let rows = Set(places.map { $0 % plane / width })
    if columns.count < width && isRegular(columns) {
      // A box, or columns from top to bottom.
      if isRegular(rows) && fills(columns.count * rows.count * planes) { return true }
      if fills(columns.count * base.rows.made * planes) { return true }
    }
    if rows.count < base.rows.made && isRegular(rows) && fills(rows.count * columns.count * planes) {
      return true
    }
    // The end of each plane that is touched.
    var tails: [Int: Int] = [:]
    for place in places { tails[place / plane] = min(tails[place / plane] ?? plane, place % plane) }
    let tail = tails.values.reduce(0) { $0 + plane - $1 }
    return tails.values.allSatisfy { $0 > 0 } && fills(tail)
  }

  /// Whether some numbers are equally far apart.
  private func isRegular(_ numbers: Set<Int>) -> Bool {
    let sorted = numbers.sorted()
    return sorted.count < 3 || zip(sorted, sorted.dropFirst()).allSatisfy { $1 - $0 == sorted[1] - sorted[0] }
  }
}
