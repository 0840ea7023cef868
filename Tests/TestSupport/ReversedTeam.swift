public import Convolution
import Synchronization

/// A team of one thread that takes the parts in the wrong order, and remembers how many there were.
public final class ReversedTeam: ComputeTeam {
  public let threads = 4
  private let counted = Atomic<Int>(0)

  public init() {}

  /// The parts so far.
  public var parts: Int { counted.load(ordering: .relaxed) }

  public func run(parts: Int, others: Int, _ body: @escaping @Sendable (Int) -> Void) {
    counted.wrappingAdd(parts, ordering: .relaxed)
    for part in (0..<parts).reversed() { body(part) }
  }
}
