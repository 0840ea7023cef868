public import Convolution

/// The same pseudo-random numbers in every run (SplitMix64), so that a failing case fails again.
public struct SeededNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Numbers that follow from `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// An integer in `range`.
  public mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  /// A matrix of `element`s.
  public mutating func rows<Element>(
    _ height: Int, _ width: Int, _ element: (inout SeededNumbers) -> Element
  ) -> [[Element]] {
    (0..<height).map { _ in (0..<width).map { _ in element(&self) } }
  }
}

extension Tensor {
  /// The elements of a matrix as rows.
  public var rows: [[Scalar]] {
    (0..<shape[0]).map { row in (0..<shape[1]).map { values[row * shape[1] + $0] } }
  }
}
