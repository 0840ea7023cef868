import Buffers

/// A quotient of small integers in lowest terms, its denominator positive.
struct Rational: Hashable, Sendable {
  let numerator: Int
  let denominator: Int

  static let zero = Rational(0)
  static let one = Rational(1)

  init(_ numerator: Int, _ denominator: Int = 1) {
    var (a, b) = (numerator.magnitude, denominator.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    let divisor = (denominator < 0 ? -1 : 1) * max(1, Int(a))
    self.numerator = numerator / divisor
    self.denominator = denominator / divisor
  }

  /// Whether binary floating-point formats hold it exactly.
  var isDyadic: Bool { denominator & (denominator - 1) == 0 }
  var magnitude: Rational { Rational(abs(numerator), denominator) }

  static func * (left: Rational, right: Rational) -> Rational {
    Rational(left.numerator * right.numerator, left.denominator * right.denominator)
  }
  static func / (left: Rational, right: Rational) -> Rational {
    Rational(left.numerator * right.denominator, left.denominator * right.numerator)
  }
  static func - (left: Rational, right: Rational) -> Rational {
    Rational(
      left.numerator * right.denominator - right.numerator * left.denominator,
      left.denominator * right.denominator)
  }
  static func + (left: Rational, right: Rational) -> Rational { left - Rational(-1) * right }
}

/// A small matrix of exact numbers, row by row, and what its entries mean for rounding.
package struct RationalMatrix: Hashable, Sendable {
  /// Rows.
  package let rows: Int
  /// Columns.
  package let columns: Int
  let entries: [Rational]

  init(_ rows: [[Rational]]) {
    self.rows = rows.count
    columns = rows[0].count
    entries = rows.flatMap(\.self)
  }

  /// The entries without their signs.
  package var magnitudes: RationalMatrix {
    RationalMatrix((0..<rows).map { row in (0..<columns).map { entries[row * columns + $0].magnitude } })
  }

  /// The most entries of a row that are not zero: the terms of the longest sum.
  package var longestRow: Int {
    (0..<rows).map { row in (0..<columns).count { entries[row * columns + $0] != .zero } }.max() ?? 0
  }

  /// The largest sum of the magnitudes in a row, rounded up by a relative 2⁻⁴⁸ at most: how much the matrix can enlarge
  /// an error.
  package var largestRowSum: Double {
    let sums = (0..<rows).map { row in
      (0..<columns).reduce(0) { $0 + self[row, $1].magnitude }
    }
    return (sums.max() ?? 0) * (1 + 0x1p-49)
  }

  /// Whether binary floating-point formats hold all entries exactly.
  package var isDyadic: Bool { entries.allSatisfy(\.isDyadic) }

  /// The entry in another ring.
  package func scalar<Scalar: RationalRing>(_ row: Int, _ column: Int, of type: Scalar.Type) -> Scalar {
    let entry = entries[row * columns + column]
    return .quotient(entry.numerator, entry.denominator)
  }

  /// The entry, rounded to the nearest float64.
  package subscript(row: Int, column: Int) -> Double { scalar(row, column, of: Double.self) }

  /// The entries in another ring.
  func scalars<Scalar: RationalRing>(of type: Scalar.Type) -> AlignedBuffer<Scalar> {
    var scalars = AlignedBuffer<Scalar>(capacity: entries.count)
    for entry in entries { scalars.append(.quotient(entry.numerator, entry.denominator)) }
    return scalars
  }
}
