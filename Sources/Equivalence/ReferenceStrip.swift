import Convolution
import Glibc  // fma, behind addingProduct

/// A strip of whole rows of the reference: the sums `y ≈ value + tail` and `S = Σ|x·w|`, formed in more precision
/// than the results they judge. Its outputs lie side by side as they do in the results, and few enough of them to
/// stay in the first cache.
///
/// Each output is one chain over its taps in row-major order, kept in registers until it is complete; where all
/// taps of eight neighbours stand on the image, the eight are formed side by side.
struct ReferenceStrip: ~Copyable {
  /// The outputs formed side by side.
  static var blockLength: Int { 8 }
  /// Factors from here on overflow when they are split (2⁹⁹⁶ times 2²⁷ + 1); below, they and their halves do not.
  static var splitLimit: Double { 0x1p995 }

  /// The leading part of each sum.
  let value: UnsafeMutablePointer<Double>
  /// What the leading part has lost; zero for float32.
  let tail: UnsafeMutablePointer<Double>
  /// The sums of the products' magnitudes.
  let absolute: UnsafeMutablePointer<Double>
  /// The most rows it holds.
  let rowCapacity: Int
  private let geometry: ConvolutionGeometry
  /// The outputs of a row that all taps reach, where they are enough for a block; else none, at the row's start.
  private let interior: Range<Int>

  init(geometry: ConvolutionGeometry) {
    self.geometry = geometry
    let columns = geometry.columns
    // 1024 outputs take 24 KiB.
    rowCapacity = min(geometry.rows.output, max(1, 1024 / columns.output))
    let capacity = rowCapacity * columns.output
    value = UnsafeMutablePointer<Double>.allocate(capacity: 3 * capacity)
    tail = value + capacity
    absolute = value + 2 * capacity
    tail.initialize(repeating: 0, count: capacity)
    // Later taps reach earlier outputs: the first tap starts last and the last tap stops first.
    let lower = columns.outputs(reachedBy: 0).lowerBound
    let upper = columns.outputs(reachedBy: columns.filter - 1).upperBound
    interior = upper - lower >= Self.blockLength ? lower..<upper : 0..<0
  }

  deinit { value.deallocate() }

  /// Forms the rows `rows`, at most `rowCapacity` of them.
  func form(_ rows: Range<Int>, image: UnsafePointer<Float>, filter: UnsafePointer<Float>) {
    let stride = geometry.columns.stride
    for a in rows {
      let start = (a &- rows.lowerBound) &* geometry.columns.output
      if stride == 1 {
        forEachBlock { b in formBlock(a, b, start, image, filter) { Vector($0) } }
      } else {
        forEachBlock { b in formBlock(a, b, start, image, filter) { Vector($0, stride: stride) } }
      }
      forEachOther { b in formOne(a, b, start, image, filter) }
    }
  }

  /// Forms the rows `rows` by split products, or by fused ones where `fused` says that a factor is too large to split.
  func form(_ rows: Range<Int>, image: UnsafePointer<Double>, filter: UnsafePointer<Double>, fused: Bool) {
    let stride = geometry.columns.stride
    for a in rows {
      let start = (a &- rows.lowerBound) &* geometry.columns.output
      if fused {
        for b in 0..<geometry.columns.output { formOne(a, b, start, image, filter, fused: true) }
        continue
      }
      if stride == 1 {
        forEachBlock { b in formBlock(a, b, start, image, filter) { Vector($0) } }
      } else {
        forEachBlock { b in formBlock(a, b, start, image, filter) { Vector($0, stride: stride) } }
      }
      forEachOther { b in formOne(a, b, start, image, filter, fused: false) }
    }
  }

  /// Calls `body` with the first output of each block of a row. The last block ends where the interior ends and may
  /// form some outputs a second time.
  @inline(__always)
  private func forEachBlock(_ body: (Int) -> Void) {
    if interior.isEmpty { return }
    let last = interior.upperBound &- Self.blockLength
    var b = interior.lowerBound
    while b < last {
      body(b)
      b &+= Self.blockLength
    }
    body(last)
  }

  /// Calls `body` with each output of a row that no block forms.
  @inline(__always)
  private func forEachOther(_ body: (Int) -> Void) {
    for b in 0..<interior.lowerBound { body(b) }
    for b in interior.upperBound..<geometry.columns.output { body(b) }
  }

  /// Calls `body` with the weight and the pixel of each tap of output (`a`, `b`) that stands on the image.
  @inline(__always)
  private func forEachTap<Scalar>(
    _ a: Int, _ b: Int, _ taps: Range<Int>, _ image: UnsafePointer<Scalar>, _ filter: UnsafePointer<Scalar>,
    _ body: (_ weight: Scalar, _ pixel: UnsafePointer<Scalar>) -> Void
  ) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    for u in rows.taps(of: a) {
      let weights = filter + u &* columns.filter
      let pixels = image + (rows.pixel(output: a, tap: u) &* columns.image)
      var pixel = columns.pixel(output: b, tap: taps.lowerBound)
      for v in taps {
        body(weights[v], pixels + pixel)
        pixel &+= columns.dilation
      }
    }
  }

  /// Forms one output from float32 pixels: exact products, rounded sums.
  @inline(__always)
  private func formOne(
    _ a: Int, _ b: Int, _ start: Int, _ image: UnsafePointer<Float>, _ filter: UnsafePointer<Float>
  ) {
    var sum = 0.0
    var magnitudes = 0.0
    forEachTap(a, b, geometry.columns.taps(of: b), image, filter) { weight, pixel in
      let product = Double(weight) * Double(pixel.pointee)
      sum += product
      magnitudes += product.magnitude
    }
    value[start &+ b] = sum
    absolute[start &+ b] = magnitudes
  }

  /// Forms eight outputs from float32 pixels.
  @inline(__always)
  private func formBlock(
    _ a: Int, _ b: Int, _ start: Int, _ image: UnsafePointer<Float>, _ filter: UnsafePointer<Float>,
    _ load: (UnsafePointer<Float>) -> Vector
  ) {
    var sum = Vector.zero
    var magnitudes = Vector.zero
    forEachTap(a, b, 0..<geometry.columns.filter, image, filter) { weight, pixel in
      let product = Double(weight) * load(pixel)
      sum += product
      magnitudes += product.magnitudes
    }
    sum.store(value + (start &+ b))
    magnitudes.store(absolute + (start &+ b))
  }

  /// Forms one output from float64 pixels, each product with its error.
  @inline(__always)
  private func formOne(
    _ a: Int, _ b: Int, _ start: Int, _ image: UnsafePointer<Double>, _ filter: UnsafePointer<Double>,
    fused: Bool
  ) {
    var sum = 0.0
    var lost = 0.0
    var magnitudes = 0.0
    forEachTap(a, b, geometry.columns.taps(of: b), image, filter) { weight, pixel in
      let product = weight * pixel.pointee
      let error: Double
      if fused {
        // Splits nothing and overflows only where the product does.
        error = (-product).addingProduct(weight, pixel.pointee)
      } else {
        let (wHigh, wLow) = split(weight)
        let (high, low) = split(pixel.pointee)
        error = low * wLow - (((product - high * wHigh) - low * wHigh) - high * wLow)
      }
      let old = sum
      sum = old + product
      let part = sum - old
      lost += ((old - (sum - part)) + (product - part)) + error
      magnitudes += product.magnitude
    }
    value[start &+ b] = sum
    tail[start &+ b] = lost
    absolute[start &+ b] = magnitudes
  }

  /// Forms eight outputs from float64 pixels: Dekker's product gives each product's error, Knuth's TwoSum what each
  /// addition loses.
  @inline(__always)
  private func formBlock(
    _ a: Int, _ b: Int, _ start: Int, _ image: UnsafePointer<Double>, _ filter: UnsafePointer<Double>,
    _ load: (UnsafePointer<Double>) -> Vector
  ) {
    var sum = Vector.zero
    var lost = Vector.zero
    var magnitudes = Vector.zero
    forEachTap(a, b, 0..<geometry.columns.filter, image, filter) { weight, pixel in
      let pixels = load(pixel)
      let product = weight * pixels
      let (wHigh, wLow) = split(weight)
      let scaled = 134_217_729 * pixels
      let high = scaled - (scaled - pixels)
      let low = pixels - high
      let error = low * wLow - (((product - high * wHigh) - low * wHigh) - high * wLow)
      let old = sum
      sum = old + product
      let part = sum - old
      lost += ((old - (sum - part)) + (product - part)) + error
      magnitudes += product.magnitudes
    }
    sum.store(value + (start &+ b))
    lost.store(tail + (start &+ b))
    magnitudes.store(absolute + (start &+ b))
  }

  /// Veltkamp's split of a float64 into two halves of at most 26 bits.
  @inline(__always)
  private func split(_ x: Double) -> (high: Double, low: Double) {
    let scaled = 134_217_729 * x  // 2²⁷ + 1
    let high = scaled - (scaled - x)
    return (high, x - high)
  }
}
