import Buffers
import Convolution

/// What the elements of a result are sums of: the numbers, and how they meet.
struct Summands<Scalar: TensorScalar> {
  private let geometry: ConvolutionGeometry
  private let direction: Contraction.Direction
  private let isFlipped: Bool
  private let first: UnsafePointer<Scalar>
  private let second: UnsafePointer<Scalar>
  /// One number for each channel of the result; nil where there is none to add.
  private let bias: UnsafePointer<Scalar>?

  /// The sums of a problem's result, valid while the problem lives.
  @inline(__always)
  init(_ problem: borrowing ConvolutionProblem<Scalar>) {
    geometry = problem.geometry
    direction = geometry.isTransposed ? .images : .outputs
    isFlipped = false
    first = problem.filter.values.baseAddress.unsafelyUnwrapped
    second = problem.image.values.baseAddress.unsafelyUnwrapped
    bias = problem.bias.values.baseAddress.unsafelyUnwrapped
  }

  /// The sums of one of a problem's gradients, valid while problem, `upstream` and `one`, which is the number 1, live.
  @inline(__always)
  init(
    _ target: GradientTarget, of problem: borrowing ConvolutionProblem<Scalar>,
    upstream: UnsafePointer<Scalar>,
    one: UnsafePointer<Scalar>
  ) {
    geometry = problem.geometry
    isFlipped = problem.isFlipped
    bias = nil
    let image = problem.image.values.baseAddress.unsafelyUnwrapped
    switch target {
    case .image:
      direction = geometry.isTransposed ? .outputs : .images
      first = problem.filter.values.baseAddress.unsafelyUnwrapped
      second = upstream
    case .filter:
      direction = .filter
      (first, second) = geometry.isTransposed ? (image, upstream) : (upstream, image)
    case .bias:
      direction = .bias
      (first, second) = (upstream, one)
    }
  }

  /// Where the pairs of every element are.
  func contraction() -> Contraction {
    Contraction(geometry, to: direction, isFlipped: isFlipped)
  }

  /// Whether all factors of the element at `index`, and its bias, are finite.
  func isFinite(at index: Int, _ contraction: Contraction) -> Bool {
    let (plane, place) = index.quotientAndRemainder(dividingBy: contraction.plane.elementCount)
    let (row, column) = place.quotientAndRemainder(dividingBy: contraction.plane.width)
    return start(of: plane).isFinite
      && contraction.forEachProduct(plane, row, column, first, second) { $0.isFinite && $1.isFinite }
  }

  /// The exact sum of the element at `index`, rounded once to `format`. All its factors and its bias must be finite.
  func rounded(at index: Int, _ contraction: Contraction, to format: DataType) -> Double {
    switch Scalar.precision {
    case .single:
      var sum = SingleAccumulator()
      add(index, contraction, to: &sum)
      return sum.rounded(to: format)
    case .double:
      var sum = DoubleAccumulator()
      add(index, contraction, to: &sum)
      return sum.rounded(to: format)
    }
  }

  /// Adds all terms of the element at `index`, which must be finite, to `sum`.
  @inline(__always)
  func add<let limbs: Int>(
    _ index: Int, _ contraction: Contraction, to sum: inout ExactAccumulator<limbs>
  ) {
    let (plane, place) = index.quotientAndRemainder(dividingBy: contraction.plane.elementCount)
    let (row, column) = place.quotientAndRemainder(dividingBy: contraction.plane.width)
    sum.add(start(of: plane))
    _ = contraction.forEachProduct(plane, row, column, first, second) { left, right in
      sum.add(Double(left), times: Double(right))
      return true
    }
  }

  /// The exponent of a power of two of which all terms of all elements are multiples; nil where one is not finite.
  func leastPlace() -> Int? {
    let counts =
      switch direction {
      case .outputs: (geometry.weights, geometry.imageElementCount)
      case .images: (geometry.weights, geometry.outputElementCount)
      case .filter: (geometry.outputElementCount, geometry.imageElementCount)
      case .bias: (geometry.isTransposed ? geometry.imageElementCount : geometry.outputElementCount, 1)
      }
    guard let left = SumError.leastPlace(of: UnsafeBufferPointer(start: first, count: counts.0)),
      let right = SumError.leastPlace(of: UnsafeBufferPointer(start: second, count: counts.1))
    else { return nil }
    // Zeros are multiples of more than can be said.
    let products = min(left + right, 970)
    guard let bias else { return products }
    let biases = UnsafeBufferPointer(start: bias, count: geometry.resultChannels)
    return SumError.leastPlace(of: biases).map { min(products, $0) }
  }

  /// What the sums of plane `plane` start with.
  @inline(__always)
  private func start(of plane: Int) -> Double {
    guard let bias else { return 0 }
    return Double(bias[plane % geometry.resultChannels])
  }

  /// Forms the reference of all elements, strip by strip, and hands each to `sink`; `fused` says that a factor is too
  /// large to be split.
  @inline(__always)
  func formReference<Sink: ReferenceSink>(fused: Bool, into sink: inout Sink) {
    if direction == .bias || isFlipped || (direction == .images && !canTurn) {
      form(contraction(), fused, into: &sink)
      return
    }
    switch (Scalar.precision, fused) {
    case (.single, _): form(as: SingleSum.self, into: &sink)
    case (.double, false): form(as: SplitSum.self, into: &sink)
    case (.double, true): form(as: FusedSum.self, into: &sink)
    }
  }

  /// Whether the transposed map may be formed as a convolution: its padding is zeros, and the zeros between what stands at
  /// the outputs are so few that to multiply them takes less time than to step over them.
  private var canTurn: Bool {
    if geometry.paddingMode != .zeros { return false }
    let (stride, filter) = (geometry.stride, geometry.filter)
    if stride == Extent(1, 1) { return true }
    // What is not finite makes NaN of the zeros.
    let taps = UnsafeBufferPointer(start: first, count: geometry.weights)
    return min(stride.height, filter.height) * min(stride.width, filter.width) <= 9
      && stride.height * stride.width <= 16 && Scan(taps).nonfinite == 0
  }

  /// Forms all elements as those of a convolution.
  @inline(never)
  private func form<Sum: ProductSum, Sink: ReferenceSink>(as _: Sum.Type, into sink: inout Sink) {
    let (left, right) = (rebound(first, to: Sum.Factor.self), rebound(second, to: Sum.Factor.self))
    if direction == .images {
      let turned = TurnedFactors(geometry, filter: left, outputs: right)
      formForward(
        geometry.turned, UnsafePointer(turned.filter.base), UnsafePointer(turned.images.base), as: Sum.self,
        into: &sink)
      return
    }
    // Zeros are skipped; pixels that stand on the padding are put there.
    let isPadded = geometry.paddingMode != .zeros
    let padded = isPadded ? ImagePadding(geometry).padded(second) : AlignedBuffer<Scalar>()
    let images = isPadded ? rebound(UnsafePointer(padded.base), to: Sum.Factor.self) : right
    let inner = isPadded ? geometry.padded : geometry
    if direction == .outputs {
      formForward(inner, left, images, as: Sum.self, into: &sink)
    } else {
      formFilterGradient(inner, left, images, as: Sum.self, into: &sink)
    }
  }

  private func formForward<Sum: ProductSum, Sink: ReferenceSink>(
    _ geometry: ConvolutionGeometry, _ filter: UnsafePointer<Sum.Factor>, _ images: UnsafePointer<Sum.Factor>,
    as _: Sum.Type, into sink: inout Sink
  ) {
    let strip = ReferenceStrip(geometry.output)
    let values = strip.values
    let forward = ForwardReference<Sum>(
      geometry, weights: UnsafeBufferPointer(start: filter, count: geometry.weights), into: strip)
    let channels = geometry.channels
    for plane in 0..<channels.batch &* channels.output {
      let (n, k) = plane.quotientAndRemainder(dividingBy: channels.output)
      let weights = filter + k &* channels.imagePerGroup &* geometry.taps
      let image =
        images + (n &* channels.image &+ channels.firstImageChannel(of: k)) &* geometry.image.elementCount
      strip.forEachPart(of: plane, geometry.output) { rows, from, count in
        forward.form(rows, weights: weights, image: image, start: start(of: plane))
        sink.take(values, from: from, count: count)
      }
    }
  }

  /// The gradient of the filter of `geometry`, whose padding mode must be zeros, by what stands at its outputs.
  private func formFilterGradient<Sum: ProductSum, Sink: ReferenceSink>(
    _ geometry: ConvolutionGeometry, _ outputs: UnsafePointer<Sum.Factor>,
    _ images: UnsafePointer<Sum.Factor>,
    as _: Sum.Type, into sink: inout Sink
  ) {
    let (taps, channels) = (geometry.contractedToTaps, geometry.channels)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let strip = ReferenceStrip(taps.output)
    let values = strip.values
    let forward = ForwardReference<Sum>(
      taps, steps: .init(image: channels.image &* imagePlane, weights: channels.output &* outputPlane),
      weights: UnsafeBufferPointer(start: outputs, count: geometry.outputElementCount), into: strip)
    for plane in 0..<channels.output &* channels.imagePerGroup {
      let (k, c) = plane.quotientAndRemainder(dividingBy: channels.imagePerGroup)
      let image = images + (channels.firstImageChannel(of: k) &+ c) &* imagePlane
      strip.forEachPart(of: plane, taps.output) { rows, from, count in
        forward.form(rows, weights: outputs + k &* outputPlane, image: image, start: 0)
        sink.take(values, from: from, count: count)
      }
    }
  }

  @inline(never)
  private func form<Sink: ReferenceSink>(_ contraction: Contraction, _ fused: Bool, into sink: inout Sink) {
    let strip = ReferenceStrip(contraction.plane)
    let values = strip.values
    var done = 0
    for plane in 0..<contraction.planes {
      let start = start(of: plane)
      var row = 0
      while row < contraction.plane.height {
        let rows = row..<min(row &+ strip.rowCapacity, contraction.plane.height)
        switch (Scalar.precision, fused) {
        case (.single, _):
          values.form(
            rows, of: plane, contraction, rebound(first, to: Float.self), rebound(second, to: Float.self),
            start: start, as: SingleSum.self)
        case (.double, false):
          values.form(
            rows, of: plane, contraction, rebound(first, to: Double.self), rebound(second, to: Double.self),
            start: start, as: SplitSum.self)
        case (.double, true):
          values.form(
            rows, of: plane, contraction, rebound(first, to: Double.self), rebound(second, to: Double.self),
            start: start, as: FusedSum.self)
        }
        sink.take(values, from: done, count: rows.count &* contraction.plane.width)
        done &+= rows.count &* contraction.plane.width
        row = rows.upperBound
      }
    }
  }

  /// The same numbers as those of the type that the precision says they are.
  @inline(__always)
  private func rebound<Number>(_ numbers: UnsafePointer<Scalar>, to: Number.Type) -> UnsafePointer<Number> {
    UnsafeRawPointer(numbers).assumingMemoryBound(to: Number.self)
  }
}

/// What the strips of a reference are handed to, in row-major order.
protocol ReferenceSink {
  /// Takes the sums of the elements `start ..< start + count`.
  mutating func take(_ values: ReferenceValues, from start: Int, count: Int)
}
