import Convolution
import Equivalence
import TestSupport
import Testing

/// The reference's inner loops in every instruction set, against sums without rounding.
@Suite(.serialized) struct ReferenceKernelTests {
  /// Sums of a kernel, `step` apart, with guards around them.
  struct Sums {
    var value: [Double]
    var tail: [Double]
    var absolute: [Double]
  }

  /// Where taps stand: three channels, two rows and three columns, in steps that are not each other's multiples.
  static let columns = [0, 5, 1]
  static let (channels, rowTaps, channelStep, rowStep, outputStep) = (3, 2, 1900, 130, 201)
  static let (weightStep, weightCount) = (23, 23 * 3)
  static let guarded = -7.5

  /// The sums of `rows` × `count` outputs of each plane that has a start, and what the kernel says of them.
  func form<Scalar: TensorScalar>(
    _ image: [Scalar], _ weights: [Scalar], starts: [Double], rows: Int, count: Int, width: Int, offset: Int
  ) -> (sums: Sums, found: ReferenceKernel<Scalar>.Found) {
    let planeStep = rows * width + 5
    let room = [Double](repeating: Self.guarded, count: starts.count * planeStep + 20)
    var sums = Sums(value: room, tail: room, absolute: room)
    let kernel = ReferenceKernel<Scalar>()
    let found = Self.columns.withUnsafeBufferPointer { columns in
      sums.value.withUnsafeMutableBufferPointer { value in
        sums.tail.withUnsafeMutableBufferPointer { tail in
          sums.absolute.withUnsafeMutableBufferPointer { absolute in
            image.withUnsafeBufferPointer { image in
              weights.withUnsafeBufferPointer { weights in
                starts.withUnsafeBufferPointer { starts in
                  kernel.form(
                    rows: rows, count: count,
                    ReferenceTaps(
                      planes: Self.channels, rows: Self.rowTaps, columns: columns,
                      planeStep: Self.channelStep, rowStep: Self.rowStep, outputStep: Self.outputStep,
                      weightStep: Self.weightStep, weightPlaneStep: 7, weightRowStep: 3),
                    source: image.baseAddress.unsafelyUnwrapped + offset,
                    weights: ReferenceWeights(weights, planes: starts.count), from: 0, starts: starts,
                    into: ReferenceTarget(
                      value: value.baseAddress.unsafelyUnwrapped + 10,
                      tail: tail.baseAddress.unsafelyUnwrapped + 10,
                      absolute: absolute.baseAddress.unsafelyUnwrapped + 10, step: width,
                      planeStep: planeStep))
                }
              }
            }
          }
        }
      }
    }
    return (sums, found)
  }

  func products<Scalar: TensorScalar>(
    _ image: [Scalar], _ weights: [Scalar], plane: Int = 0, _ a: Int, _ b: Int, offset: Int
  ) -> [(Double, Double)] {
    var all: [(Double, Double)] = []
    for c in 0..<Self.channels {
      for u in 0..<Self.rowTaps {
        for (v, column) in Self.columns.enumerated() {
          let pixel = offset + c * Self.channelStep + u * Self.rowStep + column + a * Self.outputStep + b
          let weight = plane * Self.weightStep + c * 7 + u * 3 + v
          all.append((Double(weights[weight]), Double(image[pixel])))
        }
      }
    }
    return all
  }

  func numbers<Scalar: TensorScalar>(_ count: Int, spread: Int, _ random: inout SeededNumbers) -> [Scalar] {
    (0..<count).map { _ in
      let significand = Scalar(random.integer(-1 << 24...1 << 24)) + Scalar(random.integer(-99...99)) / 128
      return Scalar(
        sign: .plus, exponent: Scalar.Exponent(random.integer(-spread...spread)), significand: significand)
    }
  }

  /// Whether a sum of magnitudes is one of `magnitudes`, 18 products and a start, which itself may err by γ₁₉.
  func stands<Scalar: TensorScalar>(_ absolute: Double, for magnitudes: Double, _: Scalar.Type) -> Bool {
    switch Scalar.precision {
    case .single:
      absolute >= magnitudes * (1 - 20 * 0x1p-53) && absolute <= magnitudes * (1 + 2.4 * 19 * 0x1p-24)
    case .double: (absolute - magnitudes).magnitude <= 40 * 0x1p-53 * magnitudes
    }
  }

  func holds<Scalar: TensorScalar>(_: Scalar.Type) {
    var random = SeededNumbers(seed: 31)
    let error = SumError(precision: Scalar.precision, terms: 19)
    withEveryVariant { variant in
      withEvery(around: [8, 16, 32, 64]) { count in
        let kernel = ReferenceKernel<Scalar>()
        if count < kernel.lanes { return }
        for planes in 1...kernel.planes {
          for rows in [1, 2, 3, 4, 5, 9] {
            let (spread, offset) = rows % 2 == 0 ? (40, 3) : (0, 0)
            let image: [Scalar] = numbers(
              offset + 3 * Self.channelStep + 9 * Self.outputStep + 90, spread: spread, &random)
            let weights: [Scalar] = numbers(Self.weightCount, spread: spread, &random)
            let starts = (0..<planes).map { Double(weights[20 + $0]) }
            let width = count + 3
            let line =
              "\(variant) \(Scalar.dataType) \(planes)×\(rows)×\(count), 2^±\(spread), offset \(offset)"
            let (sums, found) = form(
              image, weights, starts: starts, rows: rows, count: count, width: width, offset: offset)
            #expect(found.isEmpty, "\(line)")
            for place in sums.value.indices {
              let (plane, inPlane) = (place - 10).quotientAndRemainder(dividingBy: rows * width + 5)
              let (a, b) = inPlane.quotientAndRemainder(dividingBy: width)
              if place < 10 || plane >= planes || a >= rows || b >= count {
                #expect(sums.value[place] == Self.guarded && sums.absolute[place] == Self.guarded, "\(line)")
                continue
              }
              let terms = products(image, weights, plane: plane, a, b, offset: offset)
              let start = starts[plane]
              let magnitudes = terms.reduce(start.magnitude) { $0 + ($1.0 * $1.1).magnitude }
              let absolute = sums.absolute[place]
              #expect(stands(absolute, for: magnitudes, Scalar.self), "\(line)")
              let tail = Scalar.precision == .double ? sums.tail[place] : 0
              if Scalar.precision == .single {
                #expect(sums.value[place] == terms.reduce(start) { $0 + $1.0 * $1.1 }, "\(line)")
              }
              #expect(
                ExactSum.isWithin(
                  sums.value[place], of: terms + [(start, 1), (-tail, 1)], bound: error.at(absolute)),
                "\(line) at \(plane), \(a), \(b)")
            }
          }
        }
      }
    }
  }

  @Test("float32 sums are those of float64 arithmetic in the order of the taps, and nothing else is written")
  func single() { holds(Float.self) }

  @Test("float64 sums lie within the error of a doubled sum, and nothing else is written")
  func double() { holds(Double.self) }

  @Test("sums that cancel to nothing, of zeros and of subnormal numbers are as exact as others")
  func smallSums() {
    let error = SumError(precision: .double, terms: 19)
    withEveryVariant { variant in
      for unit in [0, .leastNonzeroMagnitude, 0x1p-1060, 0x1p-600, 1, 0x1p900] {
        // Weights 1 and −1 in turn, pixels alike but for an odd one: what is left is far below the sum of magnitudes.
        var image = [Double](repeating: unit, count: 9000)
        for index in stride(from: 0, to: image.count, by: 7) { image[index] = unit * (1 + 0x1p-52) }
        let weights = (0..<Self.weightCount).map { $0 % 2 == 0 ? 1.0 : -1 }
        let (sums, found) = form(image, weights, starts: [0], rows: 3, count: 9, width: 9, offset: 0)
        #expect(found.isEmpty, "\(variant) \(unit)")
        for place in 0..<27 {
          let terms = products(image, weights, place / 9, place % 9, offset: 0)
          #expect(
            ExactSum.isWithin(
              sums.value[10 + place], of: terms + [(-sums.tail[10 + place], 1)],
              bound: error.at(sums.absolute[10 + place])), "\(variant) \(unit)")
          if unit == 0 { #expect(sums.value[10 + place].bitPattern == 0) }
        }
      }
    }
  }

  @Test(
    "float64 sums that may leave the range are said to be no good, wherever the number stands that does it")
  func largeSums() {
    withEveryVariant { variant in
      for large in [Double.infinity, .nan, 0x1p990, -.infinity] {
        for place in [0, 12, 3 * Self.outputStep + 16] {
          var image = [Double](repeating: 1, count: 9000)
          image[place] = large
          let weights = [Double](repeating: 0x1p12, count: Self.weightCount)
          let found = form(image, weights, starts: [0], rows: 4, count: 17, width: 17, offset: 0).found
          #expect(found == .bad, "\(variant) \(large) at \(place)")
        }
      }
    }
  }

  @Test("float32 magnitudes that leave the range of float32, or come near its end, are said to")
  func rangeOfMagnitudes() {
    withEveryVariant { variant in
      for planes in 1...ReferenceKernel<Float>().planes {
        for (odd, expected) in [
          (Float.infinity, ReferenceKernel<Float>.Found.bad), (.nan, .bad), (-.infinity, .bad),
          (0x1p120, .bad),
          (1, []),
        ] {
          for place in [0, 12, 3 * Self.outputStep + 16] {
            var image = [Float](repeating: 1, count: 9000)
            image[place] = odd
            let weights = [Float](repeating: 0x1p12, count: Self.weightCount)
            let starts = [Double](repeating: 0, count: planes)
            let found = form(image, weights, starts: starts, rows: 4, count: 17, width: 17, offset: 0).found
            #expect(found == expected, "\(variant) \(odd) at \(place)")
          }
        }
        let weights = [Float](repeating: 0x1p-60, count: Self.weightCount)
        for (pixel, start, expected) in [
          (Float(0), 0.0, ReferenceKernel<Float>.Found.small), (0x1p-70, 0, .small), (0x1p-70, 1, []),
          (0x1p-50, 0, []),
        ] {
          let image = [Float](repeating: pixel, count: 9000)
          let starts = [Double](repeating: start, count: planes)
          let found = form(image, weights, starts: starts, rows: 4, count: 17, width: 17, offset: 0).found
          #expect(found == expected, "\(variant) \(pixel) from \(start)")
        }
      }
    }
  }

  @Test("magnitudes of many float32 products add up to no less than they are, and to little more")
  func longRuns() {
    var random = SeededNumbers(seed: 4)
    withEveryVariant { variant in
      let kernel = ReferenceKernel<Float>()
      // Rows longer than the sums that are formed in float32, and many short ones.
      for (rows, columns) in [(1, 9000), (3, 2500), (1700, 3), (2, 2048)] {
        let offsets = Array(0..<columns)
        let image: [Float] = numbers(rows * columns + kernel.lanes, spread: 8, &random)
        let weights: [Float] = numbers(rows * columns, spread: 8, &random)
        let sums = UnsafeMutablePointer<Double>.allocate(capacity: 3 * kernel.lanes)
        defer { sums.deallocate() }
        let packed = weights.withUnsafeBufferPointer { ReferenceWeights($0, planes: 1) }
        let found = withUnsafePointer(to: 0.5) { start in
          offsets.withUnsafeBufferPointer { offsets in
            image.withUnsafeBufferPointer { image in
              kernel.form(
                rows: 1, count: kernel.lanes,
                ReferenceTaps(
                  planes: 1, rows: rows, columns: offsets, planeStep: 0, rowStep: columns, outputStep: 0,
                  weightStep: 0, weightPlaneStep: 0, weightRowStep: columns),
                source: image.baseAddress.unsafelyUnwrapped, weights: packed, from: 0,
                starts: UnsafeBufferPointer(start: start, count: 1),
                into: ReferenceTarget(
                  value: sums, tail: sums + kernel.lanes, absolute: sums + 2 * kernel.lanes, step: 0,
                  planeStep: 0))
            }
          }
        }
        #expect(found.isEmpty)
        for b in 0..<kernel.lanes {
          var magnitudes = 0.5
          for tap in weights.indices {
            magnitudes += (Double(weights[tap]) * Double(image[tap + b])).magnitude
          }
          let share = sums[2 * kernel.lanes + b] / magnitudes
          #expect(share >= 1 - 0x1p-39 && share <= 1 + 2.4 * 4097 * 0x1p-24, "\(variant) \(rows)×\(columns)")
        }
      }
    }
  }
}
