import Buffers
import Convolution

/// How far the results of `FourierOperator` may lie from the exact value.
///
/// Norms are `‖·‖₂`; `u` is the unit roundoff, `β` the error of a root of unity as it is stored. `x_c` is a block of channel `c`,
/// `w_kc` a filter plane, `n = L₁·L₂` the points of a transform, `N = Σ_c ‖x_c‖·‖w_kc‖`. All statements are for one block.
///
/// **One operation.** A sum of complex numbers, rounded in its parts, is `(a + b)(1 + δ)`, `|δ| ≤ u`; a product with a root
/// `ab(1 + δ)`, `1 + |δ| ≤ τ = (1 + √5·u)(1 + β)` (Brent, Percival and Zimmermann, Math. Comp. 76, 2007); fused it
/// errs by less, 2u. Products with −1, ±i and powers of two are exact.
///
/// **Forward.** Every layer of sums or of products is a multiple of a unitary map, whose error relative to its result's
/// norm is at most that of one operation; so the errors of layers multiply (Percival, Math. Comp. 72, 2003). That holds for the
/// separation of the two real rows packed into a complex one (a sum, a product with a root, a sum) as well, where the norm
/// counts the rows of frequencies 1 … h − 1 twice, as the whole spectrum has them. With `m = log₂ n` layers of sums, one
/// more for the separation, and `t` layers of products, `t` below `m/2 + 2` because radix 4 needs one in two:
///
///     ‖X̂ − X‖ ≤ ε_F·√n·‖x‖,    1 + ε_F = (1+u)^(m+1) · τ^t
///
/// **Products.** `Σ_c X_c·W_c` over `C` channels, in order, errs by `ρ·Σ|X̂_c||Ŵ_c|`, `1 + ρ = (1 + √5·u)(1+u)^(C−1)`.
/// Cauchy and Schwarz sum that over all frequencies: `Σ|P| ≤ n·N`, and `Σ|P̂ − P| ≤ [(1 + ε_F)²(1 + ρ) − 1]·n·N`.
///
/// **Inverse.** Here every path from a frequency to a point counts by itself. Along the rows (`m₂` sums, `t₂` products)
/// there is one path, and the error at a point is `ε_a = (1+u)^m₂·τ^t₂ − 1` times `Σ|P̂|/n`. Joining row `k` with the conjugate of
/// row `h − k` errs by `ε_j = (1+u)²τ − 1` times `|X_k + conj X_{h−k}| + |X_k − conj X_{h−k}|`, which is up to twice the magnitudes that
/// went in; and `|Z_k| + |Z_{h−k}| ≤ √2·(|X_k| + |X_{h−k}|)` goes into the last transform, which errs by `ε_d = (1+u)^(m₁−1)·τ^t₁ − 1` of
/// that. The scaling by `1/4n` is exact. Together
///
///     |ŷ − y| ≤ [(1 + ε_F)²(1 + ρ)(1 + ε_a)(1 + 2ε_j)(1 + √2·ε_d) − 1]·N
///
/// **Blocks.** An output adds up the points of at most `q` blocks, and a bias: up to `q` sums (`q − 1` without a bias), each
/// rounded, of terms below `N_b + E_b` and `|b|`: `((1+u)^q − 1)(|b| + Σ_b (N_b + E_b))` more, `N_b` and `E_b` the block's `N` and error.
///
/// **Underflow.** Sums never underflow; a product of complex numbers errs by `√2·η` more, `η` the smallest subnormal. Of the
/// `t` layers forward that is `√(2n)·t·η` at most in terms of the block's norm (`n` numbers, carried on by `√n` at most, per
/// `√n`), for block and filter each; `√2·η` for each product, which `n` frequencies and `1/4n` only make less; twice
/// `√2·η` for each layer of the inverse; and one for the scaling:
///
///     Σ_c a·(‖x_c‖ + ‖w_kc‖ + a) + √2·η·(C + 2t + 1),  a = √(2n)·t·η,  times 1 + the whole relative error
///
/// **Overflow.** No intermediate is larger than `8√n` times a norm forward, or `32·n·N` behind. Where that
/// might not fit the format, nothing is promised: the bound is infinite.
///
/// The transposed map is the same with outputs and image channels exchanged. Everything is evaluated in float64:
/// powers as `γ`, norms with a factor for their own roundings, and all of it times `1 + 2⁻⁴⁰` at the end.
struct FourierBound {
  /// The factor of `N`.
  let relative: Double
  /// What every block adds for each layer's underflow.
  private let absolute: Double
  /// The change of a norm that stands for the underflow of a forward transform, `a`.
  private let shift: Double
  /// The factor of everything that is added up over blocks, in all.
  private let sums: Double
  private let points: Double
  private let largest: Double
  private let given: Int

  init<Scalar: TensorScalar>(_: Scalar.Type, plan: FourierPlan, adjoint: Bool, hasBias: Bool) {
    let u = Scalar.dataType.unitRoundoff
    let eta = Scalar.dataType.leastNonzeroMagnitude
    given = adjoint ? plan.channels.outputPerGroup : plan.channels.imagePerGroup
    // Half a unit in the last place below 1 where roots are rounded to a shorter format.
    let rounding = Scalar.precision == .single ? u / 2 : 0
    let beta = 1.4143 * (rounding + FourierRoots.componentError)
    let product = 2.2361 * u
    let root = Self.chain(product, beta)
    let (down, along) = plan.passes
    let layers = down.products + along.products + 1
    let forward = Self.chain(
      Self.power(u, down.sums + along.sums + 2), Self.power(root, layers))
    let terms = Self.chain(product, Self.power(u, given - 1))
    let inverse = Self.chain(
      Self.chain(Self.power(u, along.sums), Self.power(root, along.products)),
      Self.chain(
        2 * Self.chain(Self.power(u, 2), root),
        1.4143 * Self.chain(Self.power(u, down.sums), Self.power(root, down.products))))
    relative = Self.chain(Self.chain(Self.chain(forward, forward), terms), inverse)
    points = Double(plan.size.height) * Double(plan.size.width)
    shift = 1.4143 * points.squareRoot() * Double(layers) * eta
    absolute = 2 * eta * (Double(given) + 2 * Double(layers) + 1)
    largest = Double(Scalar.greatestFiniteMagnitude)
    let blocks = plan.rows.overlap(adjoint: adjoint) * plan.columns.overlap(adjoint: adjoint)
    sums = Self.power(u, max(0, blocks - (hasBias ? 0 : 1)))
  }

  /// What one block adds to the bound of each result that it reaches.
  ///
  /// - Parameters:
  ///   - products: `N`, the sum of products of norms.
  ///   - norms: the sum of norms of block and filter over the channels, `largestNorm` the largest of them.
  func ofBlock(products: Double, norms: Double, largestNorm: Double) -> Double {
    let fits =
      8 * points.squareRoot() * (1 + relative) * largestNorm < largest
      && 32 * points * (1 + relative) * products < largest
    // A block or a filter of zeros alone gives zeros, exactly.
    if products == 0 && fits { return 0 }
    let error =
      relative * products + (1 + relative) * (shift * (norms + Double(given) * shift) + absolute)
    return fits ? error + sums * (products + error) : .infinity
  }

  /// What the bias adds.
  func ofBias(_ bias: Double) -> Double { sums * bias.magnitude }

  /// `(1 + a)(1 + b) − 1`.
  private static func chain(_ a: Double, _ b: Double) -> Double { a + b + a * b }

  /// At least `(1 + a)^count − 1`; infinite where that is above 1.
  private static func power(_ a: Double, _ count: Int) -> Double {
    let sum = a * Double(count)
    return sum < 0.5 ? sum / (1 - sum) : .infinity
  }
}

extension FourierBound {
  /// The bound of every element of the result; nil where the operator is another one.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func elements<Scalar: TensorScalar>(
    of prepared: borrowing ConvolutionOperator<Scalar>, problem: borrowing ConvolutionProblem<Scalar>
  ) -> Tensor<Double>? {
    guard let map = prepared.map as? FourierOperator<Scalar> else { return nil }
    let geometry = problem.geometry
    let (plan, channels, adjoint) = (map.plan, geometry.channels, geometry.isTransposed)
    let bound = FourierBound(Scalar.self, plan: plan, adjoint: adjoint, hasBias: problem.hasBias)
    let planes = channels.imagePerGroup
    let (given, made) = adjoint ? (channels.outputPerGroup, planes) : (planes, channels.outputPerGroup)
    let image = BlockSource(geometry)
    let size = adjoint ? geometry.image : geometry.output
    var result = Tensor<Double>(shape: geometry.resultShape, repeating: 0)
    let values = result.mutableValues.baseAddress.unsafelyUnwrapped
    let (pixels, taps) = (
      problem.image.values.baseAddress.unsafelyUnwrapped, problem.filter.values.baseAddress.unsafelyUnwrapped
    )
    let filters = (0..<channels.output * planes).map { plane in
      norm(taps + plane * geometry.taps, rows: [0], columns: [0..<geometry.taps])
    }
    let rowBlocks = (0..<plan.rows.blockCount(adjoint: adjoint)).map { image.rows(of: plan.rows, block: $0) }
    let columnBlocks = (0..<plan.columns.blockCount(adjoint: adjoint)).map {
      image.columns(of: plan.columns, block: $0)
    }
    for group in 0..<channels.batch * channels.groups {
      let firstFilter = group % channels.groups * given * made
      for rows in rowBlocks where !rows.reached.isEmpty {
        for columns in columnBlocks where !columns.reached.isEmpty {
          let norms = (0..<given).map { channel in
            let plane = pixels + (group * given + channel) * image.planeCount
            return norm(plane, rows: rows.read, columns: columns.read)
          }
          for m in 0..<made {
            var (products, sum, most) = (0.0, 0.0, 0.0)
            for (g, norm) in norms.enumerated() {
              let filter = filters[firstFilter + (adjoint ? g * made + m : m * given + g)]
              // 0 times what is not finite is nothing to promise anything about, and no product of others is 0.
              products +=
                norm != 0 && filter != 0 ? max(norm * filter, .leastNonzeroMagnitude) : norm * filter
              sum += norm + filter
              most = max(most, norm, filter)
            }
            let error = bound.ofBlock(products: products, norms: sum, largestNorm: most)
            let plane = values + (group * made + m) * size.elementCount
            for row in rows.reached {
              let target = plane + row * size.width
              for column in columns.reached { target[column] += error }
            }
          }
        }
      }
    }
    let outward = 1 + 0x1p-40
    for plane in 0..<channels.batch * channels.groups * made {
      let bias = bound.ofBias(Double(problem.bias.values[plane % geometry.resultChannels]))
      for index in plane * size.elementCount..<(plane + 1) * size.elementCount {
        let error = (values[index] + bias) * outward
        values[index] = error < .infinity ? error : .infinity
      }
    }
    return result
  }
}

/// Where the pixels of the operator's blocks stand in the image that the problem is given.
private struct BlockSource {
  /// Elements of a given plane.
  let planeCount: Int
  private let geometry: ConvolutionGeometry

  init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    planeCount = (geometry.isTransposed ? geometry.output : geometry.image).elementCount
  }

  /// The starts of the rows that a block reads, and the rows of the result that it reaches.
  func rows(of axis: FourierAxis, block: Int) -> (read: [Int], reached: Range<Int>) {
    let (read, reached) = meeting(geometry.rows, axis, block)
    let width = geometry.isTransposed ? geometry.columns.output : geometry.columns.image
    return (read.map { $0 * width }, reached)
  }

  /// The columns that a block reads, in runs, and those of the result that it reaches.
  func columns(of axis: FourierAxis, block: Int) -> (read: [Range<Int>], reached: Range<Int>) {
    let (read, reached) = meeting(geometry.columns, axis, block)
    var runs: [Range<Int>] = []
    for column in read {
      if let last = runs.last, last.upperBound == column {
        runs[runs.count - 1] = last.lowerBound..<column + 1
      } else {
        runs.append(column..<column + 1)
      }
    }
    return (runs, reached)
  }

  private func meeting(
    _ axis: AxisGeometry, _ blocks: FourierAxis, _ block: Int
  ) -> (read: [Int], reached: Range<Int>) {
    if geometry.isTransposed {
      let positions = blocks.positions(ofBlock: block)
      return (Array(blocks.outputs(at: positions)), blocks.pixels(reachedBy: positions))
    }
    let pixels = blocks.pixels(ofBlock: block)
    // With zeros the operator's pixels are the image's; otherwise the padding stands around them already.
    let read = axis.mode == .zeros ? Array(pixels) : pixels.compactMap { axis.source(of: $0 - axis.before) }
    return (read, blocks.outputs(reachedBy: pixels))
  }
}
