import Convolution
import Equivalence
import TestSupport

/// Arithmetics written anew, operation by operation, as the claims name them.
enum EmulatedArithmetic: CaseIterable {
  case float64Once, sequential, backwards, pairwise, fused, truncated, tf32, float16Inputs, bfloat16Inputs
  case float16, bfloat16, float16Accumulated, bfloat16Accumulated

  /// The claim that is true of it.
  var claim: Claim {
    switch self {
    case .float64Once: .float64
    case .sequential, .backwards, .pairwise, .fused: .float32
    case .truncated: .float32Truncated
    case .tf32: .tf32
    case .float16Inputs: .float16Inputs
    case .bfloat16Inputs: .bfloat16Inputs
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float16Accumulated: .float16Accumulated
    case .bfloat16Accumulated: .bfloat16Accumulated
    }
  }

  /// The sum of products of float32 numbers, as a float32 number.
  func sum(_ products: [(Double, Double)]) -> Float {
    let given = products.map { (Float($0.0), Float($0.1)) }
    switch self {
    case .float64Once: return Float(products.reduce(0.0) { $0 + $1.0 * $1.1 })
    case .sequential: return given.reduce(Float(0)) { $0 + $1.0 * $1.1 }
    case .backwards: return given.reversed().reduce(Float(0)) { $0 + $1.0 * $1.1 }
    case .pairwise: return Self.pairwise(given.map { $0.0 * $0.1 }[...])
    case .fused: return given.reduce(Float(0)) { $0.addingProduct($1.0, $1.1) }
    case .truncated: return Self.truncated(given)
    case .tf32: return Self.truncated(given, rounding: Self.tf32)
    case .float16Inputs: return Self.truncated(given, rounding: Self.half)
    case .bfloat16Inputs: return Self.truncated(given, rounding: Self.brain)
    case .float16: return Self.half(Self.truncated(given, rounding: Self.half))
    case .bfloat16: return Self.brain(Self.truncated(given, rounding: Self.brain))
    case .float16Accumulated:
      return given.reduce(Float(0)) { Self.half($0 + Self.half(Self.half($1.0) * Self.half($1.1))) }
    case .bfloat16Accumulated:
      return given.reduce(Float(0)) { Self.brain($0 + Self.brain(Self.brain($1.0) * Self.brain($1.1))) }
    }
  }

  private static func pairwise(_ terms: ArraySlice<Float>) -> Float {
    if terms.count <= 1 { return terms.first ?? 0 }
    let middle = terms.startIndex + terms.count / 2
    return pairwise(terms[..<middle]) + pairwise(terms[middle...])
  }

  /// Each product and each sum cut off behind 24 bits.
  private static func truncated(
    _ terms: [(Float, Float)], rounding: (Float) -> Float = { $0 }
  ) -> Float {
    terms.reduce(Float(0)) { sum, term in
      let product = cut(Double(rounding(term.0)) * Double(rounding(term.1)))
      return cut(Double(sum) + Double(product))
    }
  }

  /// The float32 next to `x` towards zero.
  static func cut(_ x: Double) -> Float {
    let nearest = Float(x)
    return Double(nearest).magnitude > x.magnitude ? (x < 0 ? nearest.nextUp : nearest.nextDown) : nearest
  }

  /// To TF32: 13 bits of a float32's fraction rounded away, ties to even, by its bits.
  static func tf32(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFF)
  }

  static func half(_ x: Float) -> Float { Float(float16Bits: x.float16Bits) }
  static func brain(_ x: Float) -> Float { Float(bfloat16Bits: x.bfloat16Bits) }
}

/// Numbers that are hard in different ways.
enum HardNumbers: CaseIterable {
  case ordinary, cancelling, wide, integers, tiny

  func number(_ random: inout SeededNumbers) -> Float {
    switch self {
    case .ordinary: Float.random(in: -1...1, using: &random)
    case .cancelling:
      Float(random.integer(0...1) * 2 - 1) * (1 + Float.random(in: 0...0x1p-10, using: &random))
    case .wide:
      Float(
        sign: .plus, exponent: random.integer(-6...6), significand: Float.random(in: -2...2, using: &random))
    case .integers: Float(random.integer(-9...9))
    // Products that underflow, and inputs that are subnormal in the short formats or in all.
    case .tiny:
      Float(
        sign: .plus,
        exponent: random.integer(0...1) == 0 ? random.integer(-149 ... -120) : random.integer(-30...0),
        significand: Float.random(in: -2...2, using: &random))
    }
  }
}
