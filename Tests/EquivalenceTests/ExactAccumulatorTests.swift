import Convolution
import Equivalence
import TestSupport
import Testing

/// Exact sums against an independent bitwise one, and their rounding against the midpoints between neighbours.
@Suite struct ExactAccumulatorTests {
  /// A float32 of any size, some of them subnormal.
  static func single(_ random: inout SeededNumbers) -> Double {
    while true {
      var bits = UInt32(truncatingIfNeeded: random.next())
      if random.integer(0...7) == 0 { bits &= 0x807F_FFFF }
      let x = Float(bitPattern: bits)
      if x.isFinite { return Double(x) }
    }
  }

  /// A float64 of any size, some of them subnormal.
  static func double(_ random: inout SeededNumbers) -> Double {
    while true {
      var bits = random.next()
      if random.integer(0...7) == 0 { bits &= 0x800F_FFFF_FFFF_FFFF }
      let x = Double(bitPattern: bits)
      if x.isFinite { return x }
    }
  }

  /// Products that cancel, repeat and spread over all exponents.
  static func products(
    _ random: inout SeededNumbers, _ number: (inout SeededNumbers) -> Double
  ) -> [(Double, Double)] {
    var products: [(Double, Double)] = []
    for _ in 0..<random.integer(1...12) {
      let (a, b) = (number(&random), number(&random))
      products.append((a, b))
      switch random.integer(0...3) {
      case 0: products.append((-a, b))
      case 1: products.append((b, a))
      default: break
      }
    }
    // Often the largest part is gone, and what is left stands far below it.
    if random.integer(0...1) == 0 { products += products.dropFirst().map { (-$0.0, $0.1) } }
    return products.shuffled(using: &random)
  }

  static func sum<let limbs: Int>(
    _ products: [(Double, Double)], _: ExactAccumulator<limbs>.Type
  ) -> ExactAccumulator<limbs> {
    var sum = ExactAccumulator<limbs>()
    for (a, b) in products { sum.add(a, times: b) }
    return sum
  }

  func check(_ products: [(Double, Double)], _ rounded: Double, _ format: DataType) -> Bool {
    if Neighbours(format).isNearest(rounded, of: products) { return true }
    Issue.record("\(format) \(rounded.debugDescription) is not nearest to the sum of \(products)")
    return false
  }

  @Test("sums of float32 products are rounded correctly to every format")
  func singleProducts() {
    var random = SeededNumbers(seed: 1)
    for _ in 0..<1500 {
      let products = Self.products(&random, Self.single)
      let sum = Self.sum(products, SingleAccumulator.self)
      for format in DataType.allCases {
        if !check(products, sum.rounded(to: format), format) { return }
      }
    }
  }

  @Test("sums of float64 products are rounded correctly to every format")
  func doubleProducts() {
    var random = SeededNumbers(seed: 2)
    for _ in 0..<1000 {
      let products = Self.products(&random, Self.double)
      let sum = Self.sum(products, DoubleAccumulator.self)
      for format in DataType.allCases {
        if !check(products, sum.rounded(to: format), format) { return }
      }
    }
  }

  @Test("ties go to even, and the least bit beyond one decides", arguments: DataType.allCases)
  func ties(format: DataType) {
    var random = SeededNumbers(seed: 3)
    let numbers = Neighbours(format)
    for round in 0..<3000 {
      // The first places are subnormal numbers, the last ones the ends of the range.
      let place =
        round < 40
        ? UInt64(round)
        : round < 80 ? numbers.largestPlace - UInt64(round - 40) : random.next() % numbers.largestPlace
      let low = numbers.number(at: place)
      // Behind the largest number follows, for rounding, the power of two that there is no more.
      let high = place == numbers.largestPlace ? numbers.largestPower : numbers.number(at: place + 1)
      var products = [(low, 0.5), (high, place == numbers.largestPlace ? 1 : 0.5)]
      let even = place & 1 == 0 ? low : place == numbers.largestPlace ? .infinity : high
      let odd = place & 1 == 0 ? (place == numbers.largestPlace ? .infinity : high) : low
      let tie = Self.sum(products, DoubleAccumulator.self)
      #expect(tie.rounded(to: format) == even)
      // 2⁻²¹⁴⁸, the smallest product there is, towards the odd one.
      let eta = Double.leastNonzeroMagnitude
      products.append((odd > even ? eta : -eta, eta))
      #expect(Self.sum(products, DoubleAccumulator.self).rounded(to: format) == odd)
      let mirrored = products.map { (-$0.0, $0.1) }
      #expect(Self.sum(mirrored, DoubleAccumulator.self).rounded(to: format) == -odd)
    }
  }

  @Test("the order of terms does not matter, and carries run through all limbs")
  func order() {
    var random = SeededNumbers(seed: 4)
    for _ in 0..<200 {
      let products = Self.products(&random, Self.single)
      let expected = Self.sum(products, SingleAccumulator.self).rounded(to: .float64)
      for _ in 0..<5 {
        let again = Self.sum(products.shuffled(using: &random), SingleAccumulator.self)
        #expect(again.rounded(to: .float64).bitPattern == expected.bitPattern)
      }
    }
    // One bit far up, minus one bit at the very end: every limb between them changes.
    let large = Double(Float.greatestFiniteMagnitude)
    let small = Double(Float.leastNonzeroMagnitude)
    var sum = SingleAccumulator()
    sum.add(large, times: large)
    sum.add(-small, times: small)
    #expect(sum.sign == 1)
    sum.add(-large, times: large)
    #expect(sum.sign == -1)
    #expect(sum.rounded(to: .float64) == -0x1p-298)
    #expect(sum.rounded(to: .float32).sign == .minus)
    sum.add(small, times: small)
    #expect(sum.sign == 0)
    #expect(sum.rounded(to: .float32).sign == .plus)
  }

  @Test("sums that have gone through many limbs' carries return to zero")
  func manyTerms() {
    var sum = SingleAccumulator()
    let large = Double(Float.greatestFiniteMagnitude)
    for _ in 0..<1_000_000 { sum.add(large, times: large) }
    for _ in 0..<999_999 { sum.add(-large, times: large) }
    #expect(sum.rounded(to: .float64) == large * large)
    #expect(sum.rounded(to: .float32) == .infinity)
  }

  @Test("distances are compared with bounds exactly")
  func distances() {
    var random = SeededNumbers(seed: 5)
    for round in 0..<1500 {
      let isSingle = round % 2 == 0
      let products = Self.products(&random, isSingle ? Self.single : Self.double)
      let narrow = isSingle ? Self.sum(products, SingleAccumulator.self) : nil
      let wide = Self.sum(products, DoubleAccumulator.self)
      let nearest = wide.rounded(to: .float64)
      for value in [nearest, nearest.nextUp, Self.double(&random)] where value.isFinite {
        let error = wide.error(of: value)
        if let narrow { #expect(narrow.error(of: value) == error) }
        for bound in [error.magnitude, error.magnitude.nextDown, error.magnitude.nextUp, 0]
        where bound.isFinite && bound >= 0 {
          let expected = ExactSum.isWithin(value, of: products, bound: bound)
          #expect(wide.isWithin(bound, of: value) == expected)
          if let narrow { #expect(narrow.isWithin(bound, of: value) == expected) }
        }
      }
    }
  }
}

/// The numbers of a format in order, decoded from their bits by the definition of the format.
struct Neighbours {
  let format: DataType
  private let exponentBits: Int
  private let fractionBits: Int

  init(_ format: DataType) {
    self.format = format
    (exponentBits, fractionBits) =
      switch format {
      case .float16: (5, 10)
      case .bfloat16: (8, 7)
      case .float32: (8, 23)
      case .float64: (11, 52)
      }
  }

  private var bias: Int { 1 << (exponentBits - 1) - 1 }
  /// The place of the largest finite number; zero is at 0.
  var largestPlace: UInt64 { UInt64(1 << exponentBits - 1) << UInt64(fractionBits) - 1 }
  /// The largest power of two.
  var largestPower: Double { Double(sign: .plus, exponent: bias, significand: 1) }

  /// The number whose magnitude has these bits.
  func number(at place: UInt64) -> Double {
    let field = Int(place >> UInt64(fractionBits))
    let fraction = Double(place & (1 << UInt64(fractionBits) - 1))
    let scale = Double(1 << fractionBits)
    return field == 0
      ? Double(sign: .plus, exponent: 1 - bias - fractionBits, significand: fraction)
      : Double(sign: .plus, exponent: field - bias, significand: 1 + fraction / scale)
  }

  func place(of magnitude: Double) -> UInt64 {
    var (low, high) = (UInt64(0), largestPlace + 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if number(at: middle) <= magnitude { low = middle } else { high = middle }
    }
    return low
  }

  /// Whether `rounded` is the number nearest to the exact sum, an even one at a tie.
  func isNearest(_ rounded: Double, of products: [(Double, Double)]) -> Bool {
    let negative = rounded.sign == .minus
    /// The sign of |Σ| − (a + b)/2.
    func side(_ a: Double, _ b: Double) -> Int {
      var sum = ExactSum()
      for (x, y) in products { sum.add(x, times: y, negated: negative) }
      sum.add(a, times: 0.5, negated: true)
      sum.add(b, times: 0.5, negated: true)
      return sum.sign
    }
    var signed = ExactSum()
    for (x, y) in products { signed.add(x, times: y) }
    if rounded == 0 && signed.sign == 0 { return !negative }
    if signed.sign != (negative ? -1 : 1) { return false }
    func isBeyond() -> Bool {
      var sum = ExactSum()
      for (x, y) in products { sum.add(x, times: y, negated: negative) }
      sum.add(number(at: largestPlace), times: 0.5, negated: true)
      sum.add(largestPower, negated: true)
      return sum.sign >= 0
    }
    if rounded.isInfinite { return isBeyond() }
    let place = place(of: rounded.magnitude)
    if number(at: place) != rounded.magnitude { return false }
    let even = place & 1 == 0
    if place > 0 {
      let below = side(number(at: place - 1), number(at: place))
      if below < 0 || below == 0 && !even { return false }
    }
    if place == largestPlace { return !isBeyond() }
    let above = side(number(at: place), number(at: place + 1))
    return above < 0 || above == 0 && even
  }
}
