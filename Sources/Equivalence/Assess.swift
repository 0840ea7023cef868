public import Convolution

extension Assessment {
  /// Judges `result`, computed by any formulation from `problem`, against the exact value and against `direct`, in one
  /// pass over the outputs.
  ///
  /// - Parameters:
  ///   - bound: How far the formulation's results may lie from the exact value.
  ///   - format: The type that `result` and `direct` were rounded to once, at the end: the problem's own.
  ///   - detailed: asks for `DetailedMeasures` as well.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    of result: borrowing Tensor<Scalar>, direct: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, bound: borrowing ResultBound = .dotProduct,
    format: DataType = Scalar.dataType, detailed: Bool = false
  ) {
    precondition(result.values.count == problem.geometry.output.elementCount, "another result's shape")
    precondition(direct.values.count == result.values.count, "another direct result's shape")
    self.init(
      result.values.baseAddress.unsafelyUnwrapped, direct.values.baseAddress.unsafelyUnwrapped,
      problem.image.values, problem.filter.values, problem.geometry, detailed)
  }

  /// Judges a result of the direct formulation itself.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    ofDirect result: borrowing Tensor<Scalar>, problem: borrowing ConvolutionProblem<Scalar>,
    format: DataType = Scalar.dataType, detailed: Bool = false
  ) {
    self.init(of: result, direct: result, problem: problem, format: format, detailed: detailed)
  }

  @inline(__always)
  private init<Scalar: TensorScalar>(
    _ result: UnsafePointer<Scalar>, _ direct: UnsafePointer<Scalar>, _ image: UnsafeBufferPointer<Scalar>,
    _ filter: UnsafeBufferPointer<Scalar>, _ geometry: ConvolutionGeometry, _ detailed: Bool
  ) {
    let width = geometry.columns.output
    let elements = geometry.output.elementCount
    let bound = ErrorBound(dataType: Scalar.dataType, terms: geometry.taps)
    let imageScan = Scan(image)
    let filterScan = Scan(filter)
    let fused = imageScan.isTooLargeToSplit || filterScan.isTooLargeToSplit
    let pixels = image.baseAddress.unsafelyUnwrapped
    let taps = filter.baseAddress.unsafelyUnwrapped
    let strip = ReferenceStrip(geometry: geometry)
    var screen = Screen(bound: bound, againstItself: result == direct)
    var judge = Judge(
      result: result, direct: direct, image: pixels, filter: taps, geometry: geometry, bound: bound,
      detailed: detailed)

    var row = 0
    while row < geometry.rows.output {
      let rows = row..<min(row &+ strip.rowCapacity, geometry.rows.output)
      strip.form(rows, image: pixels, filter: taps, fused: fused)
      let start = row &* width
      let count = rows.count &* width
      var done = 0
      // Measures are of all elements; without them, most blocks need no more than a look.
      while !detailed && done &+ ReferenceStrip.blockLength <= count {
        if !screen.passes(result + (start &+ done), direct + (start &+ done), strip, at: done) {
          for index in done..<done &+ ReferenceStrip.blockLength {
            judge.judge(
              start &+ index, value: strip.value[index], tail: strip.tail[index],
              absolute: strip.absolute[index])
          }
          screen.update(judge.fromReference, judge.fromDirect)
        }
        done &+= ReferenceStrip.blockLength
      }
      for index in done..<count {
        judge.judge(
          start &+ index, value: strip.value[index], tail: strip.tail[index], absolute: strip.absolute[index])
      }
      screen.update(judge.fromReference, judge.fromDirect)
      row = rows.upperBound
    }
    let failures = judge.failures
    self.failures = failures.byReason
    firstFailure = failures.first.map { Position($0, in: geometry.resultShape) }
    nonfinite = NonfiniteCounts(
      image: imageScan.nonfinite, filter: filterScan.nonfinite, result: failures.nonfiniteResult,
      direct: failures.nonfiniteDirect, disagreements: failures.disagreements)
    fromReference = judge.fromReference.deviation(
      shape: geometry.resultShape, elements: elements, identicalBesides: screen.identicalToReference)
    fromDirect = judge.fromDirect.deviation(
      shape: geometry.resultShape, elements: elements, identicalBesides: screen.identicalToDirect)
    self.detailed = judge.measures?.measures(allFinite: failures.onlyBeyondBound)
  }
}

extension ReferenceStrip {
  /// Forms rows from pixels of either type.
  @inline(__always)
  fileprivate func form<Scalar: TensorScalar>(
    _ rows: Range<Int>, image: UnsafePointer<Scalar>, filter: UnsafePointer<Scalar>, fused: Bool
  ) {
    let image = UnsafeRawPointer(image)
    let filter = UnsafeRawPointer(filter)
    switch Scalar.precision {
    case .single:
      form(
        rows, image: image.assumingMemoryBound(to: Float.self),
        filter: filter.assumingMemoryBound(to: Float.self))
    case .double:
      form(
        rows, image: image.assumingMemoryBound(to: Double.self),
        filter: filter.assumingMemoryBound(to: Double.self), fused: fused)
    }
  }
}

extension Screen {
  /// Whether eight elements of either type are quiet, their reference standing in `strip` from `index` on.
  @inline(__always)
  fileprivate mutating func passes<Scalar: TensorScalar>(
    _ result: UnsafePointer<Scalar>, _ direct: UnsafePointer<Scalar>, _ strip: borrowing ReferenceStrip,
    at index: Int
  ) -> Bool {
    let result = UnsafeRawPointer(result)
    let direct = UnsafeRawPointer(direct)
    switch Scalar.precision {
    case .single:
      return passes(
        result.assumingMemoryBound(to: Float.self), direct.assumingMemoryBound(to: Float.self),
        value: strip.value + index, absolute: strip.absolute + index)
    case .double:
      return passes(
        result.assumingMemoryBound(to: Double.self), direct.assumingMemoryBound(to: Double.self),
        value: strip.value + index, tail: strip.tail + index, absolute: strip.absolute + index)
    }
  }
}

/// What the assessment has to know of the numbers themselves before it starts.
private struct Scan {
  /// Numbers that are not finite.
  let nonfinite: Int
  /// Whether a finite number is too large to be split into halves.
  let isTooLargeToSplit: Bool

  @inline(__always)
  init<Scalar: TensorScalar>(_ values: UnsafeBufferPointer<Scalar>) {
    nonfinite = Self.count(values, from: magnitudeBits(Scalar.infinity))
    // Nothing in float32 is; a float64 power of two converts exactly.
    isTooLargeToSplit =
      Scalar.dataType == .float64
      && Self.count(values, from: magnitudeBits(Scalar(ReferenceStrip.splitLimit))) > nonfinite
  }

  /// How many magnitudes have at least these bits: magnitudes order like their bits, without regard to NaN.
  @inline(__always)
  private static func count<Scalar: TensorScalar>(
    _ values: UnsafeBufferPointer<Scalar>, from least: UInt64
  ) -> Int {
    let base = values.baseAddress.unsafelyUnwrapped
    var count: UInt64 = 0
    // A subtraction below zero shows in the highest bit, and vectorises where a 64-bit comparison does not.
    for index in 0..<values.count { count &+= (least &- 1 &- magnitudeBits(base[index])) >> 63 }
    return Int(count)
  }
}
