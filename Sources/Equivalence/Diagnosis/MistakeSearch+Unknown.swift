import Convolution

/// What can be said where no known mistake reproduces the candidate, and how places and numbers are written.
extension MistakeSearch {
  /// Where the wrong elements are, which are the worst, and what their errors go with.
  mutating func unknown() -> FoundMistake {
    let places = evidence.finiteRefuted
    let (first, worst) = (places[0], evidence.worst.place)
    var says =
      "\(places.count) of \(evidence.candidate.count) elements are wrong, in \(region(places)); "
      + "first \(describe(first)): \(short(evidence.candidate[first])) and not \(short(evidence.exact[first])), "
      + "worst \(describe(worst)): \(short(evidence.candidate[worst])) and not "
      + "\(short(evidence.exact[worst])), \(short(evidence.worst.ratio)) times what is allowed"
    if let tap = likeliestTap() { says += "; " + tap }
    if isCurtailed { says += "; not all mistakes were tried, for want of work" }
    return FoundMistake(
      mistakes: [.unknown], says: says, residual: evidence.worst.ratio,
      reproduction: Reproduction(of: places, base, evidence, isDouble: isDouble)?.line)
  }

  /// The tap whose products the errors go with most, by their correlation over the sample.
  private mutating func likeliestTap() -> String? {
    if base.taps > 1 << 12 { return nil }
    var errors: [Double] = []
    var products: [[Double]] = []
    for place in sample where evidence.isRefuted(place) {
      var byTap = [Double](repeating: 0, count: base.taps)
      base.forEachProduct(at: place) { _, weight, factor, pixel in byTap[weight % base.taps] += factor * pixel
      }
      errors.append(evidence.candidate[place] - evidence.exact[place])
      products.append(byTap)
    }
    if errors.count < 8 { return nil }
    var best = (tap: 0, correlation: 0.0)
    for tap in 0..<base.taps {
      let correlation = Self.correlation(errors, products.map { $0[tap] })
      if correlation.magnitude > best.correlation.magnitude { best = (tap, correlation) }
    }
    if best.correlation == 0 { return nil }
    var (u, v) = (best.tap / base.columns.taps, best.tap % base.columns.taps)
    if isFlipped { (u, v) = (base.rows.taps - 1 - u, base.columns.taps - 1 - v) }
    let percent = (best.correlation * 100).rounded() / 100
    return "over \(errors.count) of them the errors go most with tap [\(u), \(v)], correlation \(percent)"
  }

  private static func correlation(_ x: [Double], _ y: [Double]) -> Double {
    let n = Double(x.count)
    let (meanX, meanY) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xx += (a - meanX) * (a - meanX)
      yy += (b - meanY) * (b - meanY)
      xy += (a - meanX) * (b - meanY)
    }
    let scale = (xx * yy).squareRoot()
    return scale > 0 && scale.isFinite ? xy / scale : 0
  }

  /// Elements that are not finite though they should be.
  func describeNonfinite() -> String {
    let places = evidence.refuted.filter { !evidence.candidate[$0].isFinite }
    let nan = places.count { evidence.candidate[$0].isNaN }
    let first = places[0]
    return "\(nan) elements are NaN and \(places.count - nan) infinite, in \(region(places)); the first, "
      + "\(describe(first)), is \(evidence.candidate[first]) and not \(short(evidence.exact[first]))"
  }

  /// An element's indices.
  func describe(_ place: Int) -> String {
    let (n, made, row, column) = natural(place)
    var indices = [row, column]
    if base.made > 1 || base.batch > 1 { indices.insert(made, at: 0) }
    if base.batch > 1 { indices.insert(n, at: 0) }
    return "[\(list(indices))]"
  }

  /// The corners of the box around some elements, and how many it holds.
  private func box(
    around places: [Int]
  ) -> (
    low: (n: Int, made: Int, row: Int, column: Int), high: (n: Int, made: Int, row: Int, column: Int),
    count: Int
  ) {
    var low = natural(places[0])
    var high = low
    for place in places {
      let (n, made, row, column) = natural(place)
      low = (min(low.n, n), min(low.made, made), min(low.row, row), min(low.column, column))
      high = (max(high.n, n), max(high.made, made), max(high.row, row), max(high.column, column))
    }
    let count =
      (high.n - low.n + 1) * (high.made - low.made + 1) * (high.row - low.row + 1)
      * (high.column - low.column + 1)
    return (low, high, count)
  }

  /// The box around some elements, in words.
  func region(_ places: [Int]) -> String {
    let (low, high, box) = box(around: places)
    if places.count == evidence.candidate.count { return "the whole output" }
    var parts: [String] = []
    func add(_ name: String, _ low: Int, _ high: Int, of count: Int) {
      if count == 1 || low == 0 && high == count - 1 { return }
      parts.append(low == high ? "\(name) \(low)" : "\(name)s \(low) to \(high)")
    }
    add("image", low.n, high.n, of: base.batch)
    add("channel", low.made, high.made, of: base.made)
    add("row", low.row, high.row, of: base.rows.made)
    add("column", low.column, high.column, of: base.columns.made)
    let name = parts.isEmpty ? "the whole output" : parts.joined(separator: ", ")
    return places.count == box ? name : "\(places.count) of \(box) elements of \(name)"
  }

  func list(_ numbers: [Int]) -> String {
    let named = numbers.prefix(8).map(String.init).joined(separator: ", ")
    return named + (numbers.count > 8 ? " and \(numbers.count - 8) more" : "")
  }

  /// A number with about six digits.
  func short(_ value: Double) -> String { Float(value).isFinite ? "\(Float(value))" : "\(value)" }
}
