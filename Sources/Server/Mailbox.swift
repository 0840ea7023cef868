import Sockets

/// Where workers leave finished exchanges for a loop, and how anybody wakes that loop.
final class Mailbox: Sendable {
  let bell: Bell
  /// A monitor nobody waits at: unlike `Synchronization.Mutex` it is known to the thread sanitizer.
  /// Nil once it is closed.
  private let finished = Monitor<[Exchange]?>([])

  init() throws(SystemError) {
    bell = try Bell()
  }

  /// Leaves `exchange`; the bell rings only for the first one, the loop takes all at once. A closed mailbox
  /// drops it.
  func post(_ exchange: Exchange) {
    let isFirst = finished.withLock { finished in
      finished?.append(exchange)
      return finished?.count == 1
    }
    if isFirst { bell.ring() }
  }

  /// All that has been left. The bell must have been silenced before, or a later ring could get lost.
  func collect() -> [Exchange] {
    finished.withLock { finished in
      guard let all = finished else { return [] }
      finished = []
      return all
    }
  }

  /// Drops what has been left and what will be: an exchange holds its mailbox, so that neither would ever be
  /// freed where no loop collects any more.
  func close() {
    finished.withLock { $0 = nil }
  }
}
