import Buffers

/// Two-dimensional transforms of one real block, and their inverse.
///
/// **Real input.** Down the columns (length L₁, at least 2) rows 2r and 2r+1 are the real and the imaginary part of one
/// row `z[r]` of half as many; one complex transform of length `h = L₁/2`, then with `W = exp(−2πi/L₁)`
///
///     2X[k] = (Z[k] + conj Z[h−k]) − i·W^k·(Z[k] − conj Z[h−k])
///
/// for `k = 0 … h`: half the spectrum and one row, all that a real block has. These rows are transposed and transformed
/// along their own length L₂, again with all of them side by side.
///
/// A spectrum holds `2X`, real parts, then imaginary parts, each of L₂ rows of `pitch ≥ h + 1` numbers; the rows stand in
/// the order in which the stages leave them. `inverse` makes `n = L₁·L₂` times the block of `X`; of the product of two
/// spectra, `4n` times. All these factors are powers of two, and whoever reads the block divides by them once.
package final class FourierTransform<Scalar: FourierRing>: Sendable {
  /// Points of a block, both powers of two.
  package let size: Extent
  private let down: FourierStages<Scalar>
  private let along: FourierStages<Scalar>
  /// `W^k` for `0 < k < h/2`: real part, imaginary part.
  private let roots: AlignedBuffer<Scalar>
  /// The rows on which frequencies 0 … h of the columns stand.
  private let places: AlignedBuffer<Int>
  /// The inner loops, where the block is one for them.
  private let kernel: FourierKernel<Scalar>?

  /// Plans transforms of blocks of `size`.
  package init(size: Extent) {
    self.size = size
    let half = size.height / 2
    down = FourierStages(count: half)
    along = FourierStages(count: size.width)
    var roots = AlignedBuffer<Scalar>(capacity: max(0, half - 2))
    for k in 1..<max(1, half / 2) {
      let root = Scalar.root(k, of: size.height)
      roots.append(root.0)
      roots.append(.zero - root.1)
    }
    self.roots = roots
    var places = AlignedBuffer<Int>(capacity: half + 1)
    for k in 0..<half { places.append(down.place(of: k)) }
    places.append(half)
    self.places = places
    kernel = FourierKernel(size: size)
  }

  /// Bytes of the tables of blocks of `size`, `Int.max` where that does not fit.
  static func tableBytes(_ size: Extent, scalarByteCount: Int) -> Int {
    // 6/4 · (1 + 1/4 + …) = 2 of each length at most.
    let roots = saturatingSum(size.height, saturatingProduct(2, saturatingSum(size.height / 2, size.width)))
    return saturatingSum(
      saturatingProduct(roots, scalarByteCount),
      saturatingProduct(size.height / 2 + 1, MemoryLayout<Int>.stride))
  }

  /// Numbers from one row of a spectrum to the next: whole vectors.
  static func pitch(_ size: Extent) -> Int { (size.height / 2 + 8) & ~7 }
  /// Numbers in a spectrum, or `Int.max`.
  package static func spectrumCount(_ size: Extent) -> Int { saturatingProduct(2, size.width, pitch(size)) }
  /// Numbers from one row of a block to the next but one. Long rows are set off by a cache line, or all rows of a
  /// butterfly would fall on the same lines of a cache.
  static func blockPitch(_ size: Extent) -> Int {
    size.width >= 64 ? saturatingSum(size.width, 16) : (size.width + 7) & ~7
  }
  /// Numbers in a block as it is transformed, or `Int.max`: even rows, one row to spare, odd rows, one row to spare.
  package static func blockCount(_ size: Extent) -> Int {
    saturatingProduct(2, size.height / 2 + 1, blockPitch(size))
  }
  /// Numbers of the scratch of `synthesize`, or `Int.max`.
  package static func scratchCount(_ size: Extent) -> Int {
    max(spectrumCount(size), saturatingProduct(2, size.width, FourierKernel<Scalar>.mostLanes))
  }

  private var half: Int { size.height / 2 }
  private var pitch: Int { Self.pitch(size) }
  private var blockPitch: Int { Self.blockPitch(size) }

  /// Where row `row` of the block stands behind its start.
  @inline(__always)
  package func offset(ofRow row: Int) -> Int {
    (row &>> 1 &+ (row & 1 == 0 ? 0 : half &+ 1)) &* blockPitch
  }

  /// Writes the spectrum of `block`, whose columns from `columns` on are zeros, and destroys the block.
  @inline(__always)
  package func analyze(
    _ block: UnsafeMutablePointer<Scalar>, columns: Int, into spectrum: UnsafeMutablePointer<Scalar>
  ) {
    if let kernel {
      kernel.forward(kernelPlan, block, columns: columns, into: spectrum)
    } else {
      forward(block, into: spectrum)
    }
  }

  /// Writes `4n` times the block whose spectrum is the sum of `terms` products of one of `spectra`, which follow each
  /// other, with one of `filters`, `filterStep` numbers apart, those conjugate or not; in their order.
  @inline(__always)
  package func synthesize(
    _ spectra: UnsafePointer<Scalar>, _ filters: UnsafePointer<Scalar>, filterStep: Int, terms: Int,
    conjugate: Bool, into block: UnsafeMutablePointer<Scalar>, scratch: UnsafeMutablePointer<Scalar>
  ) {
    if let kernel {
      kernel.inverse(
        kernelPlan, spectra, filters, filterStep: filterStep, terms: terms, conjugate: conjugate, into: block,
        scratch: scratch)
    } else {
      sumProducts(
        spectra, filters, filterStep: filterStep, terms: terms, conjugate: conjugate, into: scratch)
      inverse(scratch, into: block)
    }
  }

  private var kernelPlan: FourierKernel<Scalar>.Plan {
    FourierKernel<Scalar>.Plan(
      half: half, width: size.width, blockPitch: blockPitch, pitch: pitch, downRoots: down.table,
      alongRoots: along.table, separateRoots: UnsafePointer(roots.base), places: UnsafePointer(places.base))
  }

  /// The sum of `terms` products of spectra, in their order; those of the filter conjugate or not.
  @inline(__always)
  private func sumProducts(
    _ blocks: UnsafePointer<Scalar>, _ filters: UnsafePointer<Scalar>, filterStep: Int, terms: Int,
    conjugate: Bool, into sum: UnsafeMutablePointer<Scalar>
  ) {
    let spectrumCount = Self.spectrumCount(size)
    let half = spectrumCount / 2
    let sign = Scalar.quotient(conjugate ? -1 : 1, 1)
    for index in stride(from: 0, to: half, by: 4) {
      var (real, imaginary) = (Scalar.Lanes.zero, Scalar.Lanes.zero)
      var (block, filter) = (blocks + index, filters + index)
      for _ in 0..<terms {
        let (xr, xi) = (load(block), load(block + half))
        let (wr, wi) = (load(filter), load(filter + half) * sign)
        real = real + (xr * wr - xi * wi)
        imaginary = imaginary + (xr * wi + xi * wr)
        block += spectrumCount
        filter += filterStep
      }
      store((real, imaginary), sum + index, sum + half + index)
    }
  }

  /// Writes the spectrum of `block`, which it destroys.
  @inline(__always)
  package func forward(_ block: UnsafeMutablePointer<Scalar>, into spectrum: UnsafeMutablePointer<Scalar>) {
    let (real, imaginary) = (block, block + (half &+ 1) &* blockPitch)
    down.forward(real, imaginary, pitch: blockPitch)
    separate(real, imaginary)
    let (spectrumReal, spectrumImaginary) = (spectrum, spectrum + size.width &* pitch)
    transpose(UnsafePointer(real), into: spectrumReal)
    transpose(UnsafePointer(imaginary), into: spectrumImaginary)
    along.forward(spectrumReal, spectrumImaginary, pitch: pitch)
  }

  /// Writes `n` times the block whose spectrum, without the factor 2, is `spectrum`, which it destroys.
  @inline(__always)
  package func inverse(_ spectrum: UnsafeMutablePointer<Scalar>, into block: UnsafeMutablePointer<Scalar>) {
    let (spectrumReal, spectrumImaginary) = (spectrum, spectrum + size.width &* pitch)
    along.inverse(spectrumReal, spectrumImaginary, pitch: pitch)
    let (real, imaginary) = (block, block + (half &+ 1) &* blockPitch)
    transposeBack(UnsafePointer(spectrumReal), into: real)
    transposeBack(UnsafePointer(spectrumImaginary), into: imaginary)
    join(real, imaginary)
    down.inverse(real, imaginary, pitch: blockPitch)
  }

  /// From `Z` to `2X`.
  @inline(__always)
  private func separate(_ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>) {
    let last = half &* blockPitch
    for column in stride(from: 0, to: blockPitch, by: 4) {
      let (a, b) = (load(real + column), load(imaginary + column))
      store(doubled(a + b), real + column)
      store(.zero, imaginary + column)
      store(doubled(a - b), real + last + column)
      store(.zero, imaginary + last + column)
    }
    if half < 2 { return }
    doubleMiddle(real, imaginary)
    for k in 1..<max(1, half / 2) {
      let root = (roots.base[2 &* k &- 2], roots.base[2 &* k &- 1])
      let (one, other) = (places.base[k] &* blockPitch, places.base[half &- k] &* blockPitch)
      for column in stride(from: 0, to: blockPitch, by: 4) {
        let (ar, ai) = (load(real + one + column), load(imaginary + one + column))
        let (br, bi) = (load(real + other + column), load(imaginary + other + column))
        let sum = (ar + br, ai - bi)
        // −i times the difference from the conjugate.
        let turned = product((ai + bi, br - ar), root.0, root.1)
        store((sum.0 + turned.0, sum.1 + turned.1), real + one + column, imaginary + one + column)
        store((sum.0 - turned.0, turned.1 - sum.1), real + other + column, imaginary + other + column)
      }
    }
  }

  /// The row that is its own partner becomes twice its conjugate, in both directions.
  @inline(__always)
  private func doubleMiddle(
    _ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>
  ) {
    let middle = places.base[half / 2] &* blockPitch
    for column in stride(from: middle, to: middle &+ blockPitch, by: 4) {
      store(doubled(load(real + column)), real + column)
      store(.zero - doubled(load(imaginary + column)), imaginary + column)
    }
  }

  /// From `X` to `2Z`: the transpose of `separate`.
  @inline(__always)
  private func join(_ real: UnsafeMutablePointer<Scalar>, _ imaginary: UnsafeMutablePointer<Scalar>) {
    let last = half &* blockPitch
    for column in stride(from: 0, to: blockPitch, by: 4) {
      // Both are real in exact arithmetic.
      let (a, b) = (load(real + column), load(real + last + column))
      store(a + b, real + column)
      store(a - b, imaginary + column)
    }
    if half < 2 { return }
    doubleMiddle(real, imaginary)
    for k in 1..<max(1, half / 2) {
      let root = (roots.base[2 &* k &- 2], roots.base[2 &* k &- 1])
      let (one, other) = (places.base[k] &* blockPitch, places.base[half &- k] &* blockPitch)
      for column in stride(from: 0, to: blockPitch, by: 4) {
        let (ar, ai) = (load(real + one + column), load(imaginary + one + column))
        let (br, bi) = (load(real + other + column), load(imaginary + other + column))
        let sum = (ar + br, ai - bi)
        let turned = product((ar - br, ai + bi), root.0, .zero - root.1)
        // i times it.
        store((sum.0 - turned.1, sum.1 + turned.0), real + one + column, imaginary + one + column)
        store((sum.0 + turned.1, turned.0 - sum.1), real + other + column, imaginary + other + column)
      }
    }
  }

  /// Rows of frequencies, wherever they stand, become columns in their order; columns behind the last are zeros.
  @inline(__always)
  private func transpose(_ rows: UnsafePointer<Scalar>, into target: UnsafeMutablePointer<Scalar>) {
    for k in stride(from: 0, to: pitch, by: 4) {
      let (a, b, c, d) = (rows + row(k), rows + row(k &+ 1), rows + row(k &+ 2), rows + row(k &+ 3))
      let target = target + k
      if k > half {
        for column in 0..<size.width { store(.zero, target + column &* pitch) }
      } else if k &+ 3 <= half {
        for column in 0..<size.width {
          store(Scalar.Lanes(a[column], b[column], c[column], d[column]), target + column &* pitch)
        }
      } else {
        let (two, three) = (k &+ 1 <= half, k &+ 2 <= half)
        for column in 0..<size.width {
          let lanes = Scalar.Lanes(a[column], two ? b[column] : .zero, three ? c[column] : .zero, .zero)
          store(lanes, target + column &* pitch)
        }
      }
    }
  }

  /// The columns become rows again, each at its place.
  @inline(__always)
  private func transposeBack(_ source: UnsafePointer<Scalar>, into rows: UnsafeMutablePointer<Scalar>) {
    for k in stride(from: 0, through: half, by: 4) {
      let source = source + k
      if k &+ 3 <= half {
        let (a, b, c, d) = (rows + row(k), rows + row(k &+ 1), rows + row(k &+ 2), rows + row(k &+ 3))
        for column in 0..<size.width {
          let lanes = load(source + column &* pitch)
          a[column] = lanes[0]
          b[column] = lanes[1]
          c[column] = lanes[2]
          d[column] = lanes[3]
        }
      } else {
        for lane in 0...half &- k {
          let target = rows + row(k &+ lane)
          for column in 0..<size.width { target[column] = source[column &* pitch &+ lane] }
        }
      }
    }
  }

  @inline(__always)
  private func doubled(_ lanes: Scalar.Lanes) -> Scalar.Lanes { lanes + lanes }

  /// Where the row of frequency `k` begins; of the last one for those behind it.
  @inline(__always)
  private func row(_ k: Int) -> Int { places.base[min(k, half)] &* blockPitch }
}
