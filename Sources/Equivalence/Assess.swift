public import Convolution

extension Assessment {
  /// Judges `result` (out_h×out_w), computed by any formulation from `problem`, against the exact value and against
  /// `direct`, in one pass over the outputs.
  ///
  /// - Parameter detailed: asks for `DetailedMeasures` as well.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init<Scalar: TensorScalar>(
    of result: borrowing Tensor<Scalar>, direct: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, detailed: Bool = false
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
    detailed: Bool = false
  ) {
    self.init(of: result, direct: result, problem: problem, detailed: detailed)
  }

  @inline(__always)
  private init<Scalar: TensorScalar>(
    _ result: UnsafePointer<Scalar>, _ direct: UnsafePointer<Scalar>, _ image: UnsafeBufferPointer<Scalar>,
    _ filter: UnsafeBufferPointer<Scalar>, _ geometry: ConvolutionGeometry, _ detailed: Bool
  ) {
    let width = geometry.columns.output
    let elements = geometry.output.elementCount
    let bound = ErrorBound(dataType: Scalar.dataType, terms: geometry.taps)
    let reached = (0..<geometry.columns.filter).map { geometry.columns.outputs(reachedBy: $0) }
    let imageScan = Scan(image)
    let filterScan = Scan(filter)
    let fused = max(imageScan.largest, filterScan.largest) >= ReferenceRow.splitLimit
    let row = ReferenceRow(width: width)
    var fromReference = DeviationTracker()
    var fromDirect = DeviationTracker()
    var failures = FailureCounts()
    var measures = detailed ? MeasureTracker(dataType: Scalar.dataType, terms: geometry.taps) : nil
    let imageBase = UnsafeRawPointer(image.baseAddress.unsafelyUnwrapped)
    let filterBase = UnsafeRawPointer(filter.baseAddress.unsafelyUnwrapped)

    for a in 0..<geometry.rows.output {
      switch Scalar.dataType {
      case .float32:
        row.form(
          a, geometry: geometry, image: imageBase.assumingMemoryBound(to: Float.self),
          filter: filterBase.assumingMemoryBound(to: Float.self), reached: reached)
      case .float64:
        row.form(
          a, geometry: geometry, image: imageBase.assumingMemoryBound(to: Double.self),
          filter: filterBase.assumingMemoryBound(to: Double.self), reached: reached, fused: fused)
      }
      for b in 0..<width {
        let index = a &* width &+ b
        let y = result[index]
        let z = direct[index]
        let limit = bound.at(row.absolute[b])
        let error = ((Double(y) - row.value[b]) - row.tail[b]).magnitude
        if limit < .infinity && error < .infinity && z.isFinite {
          let rounded = Scalar(row.value[b] + row.tail[b])
          // The reference may round to infinity at the very end of the format's range, where y is finite.
          let ulp = rounded.isFinite ? unitsBetween(y, rounded) : unitsBetween(y, rounded.nearestFinite)
          fromReference.countIdentical(identical(y, rounded))
          fromReference.note(error, bound: limit, ulp: ulp, at: index)
          fromDirect.countIdentical(identical(y, z))
          fromDirect.note(
            (Double(y) - Double(z)).magnitude, bound: 2 * limit, ulp: unitsBetween(y, z), at: index)
          if !(error <= limit) { failures.count(.beyondBound, at: index) }
          measures?.note(
            error: error, reference: row.value[b] + row.tail[b], absoluteSum: row.absolute[b], bound: limit,
            ulp: ulp)
          continue
        }
        // Something is not finite: decide what, slowly and completely.
        if !z.isFinite { failures.nonfiniteDirect += 1 }
        if !y.isFinite { failures.nonfiniteResult += 1 }
        fromDirect.countIdentical(identical(y, z))
        if y.isFinite && z.isFinite {
          fromDirect.note(
            (Double(y) - Double(z)).magnitude, bound: 2 * limit, ulp: unitsBetween(y, z), at: index)
        } else {
          fromDirect.note(sameKind: sameKind(y, z), at: index)
          if !sameKind(y, z) { failures.disagreements += 1 }
        }
        let reference = row.value[b] + row.tail[b]
        if y.isFinite && limit < .infinity && error < .infinity {
          // Only the direct result failed here; this one still has its certificate to pass.
          let rounded = Scalar(reference).nearestFinite
          fromReference.countIdentical(identical(y, rounded))
          fromReference.note(error, bound: limit, ulp: unitsBetween(y, rounded), at: index)
          if !(error <= limit) { failures.count(.beyondBound, at: index) }
        } else {
          // The leading part alone follows IEEE arithmetic into infinities; the tail turns them into NaN.
          let leading = Scalar(row.value[b])
          fromReference.note(sameKind: sameKind(y, leading) || (y.isFinite && leading.isFinite), at: index)
          if !Scan.windowIsFinite(a, b, image, filter, geometry) {
            failures.count(.nonfiniteWindow, at: index)
          } else if !y.isFinite {
            failures.count(.nonfiniteResult, at: index)
          } else {
            failures.count(.unbounded, at: index)
          }
        }
      }
    }
    self.failures = failures.byReason
    firstFailure = failures.first.map { Position(row: $0 / width, column: $0 % width) }
    nonfinite = NonfiniteCounts(
      image: imageScan.nonfinite, filter: filterScan.nonfinite, result: failures.nonfiniteResult,
      direct: failures.nonfiniteDirect, disagreements: failures.disagreements)
    self.fromReference = fromReference.deviation(width: width, elements: elements)
    self.fromDirect = fromDirect.deviation(width: width, elements: elements)
    self.detailed = measures?.measures(allFinite: failures.onlyBeyondBound)
  }
}

extension TensorScalar {
  /// The number itself, or the largest finite one of its sign in the place of an infinity.
  fileprivate var nearestFinite: Self {
    isInfinite ? (self < 0 ? -Self.greatestFiniteMagnitude : Self.greatestFiniteMagnitude) : self
  }
}

/// What fails, counted.
private struct FailureCounts {
  var beyondBound = 0
  var nonfiniteWindow = 0
  var nonfiniteOutput = 0
  var unbounded = 0
  var nonfiniteResult = 0
  var nonfiniteDirect = 0
  var disagreements = 0
  var first: Int?

  mutating func count(_ reason: Assessment.Reason, at index: Int) {
    if first == nil { first = index }
    switch reason {
    case .beyondBound: beyondBound += 1
    case .nonfiniteWindow: nonfiniteWindow += 1
    case .nonfiniteResult: nonfiniteOutput += 1
    case .unbounded: unbounded += 1
    }
  }

  var onlyBeyondBound: Bool { nonfiniteWindow + nonfiniteOutput + unbounded == 0 }

  var byReason: [Assessment.Reason: Int] {
    // The usual case, no failure at all, shall not build a dictionary.
    if first == nil { return [:] }
    let all: [Assessment.Reason: Int] = [
      .beyondBound: beyondBound, .nonfiniteWindow: nonfiniteWindow, .nonfiniteResult: nonfiniteOutput,
      .unbounded: unbounded,
    ]
    return all.filter { $0.value > 0 }
  }
}

/// What the assessment has to know of the numbers themselves before it starts.
private struct Scan {
  /// Numbers that are not finite.
  var nonfinite = 0
  /// The largest magnitude among the finite ones.
  var largest = 0.0

  @inline(__always)
  init<Scalar: TensorScalar>(_ values: UnsafeBufferPointer<Scalar>) {
    // Magnitudes order like their bits, and integers compare without regard to NaN.
    let base = values.baseAddress.unsafelyUnwrapped
    let infinity = magnitudeBits(Scalar.infinity)
    var largestBits: UInt64 = 0
    for index in 0..<values.count {
      let bits = magnitudeBits(base[index])
      if bits >= infinity {
        nonfinite &+= 1
      } else if bits > largestBits {
        largestBits = bits
        largest = Double(base[index].magnitude)
      }
    }
  }

  /// Whether all pixels that output (`a`, `b`) reads, and the taps it reads them with, are finite.
  static func windowIsFinite<Scalar: TensorScalar>(
    _ a: Int, _ b: Int, _ image: UnsafeBufferPointer<Scalar>, _ filter: UnsafeBufferPointer<Scalar>,
    _ geometry: ConvolutionGeometry
  ) -> Bool {
    let (rows, columns) = (geometry.rows, geometry.columns)
    for u in rows.taps(of: a) {
      for v in columns.taps(of: b) {
        let pixel = rows.pixel(output: a, tap: u) * columns.image + columns.pixel(output: b, tap: v)
        if !image[pixel].isFinite || !filter[u * columns.filter + v].isFinite { return false }
      }
    }
    return true
  }
}
