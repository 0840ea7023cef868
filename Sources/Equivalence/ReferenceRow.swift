import Convolution
import Glibc  // fma, behind addingProduct

/// One row of the reference: the sums `y ≈ value + tail` and `S = Σ|x·w|`, formed in more precision than the
/// results they judge. Kept for one row only, so that it stays in the first cache.
struct ReferenceRow: ~Copyable {
  /// The leading part of each sum.
  let value: UnsafeMutablePointer<Double>
  /// What the leading part has lost; zero for float32.
  let tail: UnsafeMutablePointer<Double>
  /// The sums of the products' magnitudes.
  let absolute: UnsafeMutablePointer<Double>
  private let width: Int

  init(width: Int) {
    self.width = width
    value = UnsafeMutablePointer<Double>.allocate(capacity: 3 * width)
    tail = value + width
    absolute = value + 2 * width
    value.initialize(repeating: 0, count: 3 * width)
  }

  deinit { value.deallocate() }

  /// Forms row `a`. `reached` holds the outputs that each column of the filter reaches.
  func form(
    _ a: Int, geometry: ConvolutionGeometry, image: UnsafePointer<Float>, filter: UnsafePointer<Float>,
    reached: [Range<Int>]
  ) {
    clear()
    forEachTap(a, geometry, reached) { tap, pixel, first, count, stride in
      addExact(Double(filter[tap]), image + pixel, first, count, stride)
    }
  }

  /// Forms row `a`, with split products, or with fused ones where `fused` says that a factor is too large to split.
  func form(
    _ a: Int, geometry: ConvolutionGeometry, image: UnsafePointer<Double>, filter: UnsafePointer<Double>,
    reached: [Range<Int>], fused: Bool
  ) {
    clear()
    forEachTap(a, geometry, reached) { tap, pixel, first, count, stride in
      if fused {
        addFused(filter[tap], image + pixel, first, count, stride)
      } else {
        addSplit(filter[tap], image + pixel, first, count, stride)
      }
    }
  }

  /// Factors from here on overflow when they are split (2⁹⁹⁶ times 2²⁷ + 1); below, they and their halves do not.
  static var splitLimit: Double { 0x1p995 }

  private func clear() {
    value.update(repeating: 0, count: 3 * width)
  }

  @inline(__always)
  private func forEachTap(
    _ a: Int, _ geometry: ConvolutionGeometry, _ reached: [Range<Int>],
    _ body: (_ tap: Int, _ pixel: Int, _ first: Int, _ count: Int, _ stride: Int) -> Void
  ) {
    let rows = geometry.rows
    let columns = geometry.columns
    for u in rows.taps(of: a) {
      let row = rows.pixel(output: a, tap: u) &* columns.image
      for v in 0..<columns.filter {
        let outputs = reached[v]
        if outputs.isEmpty { continue }
        let first = outputs.lowerBound
        body(
          u &* columns.filter &+ v, row &+ columns.pixel(output: first, tap: v), first, outputs.count,
          columns.stride)
      }
    }
  }

  /// Adds the products of `w` with float32 pixels: exact products, rounded sums.
  @inline(__always)
  private func addExact(_ w: Double, _ x: UnsafePointer<Float>, _ first: Int, _ count: Int, _ stride: Int) {
    let value = value + first
    let absolute = absolute + first
    if stride == 1 {
      for b in 0..<count {
        let product = w * Double(x[b])
        value[b] += product
        absolute[b] += product.magnitude
      }
    } else {
      for b in 0..<count {
        let product = w * Double(x[b &* stride])
        value[b] += product
        absolute[b] += product.magnitude
      }
    }
  }

  /// Adds `product + error` to the sum at `b`: Knuth's TwoSum keeps what the addition loses.
  @inline(__always)
  private func add(_ product: Double, _ error: Double, at b: Int) {
    let old = value[b]
    let sum = old + product
    let part = sum - old
    let lost = (old - (sum - part)) + (product - part)
    value[b] = sum
    tail[b] += lost + error
    absolute[b] += product.magnitude
  }

  /// Veltkamp's split of a float64 into two halves of at most 26 bits.
  @inline(__always)
  private func split(_ x: Double) -> (high: Double, low: Double) {
    let scaled = 134_217_729 * x  // 2²⁷ + 1
    let high = scaled - (scaled - x)
    return (high, x - high)
  }

  /// Adds the products of `w` with float64 pixels, each with its error by Dekker's product, which vectorises.
  @inline(__always)
  private func addSplit(_ w: Double, _ x: UnsafePointer<Double>, _ first: Int, _ count: Int, _ stride: Int) {
    let (wHigh, wLow) = split(w)
    for b in 0..<count {
      let pixel = x[b &* stride]
      let (high, low) = split(pixel)
      let product = w * pixel
      let error = low * wLow - (((product - high * wHigh) - low * wHigh) - high * wLow)
      add(product, error, at: first &+ b)
    }
  }

  /// The same by fused multiply-add, which splits nothing and overflows only where the product does.
  @inline(__always)
  private func addFused(_ w: Double, _ x: UnsafePointer<Double>, _ first: Int, _ count: Int, _ stride: Int) {
    for b in 0..<count {
      let pixel = x[b &* stride]
      let product = w * pixel
      add(product, (-product).addingProduct(w, pixel), at: first &+ b)
    }
  }
}
