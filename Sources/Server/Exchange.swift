import Buffers
import HTTP
import Synchronization

/// The memory that the bodies of all requests in flight share.
final class BodyMemory: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)

  init(limit: Int) {
    self.limit = limit
  }

  func take(_ bytes: Int) -> Bool {
    if used.wrappingAdd(bytes, ordering: .relaxed).newValue <= limit { return true }
    used.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  func give(_ bytes: Int) {
    used.wrappingSubtract(bytes, ordering: .relaxed)
  }
}

/// A request that owns its body, and later its answer.
///
/// Unchecked: it is handed from the loop to a worker and back, and only the one who has it touches it. A worker
/// keeps it alive, so the body outlives a connection that breaks while the worker reads it.
final class Exchange: @unchecked Sendable {
  let head: RequestHead
  /// The connection that asked.
  let token: UInt64
  /// Where the answer goes.
  let mailbox: Mailbox
  var body = ByteBuffer()
  var response: Response?

  private let memory: BodyMemory
  private var charged = 0

  init(_ head: RequestHead, token: UInt64, mailbox: Mailbox, memory: BodyMemory) {
    self.head = head
    self.token = token
    self.mailbox = mailbox
    self.memory = memory
  }

  deinit {
    memory.give(charged)
  }

  /// Charges the body's growth to the common memory; false where that has run out.
  func charge() -> Bool {
    let grown = body.count - charged
    guard memory.take(grown) else { return false }
    charged += grown
    return true
  }

  /// Gives the body back as soon as nobody needs it any more.
  func dropBody() {
    body.clear(keepingAtMost: 0)
    memory.give(charged)
    charged = 0
  }
}
