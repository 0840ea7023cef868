public import Convolution
import Synchronization

/// A team of one thread that takes the parts in the wrong order, and remembers how many there were.
public final class ReversedTeam: ComputeTeam {
  /// As many as it says that it has.
  public let threads = 4
  private let counted = Atomic<Int>(0)

  /// A team that has counted nothing.
  public init() {}

  /// The parts so far.
  public var parts: Int { counted.load(ordering: .relaxed) }

  /// Calls `body` for each part, the last one first.
  public func run(parts: Int, others: Int, _ body: @escaping @Sendable (Int) -> Void) {
    counted.wrappingAdd(parts, ordering: .relaxed)
    for part in (0..<parts).reversed() { body(part) }
  }
}
