import Convolution
import Equivalence
import TestSupport
import Testing

/// The cheap path and the exact one always give the number that the exact sum rounds to.
@Suite struct CorrectRoundingTests {
  /// A sum in float64 as a reference forms it: one chain, and the magnitudes beside it.
  func chain(_ terms: [(Double, Double)]) -> (value: Double, absolute: Double) {
    var (value, absolute) = (0.0, 0.0)
    for (a, b) in terms {
      value += a * b
      absolute += (a * b).magnitude
    }
    return (value, absolute)
  }

  /// The doubled sum of float64 products.
  func doubled(_ terms: [(Double, Double)]) -> (value: Double, tail: Double, absolute: Double) {
    var (value, tail, absolute) = (0.0, 0.0, 0.0)
    for (a, b) in terms {
      let product = a * b
      let old = value
      value += product
      let part = value - old
      tail += ((old - (value - part)) + (product - part)) + (-product).addingProduct(a, b)
      absolute += product.magnitude
    }
    return (value, tail, absolute)
  }

  func exact(_ terms: [(Double, Double)], _ format: DataType) -> Double {
    var sum = DoubleAccumulator()
    for (a, b) in terms { sum.add(a, times: b) }
    return sum.rounded(to: format)
  }

  /// Terms of float32 numbers whose sum stands at a tie of `format` or very near to it.
  func nearTie(_ random: inout SeededNumbers, _ format: DataType) -> [(Double, Double)] {
    let numbers = Neighbours(format)
    let place = random.next() % numbers.largestPlace
    var terms: [(Double, Double)] = []
    for part in [numbers.number(at: place), numbers.number(at: place + 1)] {
      // float64 parts go in three float32 ones where they fit there.
      var rest = part
      for _ in 0..<3 {
        let head = Double(Float(rest))
        if !head.isFinite { break }
        terms.append((head, 0.5))
        rest -= head
      }
    }
    let nudge = Double(Float(sign: .plus, exponent: random.integer(-149...20), significand: 1))
    switch random.integer(0...3) {
    case 0: terms.append((nudge, 1))
    case 1: terms.append((-nudge, 1))
    case 2: terms.append((nudge, nudge))
    default: break
    }
    if random.integer(0...1) == 0 {
      let big = Double(Float(random.integer(1...1_000_000)))
      terms += [(big, 3), (-big, 3)]
    }
    if random.integer(0...1) == 0 { terms = terms.map { (-$0.0, $0.1) } }
    return terms.shuffled(using: &random)
  }

  @Test("float32 problems are rounded correctly to every shorter format, near ties too")
  func single() {
    var random = SeededNumbers(seed: 11)
    for format in [DataType.float16, .bfloat16, .float32] {
      var rounding = CountedRounding(to: format)
      for round in 0..<4000 {
        let terms =
          round % 2 == 0
          ? nearTie(&random, format)
          : ExactAccumulatorTests.products(&random, ExactAccumulatorTests.single)
        let (value, absolute) = chain(terms)
        let error = SumError(precision: .single, terms: terms.count).at(absolute)
        let rounded = rounding.rounded(value, error: error) { (sum: inout SingleAccumulator) in
          for (a, b) in terms { sum.add(a, times: b) }
        }
        let expected = exact(terms, format)
        if rounded.bitPattern != expected.bitPattern {
          Issue.record("\(format): \(rounded) instead of \(expected) for \(terms)")
          return
        }
      }
      // Both paths were gone.
      #expect(rounding.exactCount > 100 && rounding.exactCount < 3900)
    }
  }

  @Test("float64 problems are rounded correctly, near ties, in subnormal numbers and at overflow")
  func double() {
    var random = SeededNumbers(seed: 12)
    var rounding = CountedRounding(to: .float64)
    for round in 0..<6000 {
      let terms: [(Double, Double)]
      switch round % 4 {
      case 0: terms = ExactAccumulatorTests.products(&random, ExactAccumulatorTests.double)
      case 1:
        // Halves of neighbours, and a nudge of any size.
        let x = ExactAccumulatorTests.double(&random)
        let nudge = Double(sign: .minus, exponent: random.integer(-1074...(-900)), significand: 1)
        terms = [(x, 0.5), (x.nextUp, 0.5), (nudge, 1), (0x1p300, 3), (-0x1p300, 3)]
      case 2:
        let scale = Double(sign: .plus, exponent: random.integer(-540...(-500)), significand: 1)
        terms = (0..<9).map { _ in
          (
            Double.random(in: -1...1, using: &random) * scale,
            Double.random(in: -1...1, using: &random) * scale
          )
        }
      default:
        terms = (0..<9).map { _ in
          (Double.random(in: -1...1, using: &random), Double.random(in: -1...1, using: &random))
        }
      }
      let (value, tail, absolute) = doubled(terms)
      let error = SumError(precision: .double, terms: terms.count).at(absolute)
      let rounded = rounding.rounded(value, tail: tail, error: error) { (sum: inout DoubleAccumulator) in
        for (a, b) in terms { sum.add(a, times: b) }
      }
      let expected = exact(terms, .float64)
      if rounded.bitPattern != expected.bitPattern {
        Issue.record("\(rounded) instead of \(expected) for \(terms)")
        return
      }
    }
    #expect(rounding.exactCount > 100 && rounding.exactCount < 5000)
  }

  @Test("where all numbers are multiples of one power of two, sums that cancel need no exact path")
  func multiples() {
    var random = SeededNumbers(seed: 13)
    let image = (0..<900).map { _ in Float(random.integer(0...255)) }
    let filter: [Float] = [0.25, 0.5, 0.25, 0, 0, 0, -0.25, -0.5, -0.25]
    let places = [image, filter].map { $0.withUnsafeBufferPointer { SumError.leastPlace(of: $0) } }
    #expect(places == [0, -2])
    let errors = SumError(precision: .single, terms: 9, leastPlace: -2)
    var rounding = CountedRounding(to: .float32)
    for start in 0..<800 {
      // Every fourth window is flat: its sum is zero.
      let terms = filter.indices.map {
        (Double(image[start % 4 == 0 ? start : start + $0]), Double(filter[$0]))
      }
      let (value, absolute) = chain(terms)
      let rounded = rounding.rounded(value, error: errors.at(absolute)) { (sum: inout SingleAccumulator) in
        for (a, b) in terms { sum.add(a, times: b) }
      }
      #expect(rounded.bitPattern == exact(terms, .float32).bitPattern)
    }
    #expect(rounding.exactCount == 0)
    #expect([Float.infinity].withUnsafeBufferPointer { SumError.leastPlace(of: $0) } == nil)
    #expect([Float(0)].withUnsafeBufferPointer { SumError.leastPlace(of: $0) } == 2048)
    #expect([Float.leastNonzeroMagnitude].withUnsafeBufferPointer { SumError.leastPlace(of: $0) } == -149)
    #expect(SumError(precision: .single, terms: 9, leastPlace: 2048).exactBelow == 0)
  }

  @Test("of the outputs of a 3×3 filter over random pixels, few need the exact path")
  func fraction() {
    var random = SeededNumbers(seed: 14)
    let size = 256
    let image = (0..<size * size).map { _ in Float.random(in: -1...1, using: &random) }
    let filter = (0..<9).map { _ in Float.random(in: -1...1, using: &random) }
    let errors = SumError(precision: .single, terms: 9)
    var rounding = CountedRounding(to: .float32)
    for a in 0..<size - 2 {
      for b in 0..<size - 2 {
        let terms = (0..<9).map { (Double(image[(a + $0 / 3) * size + b + $0 % 3]), Double(filter[$0])) }
        let (value, absolute) = chain(terms)
        _ = rounding.rounded(value, error: errors.at(absolute)) { (sum: inout SingleAccumulator) in
          for (x, w) in terms { sum.add(x, times: w) }
        }
      }
    }
    // About (9·S/|y| + 2)·2⁻²⁸ of them are expected.
    #expect(rounding.exactCount < 10)
  }

  @Test("sums that are not finite are never certain")
  func nonfinite() {
    for format in DataType.allCases {
      for value in [Double.infinity, -.infinity, .nan] {
        #expect(CorrectRounding.certain(value, error: 1, format: format) == nil)
      }
      #expect(CorrectRounding.certain(1, error: .infinity, format: format) == nil)
      #expect(CorrectRounding.certain(1, error: .nan, format: format) == nil)
    }
    // The exact sum of a doubled sum whose leading part overflowed may be finite.
    #expect(
      CorrectRounding.certain(.greatestFiniteMagnitude, tail: 0x1p970, error: 0, format: .float64) == nil)
  }

  @Test("eight at once are certain only where each is, and then the same numbers")
  func vectors() {
    var random = SeededNumbers(seed: 15)
    var certain = (single: 0, double: 0)
    for _ in 0..<3000 {
      var values = SIMD8<Double>.zero
      var tails = values
      var errors = values
      for lane in 0..<8 {
        let scale = Double(sign: .plus, exponent: random.integer(-1080...1000), significand: 1)
        let near =
          lane % 2 == 0 ? ExactAccumulatorTests.single(&random) : ExactAccumulatorTests.double(&random)
        values[lane] = near
        tails[lane] = near * Double.random(in: -0x1p-50...0x1p-50, using: &random)
        errors[lane] =
          lane == 3 ? 0 : lane == 5 ? scale : near.magnitude * Double(random.integer(0...9)) * 0x1p-54
      }
      values[7] = random.integer(0...9) == 0 ? .infinity : values[7]
      var singles = SIMD8<Float>.zero
      // As much as `certain` takes for the roundings of the ends.
      var radii = SIMD8<Double>.zero
      for lane in 0..<8 where errors[lane] > 0 {
        radii[lane] = errors[lane] * (1 + 0x1p-50) + values[lane].magnitude * 0x1p-52
      }
      let single = CorrectRounding.areCertain(values, radii: radii, rounded: &singles)
      var doubles = SIMD8<Double>.zero
      let double = CorrectRounding.areCertain(values, tails: tails, errors: errors, rounded: &doubles)
      for lane in 0..<8 {
        let oneSingle = CorrectRounding.certain(values[lane], error: errors[lane], format: .float32)
        if single[lane] && singles[lane].isFinite {
          certain.single += 1
          #expect(oneSingle?.bitPattern == Double(singles[lane]).bitPattern)
        } else {
          #expect(oneSingle?.isFinite != true)
        }
        let oneDouble = CorrectRounding.certain(
          values[lane], tail: tails[lane], error: errors[lane], format: .float64)
        if double[lane] {
          certain.double += 1
          #expect(oneDouble?.bitPattern == doubles[lane].bitPattern)
        } else {
          #expect(oneDouble?.isFinite != true)
        }
      }
    }
    #expect(certain.single > 1000 && certain.double > 1000)
  }
}

/// Rounds elements one by one, as a reference does, and counts those whose exact sum was formed.
private struct CountedRounding {
  let format: DataType
  private(set) var exactCount = 0

  init(to format: DataType) { self.format = format }

  mutating func rounded<let limbs: Int>(
    _ value: Double, tail: Double = 0, error: Double, exactly terms: (inout ExactAccumulator<limbs>) -> Void
  ) -> Double {
    if let certain = CorrectRounding.certain(value, tail: tail, error: error, format: format) {
      return certain
    }
    exactCount += 1
    var sum = ExactAccumulator<limbs>()
    terms(&sum)
    return sum.rounded(to: format)
  }
}
