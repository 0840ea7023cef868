import Buffers

/// The singular value decomposition `W = Σ_r l_r · r_rᵀ` of matrices of one size, one after the other, in
/// float64 by one-sided Jacobi rotations: Hestenes, J. SIAM 6, 1958; rotations as in Golub and Van Loan,
/// Matrix Computations, 4th ed., §8.6.3, the larger column kept first (de Rijk, SIAM J. Sci. Stat. Comput.
/// 10, 1989).
///
/// The columns of `W` (or its rows, where there are fewer of them) are rotated in pairs until all are
/// orthogonal: `W·J = L`, hence `W = L·Jᵀ`, where the columns of `L` are the left singular vectors times the
/// singular values. `J` stays orthogonal whatever `L` does, so a decomposition stopped early is none of least
/// rank, but a decomposition still.
struct SingularValueDecomposition: ~Copyable {
  /// Rows and columns of the matrices.
  private let size: Extent
  /// Whether the rows are rotated instead of the columns.
  private let isTransposed: Bool
  /// Elements of a rotated vector, and how many of them there are, at most as many.
  private let length: Int
  private let count: Int
  /// The rotated vectors, one after the other, then `J` column by column, then the squared norms.
  private let vectors: AlignedBuffer<Double>
  /// The vectors in the order of their norms, the largest first.
  private var order: [Int] = []
  /// The power of two that the matrix was divided by.
  private var exponent = 0

  /// Sweeps over all pairs; ten are enough for matrices of any size in use, convergence being quadratic at
  /// last.
  private static var sweepLimit: Int { 40 }

  /// Room to decompose matrices of `size`.
  init(size: Extent) {
    self.size = size
    isTransposed = size.width > size.height
    length = max(size.height, size.width)
    count = min(size.height, size.width)
    vectors = AlignedBuffer(repeating: 0, count: Self.scratch(size))
  }

  /// Numbers that it holds.
  static func scratch(_ size: Extent) -> Int {
    let count = min(size.height, size.width)
    return saturatingProduct(count, saturatingSum(size.height + size.width, 1))
  }

  /// Multiply-adds for a matrix of `size`, ten sweeps: each pair takes one inner product and, of both its
  /// vectors and both columns of `J`, four products an element.
  static func multiplyAdds(_ size: Extent) -> Int {
    let (length, count) = (max(size.height, size.width), min(size.height, size.width))
    return saturatingProduct(5, saturatingProduct(count, count), saturatingSum(5 * length, 4 * count))
  }

  private var rotations: UnsafeMutablePointer<Double> { vectors.base + count * length }
  private var squares: UnsafeMutablePointer<Double> { vectors.base + count * (length + count) }

  /// Decomposes a matrix, given row by row. It must be finite.
  ///
  /// - Returns: its rank: how many singular values exceed `max(height, width) · 2⁻⁵²` times the largest.
  mutating func decompose<Scalar: TensorScalar>(_ matrix: UnsafePointer<Scalar>) -> Int {
    var largest = 0.0
    for index in 0..<count * length { largest = max(largest, Double(matrix[index]).magnitude) }
    order = []
    if largest == 0 { return 0 }
    // Exact, and neither squares overflow nor do those of numbers vanish that count.
    exponent = Int(largest.exponent)
    for j in 0..<count {
      for i in 0..<length {
        let place = isTransposed ? j * size.width + i : i * size.width + j
        vectors.base[j * length + i] = Double(
          sign: .plus, exponent: -exponent, significand: Double(matrix[place]))
      }
      for i in 0..<count { rotations[j * count + i] = i == j ? 1 : 0 }
    }
    var sweeps = 0
    while sweeps < Self.sweepLimit, !sweep() { sweeps += 1 }
    for j in 0..<count { squares[j] = dot(vectors.base + j * length, vectors.base + j * length, length) }
    order = (0..<count).sorted { squares[$0] > squares[$1] }
    let least = squares[order[0]].squareRoot() * Double(length) * 0x1p-52
    return order.count { squares[$0].squareRoot() > least }
  }

  /// Rotates each pair of vectors once; whether all were orthogonal already, as far as rounding lets them be.
  private mutating func sweep() -> Bool {
    for j in 0..<count { squares[j] = dot(vectors.base + j * length, vectors.base + j * length, length) }
    var isOrthogonal = true
    for p in 0..<count - 1 {
      for q in p + 1..<count {
        let (left, right) = (vectors.base + p * length, vectors.base + q * length)
        if squares[p] < squares[q] {
          swap(left, right, length)
          swap(rotations + p * count, rotations + q * count, count)
          (squares[p], squares[q]) = (squares[q], squares[p])
        }
        let product = dot(left, right, length)
        let limit = 0x1p-52 * (squares[p].squareRoot() * squares[q].squareRoot())
        if product.magnitude <= limit { continue }
        let cotangent = (squares[q] - squares[p]) / (2 * product)
        let root = (1 + cotangent * cotangent).squareRoot()
        let tangent = (cotangent < 0 ? -1 : 1) / (cotangent.magnitude + root)
        // What is so nearly orthogonal that the angle vanishes can't be improved.
        if tangent == 0 { continue }
        isOrthogonal = false
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = cosine * tangent
        rotate(left, right, length, cosine, sine)
        rotate(rotations + p * count, rotations + q * count, count, cosine, sine)
        squares[p] = squares[p] - tangent * product
        squares[q] = max(0, squares[q] + tangent * product)
      }
    }
    return isOrthogonal
  }

  /// Writes the factors of term `index` of the matrix decomposed last: a column of `height` and a row of
  /// `width` numbers, the singular value's root and half the matrix's power of two in each.
  func factors(
    _ index: Int, column: UnsafeMutablePointer<Double>, row: UnsafeMutablePointer<Double>
  ) {
    let j = order[index]
    let root = squares[j].squareRoot().squareRoot()
    let half = exponent >> 1
    let (long, short) = isTransposed ? (row, column) : (column, row)
    for i in 0..<length {
      long[i] = Double(sign: .plus, exponent: half, significand: vectors.base[j * length + i] / root)
    }
    for i in 0..<count {
      short[i] = Double(sign: .plus, exponent: exponent - half, significand: rotations[j * count + i] * root)
    }
  }
}

/// The inner product, in four chains that run side by side.
@inline(__always)
private func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
  var sums = SIMD4<Double>(repeating: 0)
  var index = 0
  while index &+ 4 <= count {
    sums +=
      UnsafeRawPointer(a + index).loadUnaligned(as: SIMD4<Double>.self)
      * UnsafeRawPointer(b + index).loadUnaligned(as: SIMD4<Double>.self)
    index &+= 4
  }
  var sum = (sums[0] + sums[1]) + (sums[2] + sums[3])
  while index < count {
    sum += a[index] * b[index]
    index &+= 1
  }
  return sum
}

/// Replaces `a`, `b` by `cosine·a − sine·b`, `sine·a + cosine·b`.
@inline(__always)
private func rotate(
  _ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, _ count: Int, _ cosine: Double,
  _ sine: Double
) {
  for index in 0..<count {
    let (x, y) = (a[index], b[index])
    a[index] = cosine * x - sine * y
    b[index] = sine * x + cosine * y
  }
}

@inline(__always)
private func swap(_ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, _ count: Int) {
  for index in 0..<count { (a[index], b[index]) = (b[index], a[index]) }
}
