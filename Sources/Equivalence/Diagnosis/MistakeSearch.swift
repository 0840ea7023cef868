import Convolution

/// What a search for a mistake came to.
struct FoundMistake {
  var mistakes: [Mistake]
  var says: String
  var residual: Double
  var reproduction: String?
  /// Of a region that nothing reproduces, its elements.
  var count = 0
}

/// The search for the mistake in a refuted candidate: hypotheses from specific to general, each compared on a few elements
/// before it is compared on all.
struct MistakeSearch {
  let evidence: Evidence
  /// The problem as it should have been computed.
  let base: Variant
  let hasBias: Bool
  let isFlipped: Bool
  let isDouble: Bool
  let tolerance: Tolerance
  /// Places that are compared first; the first of them is the worst.
  let sample: [Int]
  /// Multiply-adds that may still be spent.
  var workLeft: Int
  /// Whether something was left out for want of work.
  var isCurtailed = false
  /// The arithmetic that is assumed; nil for the one that was claimed.
  let arithmetic: AssumedArithmetic?
  /// Whether a few elements only have values; what they show is to be confirmed by another search.
  let isSketch: Bool
  /// The sums of magnitudes of all elements, once they were asked for.
  var absolutes: [Double]?
  /// The smallest region of numbers from elsewhere that was seen, the rest being right: what is said if nothing reproduces
  /// the candidate.
  var foreign: FoundMistake?

  init<Scalar: TensorScalar>(
    _ problem: borrowing ConvolutionProblem<Scalar>, _ evidence: Evidence, workLimit: Int, isDouble: Bool
  ) {
    let base = Variant(problem)
    // Elements too long for the work limit are compared on fewer of them.
    let most = max(4, workLimit / 64 / base.terms)
    let sample = Array(evidence.sample(plane: base.madePlane).prefix(most))
    let tolerance = Tolerance(
      sample.map { place in
        (evidence.allowed[place], base.value(at: place).absolute, evidence.exact[place])
      })
    self.init(
      base, evidence, nil, sample, tolerance, hasBias: problem.hasBias, isFlipped: problem.isFlipped,
      isDouble: isDouble, isSketch: false, workLeft: workLimit - base.terms * sample.count)
  }

  /// A search for mistakes made in `arithmetic`; `base` has its inputs and `evidence` its values and bounds.
  init(
    _ base: Variant, _ evidence: Evidence, _ arithmetic: AssumedArithmetic, hasBias: Bool, isFlipped: Bool,
    isDouble: Bool, isSketch: Bool, workLeft: Int
  ) {
    self.init(
      base, evidence, arithmetic, evidence.sample(plane: base.madePlane), Tolerance(arithmetic.bound),
      hasBias: hasBias, isFlipped: isFlipped, isDouble: isDouble, isSketch: isSketch,
      workLeft: workLeft)
  }

  private init(
    _ base: Variant, _ evidence: Evidence, _ arithmetic: AssumedArithmetic?, _ sample: [Int],
    _ tolerance: Tolerance, hasBias: Bool, isFlipped: Bool, isDouble: Bool, isSketch: Bool,
    workLeft: Int
  ) {
    self.isSketch = isSketch
    self.base = base
    self.evidence = evidence
    self.arithmetic = arithmetic
    self.sample = sample
    self.tolerance = tolerance
    self.hasBias = hasBias
    self.isFlipped = isFlipped
    self.isDouble = isDouble
    self.workLeft = workLeft
  }

  /// Looks for the mistake.
  mutating func run() -> FoundMistake {
    if evidence.nonfinite == 0 { return search() }
    var found = FoundMistake(
      mistakes: [.nonfinite], says: describeNonfinite(), residual: 0, reproduction: nil)
    if !sample.isEmpty && evidence.nonfinite < evidence.refuted.count {
      let rest = search()
      found.residual = rest.residual
      if rest.mistakes != [.unknown] { found.mistakes += rest.mistakes }
      found.says += "; of the finite elements: " + rest.says
    }
    return found
  }

  /// A single mistake in the arithmetic assumed.
  mutating func alone(_ changes: [Change]) -> FoundMistake? {
    // What is hardly more than the noise of short formats tells nothing.
    if sample.isEmpty || arithmetic?.noise == .shortFormats && evidence.worst.ratio < 6 { return nil }
    if let found = one(of: changes.filter { $0.mistake != .shortInputs }) { return found }
    if isSketch { return solved(on: base) }
    if let found = swappedOutputChannels() ?? zeroRegion() ?? solved(on: base) ?? shiftedOutput()
      ?? staleRegion() ?? one(of: changes.filter { $0.mistake == .shortInputs })
    {
      return found
    }
    // Next to noise or to the rounding of a short result a part of it may look like anything.
    if let arithmetic, arithmetic.bound.ofValue > 0 || arithmetic.noise != .sums, evidence.worst.ratio < 4 {
      return nil
    }
    if let found = scattered() ?? localized() { return found }
    foreign = foreignRegion()
    return nil
  }

  /// The first change that reproduces the candidate.
  private mutating func one(of changes: [Change]) -> FoundMistake? {
    for change in changes {
      var variant = base
      if change.copiesImage { workLeft -= base.image.count }
      if workLeft < 0 {
        isCurtailed = true
        return nil
      }
      change.apply(&variant)
      if let found = accept(variant, [change.mistake], change.says) { return found }
    }
    return nil
  }

  /// Two changes at once, or a change and a mistake whose numbers are solved for.
  mutating func pair(of changes: [Change]) -> FoundMistake? {
    let cheap = changes.filter {
      $0.mistake != .shortInputs && !$0.isRare && (!$0.copiesImage || base.image.count <= 1 << 16)
    }
    for (index, first) in cheap.enumerated() {
      var variant = base
      first.apply(&variant)
      for second in cheap[(index + 1)...] where second.mistake != first.mistake {
        var both = variant
        second.apply(&both)
        workLeft -= (second.copiesImage ? base.image.count : 0) + 4 * base.filter.count
        if workLeft < 0 {
          isCurtailed = true
          return nil
        }
        if let found = accept(both, [first.mistake, second.mistake], "\(first.says), and \(second.says)") {
          return found
        }
      }
      if var found = solved(on: variant) ?? region(on: variant) {
        if !found.mistakes.contains(first.mistake) { found.mistakes.insert(first.mistake, at: 0) }
        found.says = "\(first.says), and \(found.says)"
        return found
      }
    }
    return nil
  }

  /// What is allowed to the element at `place` if the variant is what was computed.
  @inline(__always)
  func allowed(_ place: Int, _ value: Double, _ absolute: Double) -> Double {
    max(evidence.allowed[place], tolerance.at(value, absolute: absolute))
  }

  /// The variant's elements at the sampled places, as many of them as asked for.
  mutating func sampled(_ variant: Variant, first count: Int = .max) -> [Sampled] {
    sample.prefix(count).map { place in
      let (value, absolute) = variant.value(at: place)
      workLeft -= variant.terms
      return Sampled(
        place: place, value: value, error: evidence.candidate[place] - value,
        allowed: allowed(place, value, absolute),
        slack: tolerance.at(evidence.candidate[place], absolute: 0))
    }
  }

  /// An element of a variant beside the candidate's.
  struct Sampled {
    let place: Int
    let value: Double
    /// Candidate less variant.
    let error: Double
    let allowed: Double
    /// What is allowed to the candidate's own value, where it is not the variant's.
    let slack: Double
    var isReproduced: Bool { error.magnitude <= allowed }
    /// Whether a change of the variant's value explains the candidate's.
    func isExplained(by change: Double) -> Bool { (error - change).magnitude <= 2 * allowed + slack }
  }

  /// Whether a variant reproduces the sample: within what is allowed, and with half of the errors' squares or less.
  mutating func passes(_ variant: Variant) -> Bool {
    var (before, after) = (0.0, 0.0)
    for (index, place) in sample.enumerated() {
      workLeft -= variant.terms
      let (value, absolute) = variant.value(at: place)
      let error = (evidence.candidate[place] - value).magnitude
      if !(error <= allowed(place, value, absolute)) { return false }
      let old = (evidence.candidate[place] - evidence.exact[place]).magnitude
      // The worst element must be explained by the variant, not by a bound that is wider than the claim's.
      if index == 0 && error > 0.9 * old { return false }
      let scale = evidence.allowed[place]
      if scale > 0 {
        before += min(1e100, old / scale * old / scale)
        after += min(1e100, error / scale * error / scale)
      }
    }
    if arithmetic?.noise ?? .sums == .sums { return !sample.isEmpty && 2 * after <= before }
    // Under a bound that is no theorem next to nothing may be left, and of enough elements.
    return sample.count >= 12 && 9 * after <= before
  }

  /// The variant as the answer if it reproduces the candidate.
  mutating func accept(_ variant: Variant, _ mistakes: [Mistake], _ says: String) -> FoundMistake? {
    if !passes(variant) { return nil }
    if isSketch { return FoundMistake(mistakes: mistakes, says: says, residual: 1, reproduction: nil) }
    let comparison = compare(variant, most: 0)
    if !comparison.differing.isEmpty { return nil }
    return FoundMistake(
      mistakes: mistakes, says: says + comparison.remark, residual: comparison.residual, reproduction: nil)
  }

  /// A variant beside the whole candidate.
  struct Comparison {
    /// Places that the variant does not reproduce, at most one more than asked for.
    var differing: [Int] = []
    /// The worst ratio of a distance to what is allowed, of the others.
    var residual = 0.0
    /// What to say where not all elements were compared.
    var remark = ""
  }

  /// Compares all elements, or as many as the work left allows, until more than `most` differ.
  mutating func compare(_ variant: Variant, most: Int) -> Comparison {
    var comparison = Comparison()
    func note(_ place: Int, _ value: Double, _ absolute: Double) -> Bool {
      if !evidence.isComparable(place) { return true }
      let error = (evidence.candidate[place] - value).magnitude
      let allowed = allowed(place, value, absolute)
      if error <= allowed {
        if error > comparison.residual * allowed { comparison.residual = error / allowed }
      } else {
        comparison.differing.append(place)
        if comparison.differing.count > most { return false }
      }
      return true
    }
    let count = variant.count
    if variant.work <= max(workLeft, 0) {
      var compared = 0
      variant.forEachElement { place, value, absolute in
        compared += 1
        return note(place, value, absolute)
      }
      workLeft -= saturatingProduct(compared, variant.terms)
      return comparison
    }
    // The last comparisons are worth an eighth of the work that is left, and never nothing.
    let affordable = max(sample.count, workLeft / 8 / variant.terms)
    let step = max(1, count / affordable) | 1
    let places = stride(from: 0, to: count, by: step)
    var compared = 0
    for place in places {
      compared += 1
      let (value, absolute) = variant.value(at: place)
      if !note(place, value, absolute) { break }
    }
    workLeft -= saturatingProduct(compared, variant.terms)
    isCurtailed = true
    comparison.remark = " (compared on \(compared) of \(count) elements)"
    return comparison
  }
}
