import Convolution
import Glibc  // fma, behind addingProduct

/// A sum `y ≈ value + tail` of products, and `S`, the sum of their magnitudes, formed in more precision than the results
/// that they judge.
protocol ProductSum {
  associatedtype Factor: TensorScalar
  /// Whether factors are split, so that none may be too large for it.
  static var splits: Bool { get }
  /// The sum of nothing but `start`.
  init(_ start: Double)
  /// Adds the product of two factors.
  mutating func add(_ left: Factor, _ right: Factor)
  /// The leading part.
  var value: Double { get }
  /// What the leading part has lost.
  var tail: Double { get }
  /// The sum of the magnitudes.
  var absolute: Double { get }
}

/// Products of float32, exact in float64, in rounded sums.
struct SingleSum: ProductSum {
  static var splits: Bool { false }
  private(set) var value: Double
  private(set) var absolute: Double
  var tail: Double { 0 }

  @inline(__always)
  init(_ start: Double) {
    value = start
    absolute = start.magnitude
  }

  @inline(__always)
  mutating func add(_ left: Float, _ right: Float) {
    let product = Double(left) * Double(right)
    value += product
    absolute += product.magnitude
  }
}

/// Products of float64 with their errors by Dekker's splitting, in sums that keep what they lose (Knuth's TwoSum).
struct SplitSum: ProductSum {
  static var splits: Bool { true }
  private(set) var value: Double
  private(set) var tail = 0.0
  private(set) var absolute: Double

  @inline(__always)
  init(_ start: Double) {
    value = start
    absolute = start.magnitude
  }

  @inline(__always)
  mutating func add(_ left: Double, _ right: Double) {
    let product = left * right
    let (leftHigh, leftLow) = Self.split(left)
    let (high, low) = Self.split(right)
    add(product, error: low * leftLow - (((product - high * leftHigh) - low * leftHigh) - high * leftLow))
  }

  /// Adds a product with its error.
  @inline(__always)
  mutating func add(_ product: Double, error: Double) {
    let old = value
    value = old + product
    let part = value - old
    tail += ((old - (value - part)) + (product - part)) + error
    absolute += product.magnitude
  }

  /// Veltkamp's split of a float64 into two halves of at most 26 bits.
  @inline(__always)
  static func split(_ x: Double) -> (high: Double, low: Double) {
    let scaled = 134_217_729 * x  // 2²⁷ + 1
    let high = scaled - (scaled - x)
    return (high, x - high)
  }
}

/// The same where a factor is too large to be split: a fused multiply-add splits nothing and overflows only where the
/// product does.
struct FusedSum: ProductSum {
  static var splits: Bool { false }
  private var sum: SplitSum
  var value: Double { sum.value }
  var tail: Double { sum.tail }
  var absolute: Double { sum.absolute }

  @inline(__always)
  init(_ start: Double) { sum = SplitSum(start) }

  @inline(__always)
  mutating func add(_ left: Double, _ right: Double) {
    let product = left * right
    sum.add(product, error: (-product).addingProduct(left, right))
  }
}
