/// The same pseudo-random numbers in every run (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
package struct DeterministicNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The numbers that `seed` begins.
  package init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A tensor of numbers in [−1, 1), each a multiple of 2⁻²³ and therefore exact in both formats.
  package mutating func tensor<Scalar: TensorScalar>(_ shape: Shape) -> Tensor<Scalar> {
    var tensor = Tensor<Scalar>(shape: shape, repeating: 0)
    let values = tensor.mutableValues
    for index in 0..<values.count {
      values[index] = Scalar(Double(Int64(next() >> 40)) * 0x1p-23 - 1)
    }
    return tensor
  }
}
