import Buffers

/// One-dimensional complex transforms of a power of two of rows, of all columns side by side, in place: real parts in one
/// array, imaginary parts in another, so that every loop runs along the columns.
///
/// Radix 4 with decimation in frequency, and one stage of radix 2 at the end where the power is odd. `forward` leaves its
/// results where `place(of:)` says and `inverse`, its conjugate transpose stage by stage, takes them from there: a
/// product of spectra needs no order. Neither scales.
package struct FourierStages<Scalar: FourierRing>: ~Copyable, Sendable {
  /// Rows: a power of two.
  package let count: Int
  /// `W^j, W^2j, W^3j` for the stages' `j`, `W = exp(−2πi/length)`: three real and three imaginary parts each; stages one
  /// after the other. The last stage needs none.
  private let roots: AlignedBuffer<Scalar>

  /// Plans transforms of `count` rows.
  package init(count: Int) {
    self.count = count
    var roots = AlignedBuffer<Scalar>(capacity: Self.rootCount(count))
    var length = count
    while length > 4 {
      for j in 0..<length / 4 {
        for multiple in 1...3 { roots.append(Scalar.root(multiple * j, of: length).0) }
        for multiple in 1...3 { roots.append(.zero - Scalar.root(multiple * j, of: length).1) }
      }
      length /= 4
    }
    self.roots = roots
  }

  /// The numbers in the tables of `count` rows.
  static func rootCount(_ count: Int) -> Int {
    var total = 0
    var length = count
    while length > 4 {
      total += length / 4 * 6
      length /= 4
    }
    return total
  }

  /// The roots, those of the first stage first.
  var table: UnsafePointer<Scalar> { UnsafePointer(roots.base) }

  /// The layers of products with roots that every result has passed: one a stage but for the last.
  static func rootLayers(_ count: Int) -> Int { max(0, (count.trailingZeroBitCount + 1) / 2 - 1) }

  /// The row on which `forward` leaves the result of `frequency`.
  package func place(of frequency: Int) -> Int {
    var (place, length, rest) = (0, count, frequency)
    while length > 1 {
      let radix = length >= 4 ? 4 : 2
      length /= radix
      place += rest % radix * length
      rest /= radix
    }
    return place
  }

  /// `X[k] = Σ_r x[r]·exp(−2πi·kr/count)` of every column; rows are `pitch` numbers apart, a multiple of four.
  @inline(__always)
  package func forward(
    _ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>, pitch: Int
  ) {
    var length = count
    var table = UnsafePointer(roots.base)
    while length >= 4 {
      let quarter = length / 4
      for j in 0..<quarter {
        var start = j
        while start < count {
          let first = start &* pitch
          if j == 0 {
            forwardFour(real + first, imaginary + first, quarter &* pitch, pitch)
          } else {
            forwardFour(real + first, imaginary + first, quarter &* pitch, pitch, table + 6 &* j)
          }
          start &+= length
        }
      }
      table += 6 &* quarter
      length = quarter
    }
    if length == 2 { two(real, imaginary, pitch) }
  }

  /// `x[r] = Σ_k X[k]·exp(2πi·kr/count)` of every column: `count` times the inverse of `forward`.
  @inline(__always)
  package func inverse(
    _ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>, pitch: Int
  ) {
    let odd = count.trailingZeroBitCount & 1 == 1
    if odd { two(real, imaginary, pitch) }
    var length = odd ? 8 : 4
    var table = UnsafePointer(roots.base) + roots.count
    while length <= count {
      let quarter = length / 4
      if length > 4 { table -= 6 &* quarter }
      for j in 0..<quarter {
        var start = j
        while start < count {
          let first = start &* pitch
          if j == 0 {
            inverseFour(real + first, imaginary + first, quarter &* pitch, pitch)
          } else {
            inverseFour(real + first, imaginary + first, quarter &* pitch, pitch, table + 6 &* j)
          }
          start &+= length
        }
      }
      length &*= 4
    }
  }

  @inline(__always)
  private func two(
    _ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>, _ pitch: Int
  ) {
    for pair in stride(from: 0, to: count, by: 2) {
      for part in [real, imaginary] {
        let upper = part + pair &* pitch
        let lower = upper + pitch
        for column in stride(from: 0, to: pitch, by: 4) {
          let (a, b) = (load(upper + column), load(lower + column))
          store(a + b, upper + column)
          store(a - b, lower + column)
        }
      }
    }
  }

  @inline(__always)
  private func forwardFour(
    _ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>, _ step: Int,
    _ count: Int,
    _ roots: UnsafePointer<Scalar>? = nil
  ) {
    for column in stride(from: 0, to: count, by: 4) {
      let (r, i) = (real + column, imaginary + column)
      let (ar, br, cr, dr) = (load(r), load(r + step), load(r + 2 &* step), load(r + 3 &* step))
      let (ai, bi, ci, di) = (load(i), load(i + step), load(i + 2 &* step), load(i + 3 &* step))
      let (evenR, evenI, oddR, oddI) = (ar + cr, ai + ci, br + dr, bi + di)
      let (fromR, fromI, toR, toI) = (ar - cr, ai - ci, br - dr, bi - di)
      store(evenR + oddR, r)
      store(evenI + oddI, i)
      let second = (evenR - oddR, evenI - oddI)
      let first = (fromR + toI, fromI - toR)
      let third = (fromR - toI, fromI + toR)
      if let roots {
        store(product(first, roots[0], roots[3]), r + step, i + step)
        store(product(second, roots[1], roots[4]), r + 2 &* step, i + 2 &* step)
        store(product(third, roots[2], roots[5]), r + 3 &* step, i + 3 &* step)
      } else {
        store(first, r + step, i + step)
        store(second, r + 2 &* step, i + 2 &* step)
        store(third, r + 3 &* step, i + 3 &* step)
      }
    }
  }

  @inline(__always)
  private func inverseFour(
    _ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>, _ step: Int,
    _ count: Int,
    _ roots: UnsafePointer<Scalar>? = nil
  ) {
    for column in stride(from: 0, to: count, by: 4) {
      let (r, i) = (real + column, imaginary + column)
      let (ar, ai) = (load(r), load(i))
      var (br, bi) = (load(r + step), load(i + step))
      var (cr, ci) = (load(r + 2 &* step), load(i + 2 &* step))
      var (dr, di) = (load(r + 3 &* step), load(i + 3 &* step))
      if let roots {
        (br, bi) = product((br, bi), roots[0], .zero - roots[3])
        (cr, ci) = product((cr, ci), roots[1], .zero - roots[4])
        (dr, di) = product((dr, di), roots[2], .zero - roots[5])
      }
      let (evenR, evenI, oddR, oddI) = (ar + cr, ai + ci, br + dr, bi + di)
      let (fromR, fromI, toR, toI) = (ar - cr, ai - ci, br - dr, bi - di)
      store(evenR + oddR, r)
      store(evenI + oddI, i)
      store((fromR - toI, fromI + toR), r + step, i + step)
      store((evenR - oddR, evenI - oddI), r + 2 &* step, i + 2 &* step)
      store((fromR + toI, fromI - toR), r + 3 &* step, i + 3 &* step)
    }
  }
}

/// Four neighbours in memory.
@inline(__always)
func load<Scalar: FourierRing>(_ start: UnsafePointer<Scalar>) -> Scalar.Lanes {
  UnsafeRawPointer(start).loadUnaligned(as: Scalar.Lanes.self)
}

/// Writes four neighbours to memory.
@inline(__always)
func store<Scalar: FourierRing>(_ lanes: Scalar.Lanes, _ start: UnsafeMutablePointer<Scalar>) {
  UnsafeMutableRawPointer(start).storeBytes(of: lanes, as: Scalar.Lanes.self)
}

/// Writes four complex numbers to memory.
@inline(__always)
func store<Scalar: FourierRing>(
  _ lanes: (Scalar.Lanes, Scalar.Lanes), _ real: UnsafeMutablePointer<Scalar>,
  _ imaginary: UnsafeMutablePointer<Scalar>
) {
  store(lanes.0, real)
  store(lanes.1, imaginary)
}

/// Four complex numbers times one: four products and two sums, each rounded.
@inline(__always)
func product<Scalar: FourierRing>(
  _ lanes: (Scalar.Lanes, Scalar.Lanes), _ real: Scalar, _ imaginary: Scalar
) -> (Scalar.Lanes, Scalar.Lanes) {
  (lanes.0 * real - lanes.1 * imaginary, lanes.0 * imaginary + lanes.1 * real)
}
