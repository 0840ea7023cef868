/// A ring over which Fourier transforms run: it has quotients of powers of two, and an extension by a square root `i` of −1 with
/// roots of unity of every power of two, whose conjugates are their inverses.
public protocol FourierRing: RationalRing {
  /// Four numbers side by side.
  associatedtype Lanes: FourLanes where Lanes.Scalar == Self

  /// The two parts, without and with `i`, of a root of unity of order `count`, a power of two, to the power `index`; the same
  /// primitive root for each order; that of half the order is its square, and that of order 4 is `i`.
  static func root(_ index: Int, of count: Int) -> (Self, Self)
}

/// Four numbers side by side: the step in which all transforms go through memory.
public protocol FourLanes {
  /// One of the numbers.
  associatedtype Scalar

  /// The four.
  init(_ first: Scalar, _ second: Scalar, _ third: Scalar, _ fourth: Scalar)
  /// The number at `index`.
  subscript(index: Int) -> Scalar { get }
  /// Four zeros.
  static var zero: Self { get }
  /// Four sums.
  static func + (left: Self, right: Self) -> Self
  /// Four differences.
  static func - (left: Self, right: Self) -> Self
  /// Four products.
  static func * (left: Self, right: Self) -> Self
  /// Four products with one number.
  static func * (left: Self, right: Scalar) -> Self
}

extension SIMD4: FourLanes where Scalar: TensorScalar {}

extension Float: FourierRing {
  /// Four of them.
  public typealias Lanes = SIMD4<Float>

  /// Cosine and sine, rounded.
  public static func root(_ index: Int, of count: Int) -> (Float, Float) {
    let root = FourierRoots.root(index, of: count)
    return (Float(root.cosine), Float(root.sine))
  }
}

extension Double: FourierRing {
  /// Four of them.
  public typealias Lanes = SIMD4<Double>

  /// Cosine and sine.
  public static func root(_ index: Int, of count: Int) -> (Double, Double) {
    let root = FourierRoots.root(index, of: count)
    return (root.cosine, root.sine)
  }
}
