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

  /// Where taps stand: three planes, two rows and three columns, in steps that are not each other's multiples.
  static let columns = [0, 5, 1]
  static let (planes, rowTaps, planeStep, rowStep, outputStep) = (3, 2, 1900, 130, 201)
  static let guarded = -7.5

  /// The sums of `rows` × `count` outputs; nil where the kernel says that they are no good.
  func form<Scalar: TensorScalar>(
    _ image: [Scalar], _ weights: [Scalar], start: Double, rows: Int, count: Int, width: Int, offset: Int
  ) -> Sums? {
    let room = [Double](repeating: Self.guarded, count: rows * width + 20)
    var sums = Sums(value: room, tail: room, absolute: room)
    let kernel = ReferenceKernel<Scalar>()
    let good = Self.columns.withUnsafeBufferPointer { columns in
      sums.value.withUnsafeMutableBufferPointer { value in
        sums.tail.withUnsafeMutableBufferPointer { tail in
          sums.absolute.withUnsafeMutableBufferPointer { absolute in
            image.withUnsafeBufferPointer { image in
              weights.withUnsafeBufferPointer { weights in
                kernel.form(
                  rows: rows, count: count,
                  ReferenceTaps(
                    planes: Self.planes, rows: Self.rowTaps, columns: columns, planeStep: Self.planeStep,
                    rowStep: Self.rowStep, outputStep: Self.outputStep, weightPlaneStep: 7, weightRowStep: 3),
                  source: image.baseAddress.unsafelyUnwrapped + offset,
                  weights: weights.baseAddress.unsafelyUnwrapped, start: start,
                  into: ReferenceTarget(
                    value: value.baseAddress.unsafelyUnwrapped + 10,
                    tail: tail.baseAddress.unsafelyUnwrapped + 10,
                    absolute: absolute.baseAddress.unsafelyUnwrapped + 10, step: width))
              }
            }
          }
        }
      }
    }
    return good ? sums : nil
  }

  func products<Scalar: TensorScalar>(
    _ image: [Scalar], _ weights: [Scalar], _ a: Int, _ b: Int, offset: Int
  ) -> [(Double, Double)] {
    var all: [(Double, Double)] = []
    for c in 0..<Self.planes {
      for u in 0..<Self.rowTaps {
        for (v, column) in Self.columns.enumerated() {
          let pixel = offset + c * Self.planeStep + u * Self.rowStep + column + a * Self.outputStep + b
          all.append((Double(weights[c * 7 + u * 3 + v]), Double(image[pixel])))
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

  func holds<Scalar: TensorScalar>(_: Scalar.Type) {
    var random = SeededNumbers(seed: 31)
    let error = SumError(precision: Scalar.precision, terms: 19)
    withEveryVariant { variant in
      withEvery(around: [8, 16, 32, 64]) { count in
        if count < ReferenceKernel<Scalar>().lanes { return }
        for rows in [1, 2, 3, 7, 8, 9] {
          for (spread, offset) in [(0, 0), (40, 3)] {
            let image: [Scalar] = numbers(
              offset + 3 * Self.planeStep + 9 * Self.outputStep + 90, spread: spread, &random)
            let weights: [Scalar] = numbers(21, spread: spread, &random)
            let start = Double(weights[20])
            let width = count + 3
            let line = "\(variant) \(Scalar.dataType) \(rows)×\(count), 2^±\(spread), offset \(offset)"
            guard
              let sums = form(
                image, weights, start: start, rows: rows, count: count, width: width, offset: offset)
            else {
              Issue.record("no sums: \(line)")
              continue
            }
            for place in sums.value.indices {
              let (a, b) = (place - 10).quotientAndRemainder(dividingBy: width)
              if place < 10 || a >= rows || b >= count {
                #expect(sums.value[place] == Self.guarded && sums.absolute[place] == Self.guarded, "\(line)")
                continue
              }
              let terms = products(image, weights, a, b, offset: offset)
              let magnitudes = terms.reduce(start.magnitude) { $0 + ($1.0 * $1.1).magnitude }
              let absolute = sums.absolute[place]
              // Both sums of magnitudes err by γ₁₉.
              #expect((absolute - magnitudes).magnitude <= 40 * 0x1p-53 * magnitudes, "\(line)")
              let tail = Scalar.precision == .double ? sums.tail[place] : 0
              if Scalar.precision == .single {
                #expect(sums.value[place] == terms.reduce(start) { $0 + $1.0 * $1.1 }, "\(line)")
              }
              #expect(
                ExactSum.isWithin(
                  sums.value[place], of: terms + [(start, 1), (-tail, 1)], bound: error.at(absolute)),
                "\(line) at \(a), \(b)")
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
        let weights = (0..<21).map { $0 % 2 == 0 ? 1.0 : -1 }
        guard let sums = form(image, weights, start: 0, rows: 3, count: 9, width: 9, offset: 0) else {
          Issue.record("no sums: \(variant) \(unit)")
          continue
        }
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
          let weights = [Double](repeating: 0x1p12, count: 21)
          let sums = form(image, weights, start: 0, rows: 4, count: 17, width: 17, offset: 0)
          #expect(sums == nil, "\(variant) \(large) at \(place)")
        }
      }
    }
  }
}
