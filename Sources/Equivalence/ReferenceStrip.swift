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
  /// The outputs of a row that all taps reach.
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
    interior = columns.interior
  }

  deinit { value.deallocate() }

  /// Forms the rows `rows`, at most `rowCapacity` of them.
  func form(_ rows: Range<Int>, image: UnsafePointer<Float>, filter: UnsafePointer<Float>) {
    let stride = geometry.columns.stride
    for a in rows {
      let start = (a &- rows.lowerBound) &* geometry.columns.output
      let rowTaps = geometry.rows.taps(of: a)
      if stride == 1 {
        forEachBlock { b in formBlock(a, b, start, rowTaps, image, filter) { Vector($0) } }
      } else {
        forEachBlock { b in formBlock(a, b, start, rowTaps, image, filter) { Vector($0, stride: stride) } }
      }
      forEachOther { b, columnTaps in formOne(a, b, start, rowTaps, columnTaps, image, filter) }
    }
  }

  /// Forms the rows `rows` by split products, or by fused ones where `fused` says that a factor is too large to split.
  func form(_ rows: Range<Int>, image: UnsafePointer<Double>, filter: UnsafePointer<Double>, fused: Bool) {
    let stride = geometry.columns.stride
    for a in rows {
      let start = (a &- rows.lowerBound) &* geometry.columns.output
      let rowTaps = geometry.rows.taps(of: a)
      if fused {
        for b in 0..<geometry.columns.output {
          formOne(a, b, start, rowTaps, geometry.columns.taps(of: b), image, filter, fused: true)
        }
        continue
      }
      if stride == 1 {
        forEachBlock { b in formBlock(a, b, start, rowTaps, image, filter) { Vector($0) } }
      } else {
        forEachBlock { b in formBlock(a, b, start, rowTaps, image, filter) { Vector($0, stride: stride) } }
      }
      forEachOther { b, columnTaps in formOne(a, b, start, rowTaps, columnTaps, image, filter, fused: false) }
    }
  }

  /// Calls `body` with the first output of each block of a row. The last block ends where the interior ends and may
  /// form some outputs a second time.
  @inline(__always)
  private func forEachBlock(_ body: (Int) -> Void) {
    if interior.count < Self.blockLength { return }
    let last = interior.upperBound &- Self.blockLength
    var b = interior.lowerBound
    while b < last {
      body(b)
      b &+= Self.blockLength
    }
    body(last)
  }

  /// Calls `body` with each output of a row that no block forms, and with the columns of the filter that reach it.
  @inline(__always)
  private func forEachOther(_ body: (Int, Range<Int>) -> Void) {
    let columns = geometry.columns
    if interior.count < Self.blockLength {
      for b in interior { body(b, 0..<columns.filter) }
    }
    for b in 0..<interior.lowerBound { body(b, columns.taps(of: b)) }
    for b in interior.upperBound..<columns.output { body(b, columns.taps(of: b)) }
  }

  /// Calls `body` with the weight and the pixel of each tap of output (`a`, `b`) that stands on the image: those in
  /// `rowTaps` × `columnTaps`.
  @inline(__always)
  private func forEachTap<Scalar>(
    _ a: Int, _ b: Int, _ rowTaps: Range<Int>, _ columnTaps: Range<Int>, _ image: UnsafePointer<Scalar>,
    _ filter: UnsafePointer<Scalar>,
    _ body: (_ weight: Scalar, _ pixel: UnsafePointer<Scalar>) -> Void
  ) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    let first = columns.pixel(output: b, tap: columnTaps.lowerBound)
    for u in rowTaps {
      let weights = filter + u &* columns.filter
      var pixel = image + (rows.pixel(output: a, tap: u) &* columns.image &+ first)
      for v in columnTaps {
        body(weights[v], pixel)
        pixel += columns.dilation
      }
    }
  }

  /// Forms one output from float32 pixels: exact products, rounded sums.
  @inline(__always)
  private func formOne(
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ columnTaps: Range<Int>,
    _ image: UnsafePointer<Float>, _ filter: UnsafePointer<Float>
  ) {
    var sum = 0.0
    var magnitudes = 0.0
    forEachTap(a, b, rowTaps, columnTaps, image, filter) { weight, pixel in
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
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ image: UnsafePointer<Float>,
    _ filter: UnsafePointer<Float>,
    _ load: (UnsafePointer<Float>) -> Vector
  ) {
    var sum = Vector.zero
    var magnitudes = Vector.zero
    forEachTap(a, b, rowTaps, 0..<geometry.columns.filter, image, filter) { weight, pixel in
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
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ columnTaps: Range<Int>,
    _ image: UnsafePointer<Double>, _ filter: UnsafePointer<Double>,
    fused: Bool
  ) {
    var sum = 0.0
    var lost = 0.0
    var magnitudes = 0.0
    forEachTap(a, b, rowTaps, columnTaps, image, filter) { weight, pixel in
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
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ image: UnsafePointer<Double>,
    _ filter: UnsafePointer<Double>,
    _ load: (UnsafePointer<Double>) -> Vector
  ) {
    var sum = Vector.zero
    var lost = Vector.zero
    var magnitudes = Vector.zero
    forEachTap(a, b, rowTaps, 0..<geometry.columns.filter, image, filter) { weight, pixel in
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
