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
      formForward(geometry.turned, turned.filter.elements, turned.images.elements, as: Sum.self, into: &sink)
      return
    }
    // Zeros are skipped; pixels that stand on the padding are put there.
    let isPadded = geometry.paddingMode != .zeros
    let padded = isPadded ? ImagePadding(geometry).padded(second) : AlignedBuffer<Scalar>()
    let inner = isPadded ? geometry.padded : geometry
    let images = UnsafeBufferPointer(
      start: isPadded ? rebound(UnsafePointer(padded.base), to: Sum.Factor.self) : right,
      count: inner.imageElementCount)
    if direction == .outputs {
      let filter = UnsafeBufferPointer(start: left, count: geometry.weights)
      formForward(inner, filter, images, as: Sum.self, into: &sink)
    } else {
      let outputs = UnsafeBufferPointer(start: left, count: geometry.outputElementCount)
      formFilterGradient(inner, outputs, images, as: Sum.self, into: &sink)
    }
  }

  private func formForward<Sum: ProductSum, Sink: ReferenceSink>(
    _ geometry: ConvolutionGeometry, _ filter: UnsafeBufferPointer<Sum.Factor>,
    _ images: UnsafeBufferPointer<Sum.Factor>, as _: Sum.Type, into sink: inout Sink
  ) {
    let channels = geometry.channels
    let inGroup = channels.imagePerGroup
    let work = saturatingProduct(Self.productsOfReference, geometry.multiplyAdds)
    let parts = ReferenceParts(
      groups: channels.batch * channels.groups, planesPerGroup: channels.outputPerGroup, unit: 1,
      together: ForwardReference<Sum>.mostTogether, geometry.output,
      isShared: Parallel.shares(multiplyAdds: work))
    let forward = ForwardReference<Sum>(
      geometry, weights: filter, images: images, rowCapacity: parts.rowCapacity, together: parts.together)
    form(parts, forward, work, into: &sink) { part, window, values in
      let (n, k) = part.planes.lowerBound.quotientAndRemainder(dividingBy: channels.output)
      let image =
        images.baseAddress.unsafelyUnwrapped + (n &* channels.image &+ channels.firstImageChannel(of: k))
        &* geometry.image.elementCount
      withUnsafeTemporaryAllocation(of: Double.self, capacity: part.planes.count) { starts in
        for (index, plane) in part.planes.enumerated() {
          starts.initializeElement(at: index, to: start(of: plane))
        }
        forward.form(
          part.rows, starts: UnsafeBufferPointer(starts), weights: k &* inGroup &* geometry.taps,
          image: image,
          window, into: values, planeStep: parts.planeStep)
      }
    }
  }

  /// The gradient of the filter of `geometry`, whose padding mode must be zeros, by what stands at its outputs.
  private func formFilterGradient<Sum: ProductSum, Sink: ReferenceSink>(
    _ geometry: ConvolutionGeometry, _ outputs: UnsafeBufferPointer<Sum.Factor>,
    _ images: UnsafeBufferPointer<Sum.Factor>, as _: Sum.Type, into sink: inout Sink
  ) {
    let (taps, channels) = (geometry.contractedToTaps, geometry.channels)
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let inGroup = channels.imagePerGroup
    let work = saturatingProduct(Self.productsOfReference, geometry.multiplyAdds)
    let parts = ReferenceParts(
      groups: channels.groups, planesPerGroup: channels.outputPerGroup * inGroup, unit: inGroup,
      together: ForwardReference<Sum>.mostTogether, taps.output, isShared: Parallel.shares(multiplyAdds: work)
    )
    let forward = ForwardReference<Sum>(
      taps,
      steps: .init(
        image: channels.image &* imagePlane, weights: channels.output &* outputPlane, planes: outputPlane),
      weights: outputs, images: images, rowCapacity: parts.rowCapacity, together: parts.together)
    form(parts, forward, work, into: &sink) { part, window, values in
      // Of a plane alone there is one filter; else all channels of several filters, which meet the same pixels.
      let (k, first) = part.planes.lowerBound.quotientAndRemainder(dividingBy: inGroup)
      let met = min(inGroup, part.planes.count)
      withUnsafeTemporaryAllocation(of: Double.self, capacity: part.planes.count / met) { starts in
        starts.initialize(repeating: 0)
        for c in 0..<met {
          forward.form(
            part.rows, starts: UnsafeBufferPointer(starts), weights: k &* outputPlane,
            image: images.baseAddress.unsafelyUnwrapped
              + (channels.firstImageChannel(of: k) &+ first &+ c) &* imagePlane,
            window, into: values.advanced(by: c &* parts.planeStep), planeStep: met &* parts.planeStep)
        }
      }
    }
  }

  /// What a product of the reference takes, in multiply-adds of the result.
  private static var productsOfReference: Int { 4 }
  /// Parts that are formed before the sink takes them, where threads share them.
  private static var partsAtOnce: Int { 8 }

  /// Forms `parts`, together so many multiply-adds, by `body`, and hands them to `sink` in their order.
  @inline(__always)
  private func form<Sum: ProductSum, Sink: ReferenceSink>(
    _ parts: ReferenceParts, _ forward: ForwardReference<Sum>, _ work: Int, into sink: inout Sink,
    _ body: (ReferenceParts.Part, PixelWindow<Sum.Factor>?, ReferenceValues) -> Void
  ) {
    let atOnce = Parallel.shares(multiplyAdds: work) ? min(parts.count, Self.partsAtOnce) : 1
    let room = ReferenceRoom(capacity: atOnce * parts.capacity)
    let windows = (0..<atOnce).map { _ in forward.makeWindow() }
    var done = 0
    while done < parts.count {
      let count = min(atOnce, parts.count &- done)
      Parallel.forEach(parts: count, multiplyAdds: work) { index in
        body(parts[done &+ index], windows[index], room.values.advanced(by: index &* parts.capacity))
      }
      for index in 0..<count {
        parts.give(room.values.advanced(by: index &* parts.capacity), of: parts[done &+ index], to: &sink)
      }
      done &+= count
    }
  }

  @inline(never)
  private func form<Sink: ReferenceSink>(_ contraction: Contraction, _ fused: Bool, into sink: inout Sink) {
    let parts = ReferenceParts(
      groups: contraction.planes, planesPerGroup: 1, unit: 1, together: 1, contraction.plane, isShared: false)
    let room = ReferenceRoom(capacity: parts.capacity)
    let values = room.values
    for index in 0..<parts.count {
      let part = parts[index]
      let plane = part.planes.lowerBound
      let start = start(of: plane)
      switch (Scalar.precision, fused) {
      case (.single, _):
        values.form(
          part.rows, of: plane, contraction, rebound(first, to: Float.self), rebound(second, to: Float.self),
          start: start, as: SingleSum.self)
      case (.double, false):
        values.form(
          part.rows, of: plane, contraction, rebound(first, to: Double.self),
          rebound(second, to: Double.self), start: start, as: SplitSum.self)
      case (.double, true):
        values.form(
          part.rows, of: plane, contraction, rebound(first, to: Double.self),
          rebound(second, to: Double.self), start: start, as: FusedSum.self)
      }
      parts.give(values, of: part, to: &sink)
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
