/// The three transforms of F(m, r): `Aᵀ[(G g) ⊙ (Bᵀ d)]` is the correlation `y_i = Σ_k g_k · d_{i+k}`, `i <
/// m`, of `n = m + r − 1` pixels `d` with `r` taps `g`, from `n` products.
///
/// **Construction** (Toom and Cook; Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray,
/// CVPR 2016). A polynomial of degree `n − 1` is determined by its values at `n − 1` points `a_j` and its
/// leading coefficient, its value at ∞; a product's values are products of values. Transposing that
/// interpolation of the product of a filter (degree `r − 1`) and an output (degree `m − 1`) gives, for the
/// finite points, with `N_j = Π_{l≠j} (a_j − a_l)`,
///
///     Aᵀ[i, j] = a_jⁱ,   G[j, k] = a_jᵏ / N_j,   Bᵀ[j, ·] = the coefficients of Π_{l≠j} (x − a_l),
///
/// and for ∞ the unit vectors `e_{m−1}` in `Aᵀ` and `e_{r−1}` in `G`, and the coefficients of `Π_l (x − a_l)`
/// in `Bᵀ`.
///
/// **Points.** `0, ±1, ±2, ±1/2` in this order, as many as are needed: the ones in use everywhere, whose
/// small powers keep the errors small (Barabasz, Anderson, Soodhalter and Gregg, ACM Trans. Math. Softw. 46,
/// 2020). They make `Aᵀ` and `Bᵀ` exact in binary; only `G` is rounded.
package struct WinogradMatrices: Hashable, Sendable {
  /// `Aᵀ`, m×n.
  package let output: RationalMatrix
  /// `Bᵀ`, n×n.
  package let data: RationalMatrix
  /// `G`, n×r.
  package let filter: RationalMatrix

  private static let points = [
    Rational(0), Rational(1), Rational(-1), Rational(2), Rational(-2), Rational(1, 2), Rational(-1, 2),
  ]

  /// The matrices of F(`outputs`, `taps`), which have at most eight pixels.
  package init(outputs: Int, taps: Int) {
    let points = Self.points.prefix(outputs + taps - 2)
    precondition(points.count == outputs + taps - 2, "more products than points")
    self.init(outputs: outputs, taps: taps, points: Array(points))
  }

  /// The matrices of F(`outputs`, `taps`) from each of the sets of points that are in use: these, their reciprocals and
  /// mixtures of both (Lavin and Gray; Barabasz et al.; Alam et al., ACM Trans. Math. Softw. 48, 2022, for ±3/2). Those of
  /// tiles with more than seven finite points are not published; here they go on with small numbers and their reciprocals.
  package static func usual(outputs: Int, taps: Int) -> [WinogradMatrices] {
    let common = [Rational(0), Rational(1), Rational(-1)]
    let doubles = [Rational(2), Rational(-2), Rational(1, 2), Rational(-1, 2)]
    let others: [[Rational]] =
      switch outputs + taps - 2 {
      case 5:
        [
          [Rational(2), Rational(-2)], [Rational(1, 2), Rational(-1, 2)], [Rational(2), Rational(-1, 2)],
          [Rational(1, 2), Rational(-2)],
        ]
      case 7:
        [
          doubles,
          [Rational(1, 2), Rational(-1, 2), Rational(3, 2), Rational(-3, 2)],
        ]
      case 9: [doubles + [Rational(4), Rational(-4)], doubles + [Rational(1, 4), Rational(-1, 4)]]
      case 12:
        [
          doubles + [Rational(3), Rational(-3), Rational(1, 3), Rational(-1, 3), Rational(4)],
          doubles + [Rational(4), Rational(-4), Rational(1, 4), Rational(-1, 4), Rational(3)],
        ]
      default: [[]]
      }
    return others.map { WinogradMatrices(outputs: outputs, taps: taps, points: common + $0) }
  }

  private init(outputs: Int, taps: Int, points: [Rational]) {
    precondition(points.count == outputs + taps - 2, "another number of points")
    output = RationalMatrix(
      (0..<outputs).map { i in
        points.map { Self.power($0, i) } + [i == outputs - 1 ? .one : .zero]
      })
    filter = RationalMatrix(
      points.map { point in
        let others = points.filter { $0 != point }
        let scale = others.reduce(.one) { $0 * (point - $1) }
        return (0..<taps).map { Self.power(point, $0) / scale }
      } + [(0..<taps).map { $0 == taps - 1 ? .one : .zero }])
    data = RationalMatrix(
      points.map { point in Self.coefficients(roots: points.filter { $0 != point }) + [.zero] }
        + [Self.coefficients(roots: points)])
  }

  private init(output: RationalMatrix, data: RationalMatrix, filter: RationalMatrix) {
    self.output = output
    self.data = data
    self.filter = filter
  }

  /// The matrices without signs, of which bounds are made.
  package var magnitudes: WinogradMatrices {
    WinogradMatrices(output: output.magnitudes, data: data.magnitudes, filter: filter.magnitudes)
  }

  private static func power(_ base: Rational, _ exponent: Int) -> Rational {
    (0..<exponent).reduce(.one) { product, _ in product * base }
  }

  /// The coefficients of `Π (x − root)`, the constant one first.
  private static func coefficients(roots: [Rational]) -> [Rational] {
    roots.reduce([.one]) { polynomial, root in
      let shifted = [.zero] + polynomial
      let scaled = polynomial.map { $0 * root } + [.zero]
      return zip(shifted, scaled).map { $0 - $1 }
    }
  }
}
