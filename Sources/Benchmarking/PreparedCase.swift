public import Convolution

/// A case with its numbers and its operator, whatever its element type is.
public protocol PreparedBenchmark: AnyObject {
  /// What it is.
  var subject: BenchmarkCase { get }
  /// Its geometry.
  var geometry: ConvolutionGeometry { get }
  /// What its operator takes.
  var cost: OperatorCost { get }
  /// Seconds that preparing the operator took.
  var setup: Double { get }
  /// Bytes the operator holds.
  var heldBytes: Int { get }
  /// The largest distance of any element of the last result from the direct formulation's.
  var maxDeviation: Double { get }
  /// Applies it until `iterations` or `seconds` are used up, at least once, and says what that took.
  ///
  /// Applications shorter than 10 µs are timed several at once, since reading the clock takes up to a hundredth of that.
  ///
  /// - Parameter isCancelled: asked between applications; then there is no answer.
  func time(iterations: Int, seconds: Double, isCancelled: () -> Bool) -> Timing?
}

/// Times of one case.
public struct Timing: Sendable {
  /// Applications timed.
  public let iterations: Int
  /// Applications timed at once.
  public let together: Int
  /// Seconds an application, in order.
  public let seconds: [Double]
}

extension BenchmarkCase {
  /// Makes the numbers and the operator, and applies it once, which finds cold caches and fresh pages.
  ///
  /// - Throws: what makes it impossible, before anything is made.
  public func prepare(
    memoryLimit: Int, workLimit: Int = .max
  ) throws(ConvolutionError) -> any PreparedBenchmark {
    switch dataType.precision {
    case .single: try PreparedCase<Float>(self, memoryLimit, workLimit)
    case .double: try PreparedCase<Double>(self, memoryLimit, workLimit)
    }
  }
}

/// A case with its numbers and its operator.
public final class PreparedCase<Scalar: TensorScalar>: PreparedBenchmark {
  /// What it is.
  public let subject: BenchmarkCase
  /// Its geometry.
  public let geometry: ConvolutionGeometry
  /// What its operator takes.
  public let cost: OperatorCost
  /// Seconds that preparing the operator took.
  public let setup: Double
  /// Pseudo-random numbers, the same in every run.
  public let image: Tensor<Scalar>
  /// As many for the filter.
  public let filter: Tensor<Scalar>
  /// For a gradient, the derivative by the result; else empty.
  public let upstream: Tensor<Scalar>
  /// What the last application computed.
  public private(set) var output: Tensor<Scalar>
  private let expected: Tensor<Scalar>
  private let prepared: ConvolutionOperator<Scalar>
  private var together = 1

  init(_ subject: BenchmarkCase, _ memoryLimit: Int, _ workLimit: Int) throws(ConvolutionError) {
    let geometry = try subject.geometry()
    try subject.check(geometry, memoryLimit: memoryLimit, workLimit: workLimit)
    var random = DeterministicNumbers(seed: 0x5EED)
    let image: Tensor<Scalar> = random.tensor(subject.image)
    let filter: Tensor<Scalar> = random.tensor(subject.filter)
    let upstream: Tensor<Scalar> = random.tensor(
      subject.quantity.isGradient ? geometry.resultShape : Shape(0))
    let shape =
      switch subject.quantity {
      case .result, .call: geometry.resultShape
      case .imageGradient: subject.image
      case .filterGradient: subject.filter
      }
    var expected = Tensor<Scalar>(shape: shape, repeating: 0)
    var output = Tensor<Scalar>(shape: shape, repeating: 0)
    subject.quantity.compute(
      try Formulation.direct.makeOperator(storage: .sparse, geometry: geometry, filter: filter),
      subject, image, filter, upstream, into: &expected)

    var stopwatch = Stopwatch()
    let prepared: ConvolutionOperator<Scalar> = try subject.formulation.makeOperator(
      storage: subject.storage, geometry: geometry, filter: filter, memoryLimit: memoryLimit,
      workLimit: workLimit)
    setup = Stopwatch.seconds(stopwatch.lap())
    subject.quantity.compute(prepared, subject, image, filter, upstream, into: &output)

    self.subject = subject
    self.geometry = geometry
    cost = subject.formulation.cost(
      of: geometry, storage: subject.storage, scalarByteCount: subject.dataType.byteCount)
    self.image = image
    self.filter = filter
    self.upstream = upstream
    self.output = output
    self.expected = expected
    self.prepared = prepared
  }

  /// Bytes the operator holds.
  public var heldBytes: Int { prepared.heldBytes }

  /// The largest distance of any element of the last result from the direct formulation's.
  ///
  /// All data here is finite and small, so that no difference is NaN.
  public var maxDeviation: Double {
    let (left, right) = (output.values, expected.values)
    var largest = 0.0
    for index in 0..<left.count {
      largest = max(largest, (Double(left[index]) - Double(right[index])).magnitude)
    }
    return largest
  }

  /// Applies it until `iterations` or `seconds` are used up, at least once, and says what that took.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func time(iterations: Int, seconds: Double, isCancelled: () -> Bool) -> Timing? {
    var times: [Double] = []
    var applied = 0
    var stopwatch = Stopwatch()
    repeat {
      if isCancelled() { return nil }
      let count = min(together, iterations - applied)
      stopwatch.restartLap()
      for _ in 0..<count {
        subject.quantity.compute(prepared, subject, image, filter, upstream, into: &output)
      }
      let lap = stopwatch.lap()
      applied += count
      if lap < Self.shortestLap, count == together {
        // The clock was a large part of this one and of those before it.
        times.removeAll(keepingCapacity: true)
        together *= 2
      }
      times.append(Stopwatch.seconds(lap) / Double(count))
    } while applied < iterations && Stopwatch.seconds(stopwatch.total) < seconds
    return Timing(iterations: applied, together: together, seconds: times)
  }

  /// Nanoseconds: a hundred times what it takes to read the clock, or more.
  private static var shortestLap: Int { 10_000 }
}

extension BenchmarkQuantity {
  /// Computes it over every element of `output`.
  @inline(__always)
  fileprivate func compute<Scalar: TensorScalar>(
    _ prepared: borrowing ConvolutionOperator<Scalar>, _ subject: BenchmarkCase,
    _ image: borrowing Tensor<Scalar>, _ filter: borrowing Tensor<Scalar>,
    _ upstream: borrowing Tensor<Scalar>, into output: inout Tensor<Scalar>
  ) {
    switch self {
    case .result: prepared.apply(to: image, into: &output)
    case .imageGradient: prepared.applyAdjoint(to: upstream, into: &output)
    case .filterGradient:
      prepared.formulation.filterGradient(
        prepared.storage, prepared.geometry, image: image, upstream: upstream, into: &output)
    case .call:
      do throws(ConvolutionError) {
        let geometry = try subject.geometry()
        let anew: ConvolutionOperator<Scalar> = try subject.formulation.makeOperator(
          storage: subject.storage, geometry: geometry, filter: filter)
        output = Tensor(shape: geometry.resultShape, repeating: 0)
        anew.apply(to: image, into: &output)
      } catch {
        preconditionFailure("\(error), though it was checked")
      }
    }
  }
}
