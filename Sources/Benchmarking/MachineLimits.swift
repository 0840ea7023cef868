import Buffers
private import CKernels
public import Convolution

/// What one core of this machine can do at most with one variant of the kernels, measured by loops that do nothing else.
public struct MachineLimits: Sendable {
  /// Rates of one cache, or of the memory behind them.
  public struct Level: Sendable {
    /// `L1`, `L2`, … or `memory`.
    public let name: String
    /// The bytes it holds.
    public let capacity: Int
    /// Bytes read a second.
    public fileprivate(set) var read: Double
    /// Bytes read and bytes written a second, both counted, by a copy.
    public fileprivate(set) var copy: Double
    /// The same of a copy whose stores go past the caches.
    public fileprivate(set) var stream: Double

    /// The bytes that fit beside what else stands there.
    public var room: Int { capacity / 4 * 3 }
    /// The faster of both kinds of copy.
    public var fastestCopy: Double { max(copy, stream) }
  }

  /// The variant whose vectors it was measured with.
  public let kernels: KernelVariant
  /// Multiply-adds a second in float32.
  public private(set) var float32: Double
  /// Multiply-adds a second in float64.
  public private(set) var float64: Double
  /// The caches, the smallest first, and the memory.
  public private(set) var levels: [Level]

  /// Measures the limits of `kernels`, which must be available, in about a tenth of a second.
  public init(measuring kernels: KernelVariant) {
    self.kernels = kernels
    let (single, double) = (ck_limits_f32(kernels.code).pointee, ck_limits_f64(kernels.code).pointee)
    float32 = Self.multiplyAdds(Float.self, chained: single.chained) { single.multiplyAdds($0, $1) }
    float64 = Self.multiplyAdds(Double.self, chained: double.chained) { double.multiplyAdds($0, $1) }

    let caches = CacheSizes.read()
    // A quarter of a cache, since others use it too; for the memory, twice the last cache.
    let places = caches.enumerated().map { ("L\($0.offset + 1)", $0.element, $0.element / 4) }
    let last = caches[caches.count - 1]
    levels = (places + [("memory", .max, 2 * last)]).map { name, capacity, bytes in
      let half = bytes / 2 / MemoryLayout<Float>.stride / single.unit * single.unit
      let from = AlignedBuffer<Float>(repeating: 1, count: 2 * half)
      let to = from.base + half
      // A pass over a small cache is too short to be timed alone.
      let passes = max(1, (1 << 20) / bytes)
      func rate(_ pass: () -> Void) -> Double {
        Double(2 * half * MemoryLayout<Float>.stride * passes) / Self.fastest(pass)
      }
      return Level(
        name: name, capacity: capacity,
        read: rate { precondition(single.read(from.base, 2 * half, passes) > 0, "a sum of ones") },
        copy: rate { single.copy(from.base, to, half, passes) },
        stream: rate { single.stream(from.base, to, half, passes) })
    }
  }

  /// Raises each limit to that of `other`, of the same variant, where it is higher: whatever else runs on the machine lowers them.
  public mutating func raise(to other: MachineLimits) {
    precondition(kernels == other.kernels, "limits of another variant")
    float32 = max(float32, other.float32)
    float64 = max(float64, other.float64)
    for index in levels.indices {
      levels[index].read = max(levels[index].read, other.levels[index].read)
      levels[index].copy = max(levels[index].copy, other.levels[index].copy)
      levels[index].stream = max(levels[index].stream, other.levels[index].stream)
    }
  }

  private static func multiplyAdds<Scalar: TensorScalar>(
    _: Scalar.Type, chained: Int, _ run: (UnsafeMutablePointer<Scalar>, Int) -> Void
  ) -> Double {
    let rounds = 20_000
    let numbers = AlignedBuffer<Scalar>(repeating: 1, count: chained)
    return Double(chained * rounds) / fastest { run(numbers.base, rounds) }
  }

  /// The least seconds that `body` took, tried for 5 ms, and at least three times after one to warm up.
  private static func fastest(_ body: () -> Void) -> Double {
    body()
    var stopwatch = Stopwatch()
    var least = Int.max
    var tries = 0
    repeat {
      stopwatch.restartLap()
      body()
      least = min(least, stopwatch.lap())
      tries += 1
    } while tries < 3 || stopwatch.total < 5_000_000
    return Stopwatch.seconds(max(least, 1))
  }
}

extension KernelVariant {
  fileprivate var code: CKVariant {
    switch self {
    case .sse2: CK_SSE2
    case .avx2: CK_AVX2
    case .avx512: CK_AVX512
    case .neon: CK_NEON
    }
  }
}
