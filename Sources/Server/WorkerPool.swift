import Buffers
import DequeModule
import HTTP
import Sockets
import Synchronization

/// Threads that answer the requests too long for a loop, and the bounded queue before them.
final class WorkerPool: Sendable {
  private struct Queue {
    var exchanges: Deque<Exchange> = []
    var isStopped = false
  }

  private let queue = Monitor(Queue())
  private let handler: any RequestHandler
  private let limit: Int
  private let minimumCodedBytes: Int
  private let busy = Atomic<Int>(0)

  init(handler: any RequestHandler, queueLength: Int, minimumCodedBytes: Int) {
    self.handler = handler
    limit = queueLength
    self.minimumCodedBytes = minimumCodedBytes
  }

  /// Starts `count` workers. They end on their own some time after `stop`: a worker deep in work can't be
  /// interrupted, and nobody waits for it.
  func start(_ count: Int) throws(SystemError) {
    for number in 0..<count {
      try Thread(name: "worker-\(number)") { self.run() }.detach()
    }
  }

  /// Queues `exchange`; false where the queue is full.
  func submit(_ exchange: Exchange) -> Bool {
    let isTaken = queue.withLock { queue in
      if queue.exchanges.count >= limit { return false }
      queue.exchanges.append(exchange)
      return true
    }
    if isTaken { queue.signal() }
    return isTaken
  }

  /// How many requests wait.
  var queued: Int { queue.withLock { $0.exchanges.count } }

  /// How many workers are at work.
  var working: Int { busy.load(ordering: .relaxed) }

  /// Lets the workers end; what is still queued is dropped.
  func stop() {
    queue.withLock { queue in
      queue.isStopped = true
      queue.exchanges.removeAll()
    }
    queue.broadcast()
  }

  private enum Task {
    case work(Exchange)
    case end
  }

  private func run() {
    var coder = ResponseCoder(minimum: minimumCodedBytes)
    while case .work(let exchange) = nextTask() {
      // The queue may have been long enough for the client to leave or for its time to run out.
      if exchange.isAbandoned {
        exchange.drop()
      } else {
        busy.wrappingAdd(1, ordering: .relaxed)
        var response = answer(exchange)
        coder.code(&response, for: exchange.head)
        exchange.finish(with: response)
        busy.wrappingSubtract(1, ordering: .relaxed)
        exchange.mailbox.post(exchange)
      }
    }
  }

  private func nextTask() -> Task {
    queue.wait { queue in
      if queue.isStopped { return .end }
      return queue.exchanges.popFirst().map { .work($0) }
    }
  }

  private func answer(_ exchange: Exchange) -> Response {
    let request = Request(head: exchange.head, body: exchange.body.bytes)
    if let response = handler.response(to: request, on: .worker) { return response }
    return handler.response(
      for: Refusal(status: .internalServerError, detail: "The handler left the request without an answer."))
  }
}
