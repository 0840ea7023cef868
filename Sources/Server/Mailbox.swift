import Sockets

/// Where workers leave finished exchanges for a loop, and how anybody wakes that loop.
final class Mailbox: Sendable {
  let bell: Bell
  /// A monitor nobody waits at: unlike `Synchronization.Mutex` it is known to the thread sanitizer.
  private let finished = Monitor<[Exchange]>([])

  init() throws(SystemError) {
    bell = try Bell()
  }

  /// Leaves `exchange`; the bell rings only for the first one, the loop takes all at once.
  func post(_ exchange: Exchange) {
    let wasEmpty = finished.withLock { finished in
      finished.append(exchange)
      return finished.count == 1
    }
    if wasEmpty { bell.ring() }
  }

  /// All that has been left. The bell must have been silenced before, or a later ring could get lost.
  func collect() -> [Exchange] {
    finished.withLock { finished in
      let all = finished
      finished = []
      return all
    }
  }
}
