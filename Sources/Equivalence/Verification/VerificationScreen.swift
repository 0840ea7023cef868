import Convolution

/// Looks at eight elements of a float32 candidate at once and says whether they are quiet: finite, correctly rounded
/// without doubt, and no further from the reference, by any measure, than others before them; then to count the identical
/// ones is all that is left to do.
struct VerificationScreen {
  /// Elements equal to the rounded exact value, bit by bit, among the quiet ones.
  private(set) var identical = 0
  /// How far the reference itself may be wrong.
  private var sumError: SumError
  private let claimed: Int?
  private let groups: [[Int]]
  private let isEmpty: InlineArray<3, Bool>
  /// For each group an error that no bound of it, times the worst ratio so far, lies below.
  private var limits: InlineArray<3, ClaimLimit>
  private var largest = -1.0
  private var ulp: UInt64 = 0

  /// `ofSum · S + ofValue · |y| + constant`.
  private struct ClaimLimit {
    var ofSum = Double.infinity
    var ofValue = Double.infinity
    var constant = Double.infinity
  }

  /// - Parameter claimed: The bound whose refuting elements are all counted.
  init(_ bounds: [ClaimBound], claimed: Int?, sumError: SumError) {
    self.sumError = sumError
    self.claimed = claimed
    // Limits are joined term by term, which loses least among bounds of one kind: those of float64 sums, almost all of
    // them the last rounding; multiples of S; and those with both.
    let finite = bounds.indices.filter { bounds[$0].constant < .infinity }
    groups = [
      finite.filter { bounds[$0].ofValue > bounds[$0].ofSum },
      finite.filter { bounds[$0].ofValue == 0 },
      finite.filter { bounds[$0].ofValue > 0 && bounds[$0].ofValue <= bounds[$0].ofSum },
    ]
    isEmpty = [groups[0].isEmpty, groups[1].isEmpty, groups[2].isEmpty]
    limits = InlineArray(repeating: ClaimLimit())
  }

  /// Takes over what was found so far.
  mutating func update(
    _ rungs: [Rung], _ bounds: [ClaimBound], _ deviation: DeviationTracker, _ sumError: SumError
  ) {
    self.sumError = sumError
    largest = min(deviation.largest, .greatestFiniteMagnitude)
    ulp = deviation.largestUlp
    for group in 0..<3 where !groups[group].isEmpty {
      var limit = ClaimLimit()
      for index in groups[group] {
        let worst = index == claimed ? min(rungs[index].worst, 1) : rungs[index].worst
        // An infinite ratio is not exceeded; as a factor it would make NaN of zeros.
        let factor = min(worst, 0x1p900)
        limit.ofSum = min(limit.ofSum, factor * bounds[index].ofSum)
        limit.ofValue = min(limit.ofValue, factor * bounds[index].ofValue)
        limit.constant = min(limit.constant, factor * bounds[index].constant)
      }
      limits[group] = limit
    }
  }

  /// Whether the eight elements from `start` on, whose reference stands in `reference` from `index` on, are quiet.
  @inline(__always)
  mutating func passes(
    _ start: UnsafePointer<Double>, _ reference: ReferenceValues, at index: Int
  ) -> Bool {
    let value = Vector(reference.value + index)
    let sums = Vector(reference.absolute + index)
    let y = Vector(start)
    let errors = (y - value).magnitudes
    let magnitudes = value.magnitudes
    // Sums below 2¹²⁶ overflow nothing. A NaN fails every comparison.
    var quiet = (sums .< 0x1p126) .& (errors .<= largest)
    for group in 0..<3 where !isEmpty[group] {
      let limit = limits[group]
      quiet .&= errors .<= (limit.ofSum * sums + limit.ofValue * magnitudes) + limit.constant
    }
    if !allHold(quiet) { return false }
    var rounded = SIMD8<Float>()
    let certain = CorrectRounding.areCertain(value, radii: sumError.radii(sums), rounded: &rounded)
    let roundedBits = unsafeBitCast(rounded, to: SIMD8<Int32>.self)
    let bits = unsafeBitCast(SIMD8<Float>(y), to: SIMD8<Int32>.self)
    if !allHold(certain .& liesWithin(ulp, places(bits), places(roundedBits))) { return false }
    identical &+= count(bits .== roundedBits)
    return true
  }
}
