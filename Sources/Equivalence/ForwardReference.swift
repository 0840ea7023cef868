import Convolution

/// Forms the reference of a convolution, as fast as it can be formed: the padding being zeros, each output is one chain
/// over its channels and taps in row-major order, kept in registers until it is complete; where all taps of eight
/// neighbours stand on the image, the eight are formed side by side.
struct ForwardReference {
  /// The outputs formed side by side.
  static var blockLength: Int { 8 }

  private let geometry: ConvolutionGeometry
  private let values: ReferenceValues
  /// The outputs of a row that all taps reach.
  private let interior: Range<Int>

  /// Forms outputs of `geometry`, whose padding mode must be zeros, into `values`.
  init(_ geometry: ConvolutionGeometry, into values: ReferenceValues) {
    self.geometry = geometry
    self.values = values
    interior = geometry.columns.interior
  }

  /// One output plane: its filter's planes, the first image plane of its group, and what every sum starts with.
  struct Plane<Scalar> {
    let filter: UnsafePointer<Scalar>
    let image: UnsafePointer<Scalar>
    let start: Double
  }

  /// The output plane `index` of `filter` and `image`, in row-major order of batch and channels.
  @inline(__always)
  func plane<Scalar>(
    _ index: Int, filter: UnsafePointer<Scalar>, image: UnsafePointer<Scalar>, start: Double
  ) -> Plane<Scalar> {
    let channels = geometry.channels
    let (n, k) = index.quotientAndRemainder(dividingBy: channels.output)
    let first = n &* channels.image &+ channels.firstImageChannel(of: k)
    return Plane(
      filter: filter + k &* channels.imagePerGroup &* geometry.taps,
      image: image + first &* geometry.image.elementCount, start: start)
  }

  /// Forms the rows `rows` of a float32 plane.
  @inline(never)
  func form(_ rows: Range<Int>, of plane: Plane<Float>) {
    let stride = geometry.columns.stride
    for a in rows {
      let start = (a &- rows.lowerBound) &* geometry.columns.output
      let rowTaps = geometry.rows.taps(of: a)
      if stride == 1 {
        forEachBlock { b in formBlock(a, b, start, rowTaps, plane) { Vector($0) } }
      } else {
        forEachBlock { b in formBlock(a, b, start, rowTaps, plane) { Vector($0, stride: stride) } }
      }
      forEachOther { b, columnTaps in formOne(a, b, start, rowTaps, columnTaps, plane, SingleSum(plane.start))
      }
    }
  }

  /// Forms the rows `rows` of a float64 plane by split products, or by fused ones where `fused` says that a factor is
  /// too large to split.
  @inline(never)
  func form(_ rows: Range<Int>, of plane: Plane<Double>, fused: Bool) {
    let stride = geometry.columns.stride
    for a in rows {
      let start = (a &- rows.lowerBound) &* geometry.columns.output
      let rowTaps = geometry.rows.taps(of: a)
      if fused {
        for b in 0..<geometry.columns.output {
          formOne(a, b, start, rowTaps, geometry.columns.taps(of: b), plane, FusedSum(plane.start))
        }
        continue
      }
      if stride == 1 {
        forEachBlock { b in formBlock(a, b, start, rowTaps, plane) { Vector($0) } }
      } else {
        forEachBlock { b in formBlock(a, b, start, rowTaps, plane) { Vector($0, stride: stride) } }
      }
      forEachOther { b, columnTaps in formOne(a, b, start, rowTaps, columnTaps, plane, SplitSum(plane.start))
      }
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
  /// `rowTaps` × `columnTaps`, of each channel.
  @inline(__always)
  private func forEachTap<Scalar>(
    _ a: Int, _ b: Int, _ rowTaps: Range<Int>, _ columnTaps: Range<Int>, _ plane: Plane<Scalar>,
    _ body: (_ weight: Scalar, _ pixel: UnsafePointer<Scalar>) -> Void
  ) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    let first = columns.pixel(output: b, tap: columnTaps.lowerBound)
    var filter = plane.filter
    var image = plane.image
    var left = geometry.channels.imagePerGroup
    while true {
      for u in rowTaps {
        let weights = filter + u &* columns.filter
        var pixel = image + (rows.pixel(output: a, tap: u) &* columns.image &+ first)
        for v in columnTaps {
          body(weights[v], pixel)
          pixel += columns.dilation
        }
      }
      left &-= 1
      // The steps to another plane are not worked out for a single one.
      if left == 0 { return }
      filter += rows.filter &* columns.filter
      image += rows.image &* columns.image
    }
  }

  /// Forms one output by itself, in a sum that holds its start already.
  @inline(__always)
  private func formOne<Sum: ProductSum>(
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ columnTaps: Range<Int>,
    _ plane: Plane<Sum.Factor>,
    _ empty: Sum
  ) {
    var sum = empty
    forEachTap(a, b, rowTaps, columnTaps, plane) { weight, pixel in sum.add(weight, pixel.pointee) }
    values.store(sum, at: start &+ b)
  }

  /// Forms eight outputs from float32 pixels.
  @inline(__always)
  private func formBlock(
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ plane: Plane<Float>,
    _ load: (UnsafePointer<Float>) -> Vector
  ) {
    var sum = Vector(repeating: plane.start)
    var magnitudes = Vector(repeating: plane.start.magnitude)
    forEachTap(a, b, rowTaps, 0..<geometry.columns.filter, plane) { weight, pixel in
      let product = Double(weight) * load(pixel)
      sum += product
      magnitudes += product.magnitudes
    }
    sum.store(values.value + (start &+ b))
    magnitudes.store(values.absolute + (start &+ b))
  }

  /// Forms eight outputs from float64 pixels, as `SplitSum` forms one.
  @inline(__always)
  private func formBlock(
    _ a: Int, _ b: Int, _ start: Int, _ rowTaps: Range<Int>, _ plane: Plane<Double>,
    _ load: (UnsafePointer<Double>) -> Vector
  ) {
    var sum = Vector(repeating: plane.start)
    var lost = Vector.zero
    var magnitudes = Vector(repeating: plane.start.magnitude)
    forEachTap(a, b, rowTaps, 0..<geometry.columns.filter, plane) { weight, pixel in
      let pixels = load(pixel)
      let product = weight * pixels
      let (wHigh, wLow) = SplitSum.split(weight)
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
    sum.store(values.value + (start &+ b))
    lost.store(values.tail + (start &+ b))
    magnitudes.store(values.absolute + (start &+ b))
  }
}
