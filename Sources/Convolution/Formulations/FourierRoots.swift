/// Roots of unity `cos 2πk/n + i·sin 2πk/n` for powers of two `n`, without a mathematics library.
///
/// `k/n` is exact, and so is its reduction to an angle of at most π/4. The angle is `θ + θ'`: 2π stands as one number of
/// 29 bits, whose product with `k/n` is exact for up to 24 bits of `k`, and the rest; their sum is rounded to `θ`, and `θ'`,
/// below 2⁻⁵³, is what that leaves. Then Taylor's series, to terms below 2⁻⁶³:
///
///     sin(θ + θ') ≈ θ + (θ³·p(θ²) + θ'),    cos(θ + θ') ≈ (1 − θ²/2) + (θ⁴·q(θ²) − θ·θ')
///
/// With `v = 2⁻⁵³`, in the sine the last rounding errs by `v/2` at most (the sum is below 1), and the correction, below
/// 0.081, by five roundings, 0.41v. In the cosine the last rounding errs by `v/2`, the square by `v/4` of one half of it,
/// `1 − θ²/2` by nothing that the correction does not give back, and the correction, below 0.016, by 0.1v. Both come to
/// less than `v` (`componentError`), and the rounding to float32 adds 2⁻²⁵.
package enum FourierRoots {
  /// How far cosine and sine may each lie from the exact value, in float64.
  package static var componentError: Double { 0x1p-53 }

  /// 2π to 29 bits, and the rest.
  private static var turn: (high: Double, low: Double) {
    let high = Double(Int(2 * Double.pi * 0x1p26)) * 0x1p-26
    // The second term is what float64 leaves of 2π.
    return (high, (2 * Double.pi - high) + 2.4492935982947064e-16)
  }

  /// Cosine and sine of `2π·index/count`; `count` is a power of two; beyond 2²⁷ odd
  /// indices lose some bits.
  package static func root(_ index: Int, of count: Int) -> (cosine: Double, sine: Double) {
    // Eighths of a turn passed, and the way from the nearest axis.
    let scaled = index * 8
    let octant = scaled / count
    let rest = scaled % count
    let fromAxis = octant & 1 == 0 ? rest : count - rest
    let (cosine, sine) = firstOctant(Double(fromAxis) / (8 * Double(count)))
    return switch octant & 7 {
    case 0: (cosine, sine)
    case 1: (sine, cosine)
    case 2: (-sine, cosine)
    case 3: (-cosine, sine)
    case 4: (-cosine, -sine)
    case 5: (-sine, -cosine)
    case 6: (sine, -cosine)
    default: (cosine, -sine)
    }
  }

  /// Of `turns` from 0 to 1/8.
  private static func firstOctant(_ turns: Double) -> (cosine: Double, sine: Double) {
    let (upper, lower) = (turns * turn.high, turns * turn.low)
    let angle = upper + lower
    let rest = lower - (angle - upper)
    let square = angle * angle
    var sine = 0.0
    var cosine = 0.0
    for (order, coefficient) in inverseFactorials.enumerated().reversed() {
      if order & 1 == 1 { sine = sine * square + coefficient } else { cosine = cosine * square + coefficient }
    }
    let half = 0.5 * square
    let first = 1 - half
    return (
      first + (((1 - first) - half) + (square * square * cosine - angle * rest)),
      angle + (angle * square * sine + rest)
    )
  }

  /// `(−1)^⌊n/2⌋ / n!` for n = 3 … 19, with 1/4! first: even places belong to the cosine.
  private static let inverseFactorials: [Double] = {
    var values: [Double] = []
    for order in 0..<16 {
      // Places 0, 2, 4 … are 4!, 6!, 8! …; places 1, 3, 5 … are 3!, 5!, 7! ….
      let number = order & 1 == 0 ? order + 4 : order + 2
      let factorial = (1...number).reduce(1.0) { $0 * Double($1) }
      let negative = (number / 2) & 1 == 1
      values.append((negative ? -1 : 1) / factorial)
    }
    return values
  }()
}
