/// Roots of unity in the extension of the prime field by `i`, `i² = −1`: as `p = 2⁶¹ − 1` is 3 modulo 4, −1 has no root in the field
/// itself, and the extension has `p²` elements.
///
/// The conjugate of `z = a + bi` is `z^p`, so that `a² + b² = z^{p+1}`. The elements with `z^{p+1} = 1` are a cyclic group of
/// `p + 1 = 2⁶¹` elements: all roots of unity of powers of two up to 2⁶¹, and the conjugate of each is its inverse, as that of
/// `cos θ + i·sin θ` is. A transform needs nothing else of them.
extension PrimeField: FourierRing {
  /// Four elements, one after the other.
  public struct Lanes: FourLanes {
    private let values: (PrimeField, PrimeField, PrimeField, PrimeField)

    /// The four.
    public init(_ first: PrimeField, _ second: PrimeField, _ third: PrimeField, _ fourth: PrimeField) {
      values = (first, second, third, fourth)
    }

    /// The element at `index`.
    public subscript(index: Int) -> PrimeField {
      switch index {
      case 0: values.0
      case 1: values.1
      case 2: values.2
      default: values.3
      }
    }

    /// Four zeros.
    public static var zero: Lanes { Lanes(.zero, .zero, .zero, .zero) }

    /// Four sums.
    public static func + (left: Lanes, right: Lanes) -> Lanes { left.with(right) { $0 + $1 } }
    /// Four differences.
    public static func - (left: Lanes, right: Lanes) -> Lanes { left.with(right) { $0 - $1 } }
    /// Four products.
    public static func * (left: Lanes, right: Lanes) -> Lanes { left.with(right) { $0 * $1 } }
    /// Four products with one element.
    public static func * (left: Lanes, right: PrimeField) -> Lanes {
      left.with(Lanes(right, right, right, right)) { $0 * $1 }
    }

    private func with(_ other: Lanes, _ operation: (PrimeField, PrimeField) -> PrimeField) -> Lanes {
      Lanes(
        operation(values.0, other.values.0), operation(values.1, other.values.1),
        operation(values.2, other.values.2), operation(values.3, other.values.3))
    }
  }

  /// An element of the extension.
  private struct Extended: Equatable {
    var real: PrimeField
    var imaginary: PrimeField

    static var one: Extended { Extended(real: PrimeField(1 as Int), imaginary: .zero) }

    static func * (left: Extended, right: Extended) -> Extended {
      Extended(
        real: left.real * right.real - left.imaginary * right.imaginary,
        imaginary: left.real * right.imaginary + left.imaginary * right.real)
    }

    func power(_ exponent: Int) -> Extended {
      var (result, power, rest) = (Extended.one, self, exponent)
      while rest > 0 {
        if rest & 1 == 1 { result = result * power }
        power = power * power
        rest >>= 1
      }
      return result
    }
  }

  /// The powers `ζ, ζ², ζ⁴ …` of a generator of the group: roots of orders 2⁶¹, 2⁶⁰, 2⁵⁹ ….
  private static let generators: [Extended] = {
    // (a + bi)/(a − bi) has the norm 1, and all elements of the group are of this form (Hilbert's theorem 90): the first of full
    // order whose power of order 4 is i and not −i, as transforms multiply by i without a table.
    let i = Extended(real: .zero, imaginary: PrimeField(1 as Int))
    for number in 1... {
      let (a, b) = (PrimeField(number), PrimeField(1 as Int))
      let inverse = (a * a + b * b).inverse
      let square = Extended(real: a, imaginary: b) * Extended(real: a, imaginary: b)
      var powers = [Extended(real: square.real * inverse, imaginary: square.imaginary * inverse)]
      while powers.count < 61 { powers.append(powers[powers.count - 1] * powers[powers.count - 1]) }
      if powers[59] == i { return powers }
    }
    preconditionFailure("a quarter of all elements are such")
  }()

  /// A power of the root of unity of order `count`.
  public static func root(_ index: Int, of count: Int) -> (PrimeField, PrimeField) {
    // The order 1 stands behind the last.
    let order = count.trailingZeroBitCount
    let root = order == 0 ? .one : generators[61 - order].power(index & (count - 1))
    return (root.real, root.imaginary)
  }
}
