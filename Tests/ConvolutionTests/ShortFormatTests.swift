import Convolution
import TestSupport
import Testing

@Suite struct ShortFormatTests {
  /// A short format by its definition: the value of each bit pattern as a float64, from sign, exponent and fraction.
  struct Format {
    let exponentBits: Int
    let fractionBits: Int

    func value(_ bits: UInt16) -> Double {
      let fraction = Double(Int(bits) & (1 << fractionBits - 1))
      let exponent = Int(bits) >> fractionBits & (1 << exponentBits - 1)
      let bias = 1 << (exponentBits - 1) - 1
      let sign = bits >> 15 == 1 ? -1.0 : 1.0
      func power(_ n: Int) -> Double { Double(sign: .plus, exponent: n, significand: 1) }
      if exponent == 1 << exponentBits - 1 { return fraction == 0 ? sign * .infinity : .nan }
      if exponent == 0 { return sign * fraction * power(1 - bias - fractionBits) }
      return sign * (power(fractionBits) + fraction) * power(exponent - bias - fractionBits)
    }

    /// The largest finite pattern.
    var last: UInt16 { UInt16((1 << exponentBits - 1) << fractionBits - 1) }

    /// The nearest pattern of a magnitude by search: neighbours are neighbouring patterns, and the middle of two belongs
    /// to the even one. float64 holds all middles exactly.
    func nearest(_ magnitude: Double) -> UInt16 {
      // What lies behind the last number counts as the next number would.
      let top = value(last) + (value(last) - value(last - 1)) / 2
      if magnitude >= top { return last + 1 }
      var (low, high) = (UInt16(0), last)
      while low < high {
        let middle = low + (high - low + 1) / 2
        if value(middle) <= magnitude { low = middle } else { high = middle - 1 }
      }
      if low == last { return low }
      let middle = (value(low) + value(low + 1)) / 2
      if magnitude == middle { return low % 2 == 0 ? low : low + 1 }
      return magnitude < middle ? low : low + 1
    }
  }

  static let half = Format(exponentBits: 5, fractionBits: 10)
  static let brain = Format(exponentBits: 8, fractionBits: 7)

  @Test("all 65 536 patterns of both formats widen to their value and come back")
  func everyPattern() {
    for bits in UInt16.min...UInt16.max {
      let half = Float(float16Bits: bits)
      let brain = Float(bfloat16Bits: bits)
      let halfValue = Self.half.value(bits)
      let brainValue = Self.brain.value(bits)
      if halfValue.isNaN ? !half.isNaN : Double(half) != halfValue {
        Issue.record("float16 \(bits): \(half)")
      }
      if brainValue.isNaN ? !brain.isNaN : Double(brain) != brainValue {
        Issue.record("bfloat16 \(bits): \(brain)")
      }
      if half.float16Bits != bits { Issue.record("float16 \(bits) comes back as \(half.float16Bits)") }
      if brain.bfloat16Bits != bits { Issue.record("bfloat16 \(bits) comes back as \(brain.bfloat16Bits)") }
    }
  }

  func check(_ x: Float) -> Bool {
    let sign: UInt16 = x.sign == .minus ? 0x8000 : 0
    let magnitude = Double(abs(x))
    let half = sign | Self.half.nearest(magnitude)
    let brain = sign | Self.brain.nearest(magnitude)
    if x.float16Bits == half && x.bfloat16Bits == brain { return true }
    Issue.record("bits \(x.bitPattern): \(x.float16Bits), not \(half); \(x.bfloat16Bits), not \(brain)")
    return false
  }

  @Test("rounding is to the nearest number with ties to even, at and beside every tie and at every boundary")
  func ties() {
    for format in [Self.half, Self.brain] {
      for bits in 0...format.last {
        let next =
          bits == format.last ? 2 * format.value(bits) - format.value(bits - 1) : format.value(bits + 1)
        let middle = Float((format.value(bits) + next) / 2)
        for x in [middle, middle.nextUp, middle.nextDown, -middle] where x.isFinite {
          if !check(x) { return }
        }
      }
    }
    for x: Float in [
      0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, .infinity, -.infinity,
      65504,
      65519.996, 65520, 65536, 0x1p-24, 0x1p-25, 0x1.000002p-25, 0x1p-14, 0x1.ffcp-15,
    ] { _ = check(x) }
  }

  @Test("random floats of every magnitude round to the nearest")
  func random() {
    var random = SeededNumbers(seed: 16)
    for _ in 0..<200_000 {
      let x = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      if !x.isNaN && !check(x) { return }
    }
  }

  @Test("a NaN stays a NaN of its sign, however short its payload")
  func nan() {
    for bits: UInt32 in [0x7F80_0001, 0x7FC0_0000, 0xFF80_0001, 0x7FFF_FFFF, 0xFF81_0000] {
      let x = Float(bitPattern: bits)
      let half = Float(float16Bits: x.float16Bits)
      let brain = Float(bfloat16Bits: x.bfloat16Bits)
      #expect(half.isNaN && brain.isNaN)
      #expect(x.float16Bits >> 15 == UInt16(bits >> 31) && x.bfloat16Bits >> 15 == UInt16(bits >> 31))
    }
  }

  @Test("a tensor rounds all its elements once")
  func tensor() {
    var tensor = Tensor<Float>([[1 + 0x1p-11, 1 + 0x1p-11 + 0x1p-20], [1e6, -1e-9]])
    tensor.round(to: .float32)
    #expect(tensor[0, 0] == 1 + 0x1p-11)
    tensor.round(to: .float16)
    let half = tensor.rows
    #expect(half == [[1, 1 + 0x1p-10], [.infinity, -0.0]])
    var other = Tensor<Float>([[1 + 0x1p-8, 1 + 0x1.8p-7, 3e38]])
    other.round(to: .bfloat16)
    let brain = other.rows
    #expect(brain == [[1, 1 + 0x1p-6, Float(bfloat16Bits: (3e38 as Float).bfloat16Bits)]])
  }
}
