import Synchronization

/// A fixed number of counters, which start at zero and are counted and read from any thread.
///
/// Unchecked: the pointer never changes, and what it points to is atomic.
public final class CounterTable: @unchecked Sendable {
  private let counters: UnsafeMutablePointer<Atomic<Int>>
  private let count: Int

  /// `count` counters.
  public init(count: Int) {
    self.count = count
    counters = .allocate(capacity: count)
    for index in 0..<count { (counters + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counters.deinitialize(count: count)
    counters.deallocate()
  }

  /// Adds `amount` to the counter `index`.
  @inline(__always)
  public func add(_ amount: Int = 1, at index: Int) {
    precondition(index >= 0 && index < count, "no such counter")
    counters[index].wrappingAdd(amount, ordering: .relaxed)
  }

  /// What the counter `index` has come to.
  public subscript(index: Int) -> Int {
    precondition(index >= 0 && index < count, "no such counter")
    return counters[index].load(ordering: .relaxed)
  }
}
