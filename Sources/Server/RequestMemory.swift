import Synchronization

/// The memory that all requests in flight share: bodies on their way in, answers on their way out, and bytes that
/// wait for their turn.
final class RequestMemory: Sendable {
  let limit: Int
  private let used = Atomic<Int>(0)

  init(limit: Int) {
    self.limit = limit
  }

  /// What is taken now.
  var bytes: Int { used.load(ordering: .relaxed) }

  /// Whether `bytes` more fit in now. Nothing is taken.
  func hasRoom(for bytes: Int) -> Bool { used.load(ordering: .relaxed) <= limit - bytes }

  /// One holder's part, given back when the value dies.
  struct Share: ~Copyable {
    private let memory: RequestMemory
    private var bytes = 0

    /// Nothing yet.
    init(of memory: RequestMemory) {
      self.memory = memory
    }

    deinit {
      if bytes != 0 { memory.used.wrappingSubtract(bytes, ordering: .relaxed) }
    }

    /// Makes the part `bytes` large, since so much is held now.
    ///
    /// - Returns: false where it grew and all parts together are above the limit: the holder has to let go.
    mutating func resize(to bytes: Int) -> Bool {
      let growth = bytes - self.bytes
      if growth == 0 { return true }
      self.bytes = bytes
      return memory.used.wrappingAdd(growth, ordering: .relaxed).newValue <= memory.limit || growth < 0
    }
  }
}
