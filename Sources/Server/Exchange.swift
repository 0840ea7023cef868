import Buffers
import HTTP
import Synchronization

/// A request that owns its body, and later its answer.
///
/// Unchecked: it is handed from the loop to a worker and back, and only the one who has it touches it, apart from the
/// atomic flag. A worker keeps it alive, so the body outlives a connection that breaks while the worker reads it.
final class Exchange: @unchecked Sendable {
  let head: RequestHead
  /// The connection that asked.
  let token: UInt64
  /// Where the answer goes.
  let mailbox: Mailbox
  var body = ByteBuffer()
  var response: Response?

  private var share: RequestMemory.Share
  private let abandoned = Atomic<Bool>(false)

  /// What it takes besides the bytes of head and body, roughly.
  private static let ownBytes = 1024

  init(_ head: RequestHead, token: UInt64, mailbox: Mailbox, memory: RequestMemory) {
    self.head = head
    self.token = token
    self.mailbox = mailbox
    share = RequestMemory.Share(of: memory)
  }

  /// Whether nobody waits for the answer any more.
  var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

  /// To be called where nobody waits for the answer any more: a worker that has not begun does not begin.
  func abandon() { abandoned.store(true, ordering: .relaxed) }

  /// Charges the body's growth to the common memory; false where that has run out.
  func charge() -> Bool {
    share.resize(to: Self.ownBytes + head.byteCount + body.capacity)
  }

  /// Puts the answer in the place of the body, which nobody needs any more.
  func finish(with response: consuming Response) {
    body.clear(keepingAtMost: 0)
    let bytes = response.body.capacity
    self.response = consume response
    // What is there already can't be refused; the loop looks for room before it keeps it for long.
    _ = share.resize(to: Self.ownBytes + head.byteCount + bytes)
  }

  /// Takes the answer out; who takes it answers for its memory.
  func takeResponse() -> Response? {
    _ = share.resize(to: 0)
    return response.take()
  }

  /// Gives the body back.
  func drop() {
    body.clear(keepingAtMost: 0)
    _ = share.resize(to: 0)
  }
}
