import Convolution

/// An arithmetic in which a mistake may have been made, other than the one that was claimed: how the inputs were rounded,
/// and how far its results may lie from the exact ones of those inputs.
struct AssumedArithmetic {
  /// What the inputs were rounded to; nil where they were not.
  struct Inputs {
    let name: String
    let round: (Double) -> Double
  }

  /// `ofSum · S + ofValue · |y| + ofLargest · max S`.
  struct Bound {
    var ofSum: Double
    var ofValue = 0.0
    /// The factor of the largest sum of magnitudes of all elements: the noise of transforms, which take many elements
    /// together, does not follow an element's own sum.
    var ofLargest = 0.0
    var constant = 0.0
  }

  /// What kind of noise the bound is meant for.
  enum Noise {
    /// Sums in the problem's precision: the bound is a theorem.
    case sums
    /// Transforms in the problem's precision.
    case transforms
    /// Inputs, products or sums in shorter formats.
    case shortFormats
  }

  var inputs: Inputs?
  let bound: Bound
  let noise: Noise
  /// What the sentence says of it.
  let says: String
}

extension AssumedArithmetic {
  /// The formats that inputs may be rounded to, likeliest first: the result's.
  static func formats(isDouble: Bool, output: ShortFormat?) -> [Inputs] {
    let all =
      (isDouble ? [Inputs(name: "float32") { Double(Float($0)) }] : []) + [
        Inputs(name: "TF32") { ShortRounding.tf32($0) },
        Inputs(name: "bfloat16") { ShortRounding.bfloat16($0) },
        Inputs(name: "float16") { ShortRounding.float16($0) },
        Inputs(name: "TF32 by truncation") { ShortRounding.truncated($0, bits: 11) },
        Inputs(name: "bfloat16 by truncation") { ShortRounding.truncated($0, bits: 8) },
      ]
    return all.filter { $0.name == output?.name } + all.filter { $0.name != output?.name }
  }

  /// Sums of `terms` products in the problem's precision, each rounding a truncation; the result rounded to `output`.
  static func sums(terms: Int, isDouble: Bool, output: ShortFormat?) -> Bound {
    let unit = isDouble ? 0x1p-52 : 0x1p-23
    let n = Double(terms) + 1
    return Bound(
      ofSum: ErrorBound.gamma(n, unitRoundoff: unit) * (1 + (output?.unitRoundoff ?? 0)),
      ofValue: (output?.unitRoundoff ?? 0) * 1.01,
      constant: n * (isDouble ? 0x1p-1070 : 0x1p-149) + (output?.leastNonzero ?? 0))
  }

  /// Arithmetics with more noise than sums in the problem's precision have, narrowest first. Their bounds are no theorems: 64 u
  /// and 256 u of the largest sum hold what transforms were measured to do, the others are what inputs rounded to TF32
  /// and bfloat16 may do, and four times that.
  static func noisy(_ sums: Bound, isDouble: Bool) -> [AssumedArithmetic] {
    func wide(_ factor: Double, _ name: String) -> AssumedArithmetic {
      var bound = sums
      bound.ofSum += factor
      return AssumedArithmetic(
        bound: bound, noise: .shortFormats,
        says: "all within 2^\(factor.exponent) of the sum of magnitudes, as in \(name)")
    }
    func transforms(_ units: Double) -> AssumedArithmetic {
      var bound = sums
      bound.ofLargest = units * (isDouble ? 0x1p-53 : 0x1p-24)
      return AssumedArithmetic(
        bound: bound, noise: .transforms,
        says: "all within 2^\(bound.ofLargest.exponent) of the largest sum of magnitudes, as transforms "
          + "(Winograd, FFT) bring them")
    }
    return [transforms(64), transforms(256)]
      + (isDouble ? [wide(0x1p-22, "float32")] : []) + [
        wide(0x1p-9, "TF32 or float16"), wide(0x1p-7, "bfloat16"), wide(0x1p-5, "sums of a short format"),
      ]
  }
}

/// A 16-bit format of which all elements of a candidate are numbers.
struct ShortFormat {
  let name: String
  let unitRoundoff: Double
  let leastNonzero: Double
  let round: (Double) -> Double

  /// The shorter one first: most of its numbers are numbers of the other.
  private static var all: [ShortFormat] {
    [
      ShortFormat(name: "bfloat16", unitRoundoff: 0x1p-8, leastNonzero: 0x1p-134) {
        ShortRounding.bfloat16($0)
      },
      ShortFormat(name: "float16", unitRoundoff: 0x1p-11, leastNonzero: 0x1p-25) {
        ShortRounding.float16($0)
      },
    ]
  }

  /// The format of a candidate, if at least four elements other than zeros show it.
  init?(of evidence: Evidence) {
    for format in Self.all {
      var telling = 0
      let holds = (0..<evidence.candidate.count).allSatisfy { place in
        let value = evidence.candidate[place]
        if !value.isFinite { return true }
        telling += value == 0 ? 0 : 1
        return format.round(value) == value
      }
      if holds && telling >= 4 {
        self = format
        return
      }
    }
    return nil
  }

  private init(
    name: String, unitRoundoff: Double, leastNonzero: Double, round: @escaping (Double) -> Double
  ) {
    self.name = name
    self.unitRoundoff = unitRoundoff
    self.leastNonzero = leastNonzero
    self.round = round
  }
}
