import Convolution

/// A refuted candidate beside the exact values and what is allowed to it; valid while the three tensors live.
struct Evidence {
  let candidate: UnsafeBufferPointer<Double>
  let exact: UnsafeBufferPointer<Double>
  let allowed: UnsafeBufferPointer<Double>
  /// The places beyond their bounds, in row-major order; never empty.
  let refuted: [Int]
  /// How many of them are not finite.
  let nonfinite: Int
  /// The place with the largest finite `|candidate − exact| / allowed`, and that ratio; the first where none is finite.
  let worst: (place: Int, ratio: Double)

  /// What refutes the candidate; nil where nothing does.
  init?(
    candidate: UnsafeBufferPointer<Double>, exact: UnsafeBufferPointer<Double>,
    allowed: UnsafeBufferPointer<Double>
  ) {
    self.candidate = candidate
    self.exact = exact
    self.allowed = allowed
    var refuted: [Int] = []
    var nonfinite = 0
    var worst = (place: -1, ratio: -1.0)
    for place in 0..<candidate.count
    where exact[place].isFinite && allowed[place].isFinite {
      let distance = (candidate[place] - exact[place]).magnitude
      if distance <= allowed[place] { continue }
      refuted.append(place)
      if !candidate[place].isFinite {
        nonfinite += 1
      } else if distance / allowed[place] > worst.ratio {
        worst = (place, distance / allowed[place])
      }
    }
    if refuted.isEmpty { return nil }
    self.refuted = refuted
    self.nonfinite = nonfinite
    self.worst = worst.place < 0 ? (refuted[0], .infinity) : worst
  }

  /// Whether the element has numbers to compare.
  @inline(__always)
  func isComparable(_ place: Int) -> Bool {
    candidate[place].isFinite && exact[place].isFinite && allowed[place].isFinite
  }

  /// Whether the element is beyond its bound.
  @inline(__always)
  func isRefuted(_ place: Int) -> Bool {
    exact[place].isFinite && allowed[place].isFinite
      && !((candidate[place] - exact[place]).magnitude <= allowed[place])
  }

  /// The finite elements beyond their bounds.
  var finiteRefuted: [Int] { nonfinite == 0 ? refuted : refuted.filter { candidate[$0].isFinite } }

  /// Comparable places to look at first: the worst, and others spread over what is refuted, over the output, and over the
  /// plane of the first one that is refuted, `plane` elements large.
  func sample(plane: Int) -> [Int] {
    let refuted = finiteRefuted
    guard let first = refuted.first else { return [] }
    var places = [worst.place, first]
    func spread(_ count: Int, over total: Int, _ place: (Int) -> Int) {
      places += Self.spread(count, over: total).map(place)
    }
    spread(28, over: refuted.count) { refuted[$0] }
    let start = first / plane * plane
    spread(14, over: plane) { start + $0 }
    spread(20, over: candidate.count) { $0 }
    var seen: Set<Int> = []
    return places.filter { isComparable($0) && seen.insert($0).inserted }
  }

  /// Some numbers below `total`, evenly spread, and in step with no rows, channels or strides: multiples of the golden ratio.
  static func spread(_ count: Int, over total: Int) -> [Int] {
    (0..<min(count, total)).map { index in
      let fraction = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
      return Int(fraction.multipliedFullWidth(by: UInt64(total)).high)
    }
  }
}
