import Convolution

/// At least the 2-norm of the numbers behind `base` at all sums of a row's start and a column; infinite where one is not finite.
///
/// - Parameter columns: Columns side by side, in runs.
@inline(__always)
func norm<Scalar: TensorScalar>(
  _ base: UnsafePointer<Scalar>, rows: [Int], columns: [Range<Int>]
) -> Double {
  let count = columns.reduce(0) { $0 + $1.count } * rows.count
  // Each number adds at most half the smallest subnormal by its square's underflow, which is nothing beside such a sum.
  let plain = sumOfSquares(base, rows, columns, scale: 1)
  if plain > 0x1p-800 && plain < 0x1p1000 { return grown(plain, count) }
  var largest = 0.0
  for row in rows {
    for run in columns {
      for column in run {
        let value = Double(base[row &+ column]).magnitude
        if !(value < .infinity) { return .infinity }
        largest = max(largest, value)
      }
    }
  }
  if largest == 0 { return 0 }
  // Scaled so that the largest is about 1, no square overflows, and those that underflow don't count.
  let exponent = min(1000, max(-1000, Int(largest.exponent)))
  let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
  return grown(sumOfSquares(base, rows, columns, scale: scale), count) / scale * (1 + 0x1p-50)
    + .leastNonzeroMagnitude
}

extension Tensor where Scalar: TensorScalar {
  /// At least the norm of all elements.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func norm() -> Double {
    Equivalence.norm(values.baseAddress.unsafelyUnwrapped, rows: [0], columns: [0..<values.count])
  }
}

/// The root of a computed sum of `count` squares with all that may have been lost on the way.
private func grown(_ sum: Double, _ count: Int) -> Double {
  (sum * (1 + 2 * (Double(count) + 4) * 0x1p-53)).squareRoot() * (1 + 0x1p-50)
}

/// In running sums side by side; the factor is a power of two.
@inline(__always)
private func sumOfSquares<Scalar: TensorScalar>(
  _ base: UnsafePointer<Scalar>, _ rows: [Int], _ columns: [Range<Int>], scale: Double
) -> Double {
  var sums = Vector.zero
  var rest = 0.0
  for row in rows {
    for run in columns {
      let start = base + (row &+ run.lowerBound)
      var index = 0
      while index &+ Vector.scalarCount <= run.count {
        var values = Vector.zero
        for lane in 0..<Vector.scalarCount { values[lane] = Double(start[index &+ lane]) }
        values *= scale
        sums += values * values
        index &+= Vector.scalarCount
      }
      while index < run.count {
        let value = Double(start[index]) * scale
        rest += value * value
        index &+= 1
      }
    }
  }
  return sums.sum() + rest
}
