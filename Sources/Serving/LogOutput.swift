import Buffers
import Glibc
import Sockets
import Synchronization

/// Standard error behind a bounded queue and a thread of its own.
///
/// Whoever logs leaves a line and goes on: a terminal that stands still or a full pipe holds up that thread, never an event
/// loop. What does not fit into the queue meanwhile is dropped, counted, and said when lines can be written again.
final class LogOutput: Sendable {
  /// The bytes that may wait.
  static let limit = 1 << 20
  /// For how long lines are gathered, in microseconds, so that under load one wake-up and one call take many.
  private static let gatherMicroseconds: UInt32 = 20_000

  private struct Queue: ~Copyable {
    var waiting = ByteBuffer()
    var dropped = 0
    var isWriting = false
    var isStarted = false
  }

  /// How lines are written.
  let format: LogFormat
  private let queue = Monitor(Queue())
  private let allDropped = Atomic<Int>(0)

  /// An output that queues lines until it is started.
  init(_ format: LogFormat) {
    self.format = format
  }

  /// The lines that were dropped so far.
  var droppedLines: Int { allDropped.load(ordering: .relaxed) }

  /// Starts the thread that writes; it ends with the process. To be called once.
  func start() throws(SystemError) {
    try Thread(name: "log") { self.run() }.detach()
    queue.withLock { $0.isStarted = true }
  }

  /// Queues `line`, which ends in a line feed.
  func write(_ line: UnsafeBufferPointer<UInt8>) {
    let wakes = queue.withLock { queue in
      guard queue.waiting.count + line.count <= Self.limit else {
        queue.dropped += 1
        return false
      }
      queue.waiting.append(contentsOf: line)
      return queue.waiting.count == line.count
    }
    if wakes { queue.signal() }
  }

  /// Waits until everything queued is written, for at most `seconds`; where there is no thread, writes it.
  func flush(seconds: Int = 1) {
    if !queue.withLock({ $0.isStarted }) {
      let lines = take()
      File.writeToStandardError(lines.bytes)
      return
    }
    let end = Clock.milliseconds + seconds * 1000
    while queue.withLock({ $0.isWriting || $0.waiting.count > 0 }), Clock.milliseconds < end { usleep(1000) }
  }

  private func run() {
    while true {
      queue.wait { $0.waiting.count > 0 ? true : nil }
      let lines = take()
      File.writeToStandardError(lines.bytes)
      queue.withLock { $0.isWriting = false }
      usleep(Self.gatherMicroseconds)
    }
  }

  /// Takes what is queued out, and a word on what is missing behind it.
  private func take() -> ByteBuffer {
    var taken = ByteBuffer()
    let dropped = queue.withLock { queue in
      swap(&taken, &queue.waiting)
      queue.isWriting = true
      defer { queue.dropped = 0 }
      return queue.dropped
    }
    if dropped > 0 {
      allDropped.wrappingAdd(dropped, ordering: .relaxed)
      LogLine.write(format, "warning", "lines dropped", unixMilliseconds: Clock.unixMilliseconds) { line in
        line.begin("count", isNumber: true)
        line.put(decimal: dropped)
      } use: {
        taken.append(contentsOf: $0)
      }
    }
    return taken
  }
}
