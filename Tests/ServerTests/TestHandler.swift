import Buffers
import HTTP
import Server
import Sockets

/// Work for the tests' servers: it echoes, makes large bodies, and has a worker that waits until it is let go.
final class TestHandler: RequestHandler {
  /// What stands at the gate before `/wait`.
  struct Gate {
    var isOpen = false
    var waiting = 0
    var finished = 0
  }

  let gate = Monitor(Gate())

  /// Lets everybody through who waits in `/wait`.
  func open() {
    gate.withLock { $0.isOpen = true }
    gate.broadcast()
  }

  /// Waits until `count` requests are inside `/wait`.
  func awaitWaiting(_ count: Int) {
    gate.wait { $0.waiting >= count ? true : nil }
  }

  /// Waits until `count` requests have been through `/wait`.
  func awaitFinished(_ count: Int) {
    gate.wait { $0.finished >= count ? true : nil }
  }

  func isUrgent(_ head: RequestHead) -> Bool { head.query == "urgent" }

  func refusal(for head: RequestHead) -> Response? {
    switch head.path {
    case "/echo", "/work", "/wait", "/large", "/sum": nil
    default: Self.text(.notFound, "no \(head.path)")
    }
  }

  func response(to request: borrowing Request, on place: Place) -> Response? {
    if place == .loop && request.head.path != "/echo" && request.head.path != "/large" { return nil }
    switch request.head.path {
    case "/large":
      let count = request.head.query.flatMap { Int($0) } ?? 0
      return Response(.ok, contentType: "application/octet-stream", body: Self.pattern(count))
    case "/wait":
      let before = Self.sum(request.body)
      gate.withLock { $0.waiting += 1 }
      gate.broadcast()
      gate.wait { $0.isOpen ? true : nil }
      // The body must still be what it was, whatever became of the client.
      let isUnchanged = Self.sum(request.body) == before
      gate.withLock { $0.finished += isUnchanged ? 1 : 1_000_000 }
      gate.broadcast()
      return Self.text(.ok, "\(request.body.count)")
    case "/sum": return Self.text(.ok, "\(request.body.count) \(Self.sum(request.body))")
    default:
      var body = ByteBuffer()
      body.append(text: "\(request.head.method.rawValue) \(request.head.query ?? "") ")
      body.append(contentsOf: request.body.assumingMemoryBound(to: UInt8.self))
      return Response(.ok, contentType: "text/plain", body: body)
    }
  }

  func response(for refusal: Refusal) -> Response {
    Self.text(refusal.status, refusal.detail)
  }

  static func text(_ status: Status, _ text: String) -> Response {
    var body = ByteBuffer()
    body.append(text: text)
    return Response(status, contentType: "text/plain", body: body)
  }

  /// Bytes whose order and number show.
  static func pattern(_ count: Int) -> ByteBuffer {
    ByteBuffer(count: count) { bytes in
      for index in 0..<count { bytes.initializeElement(at: index, to: patternByte(index)) }
    }
  }

  static func patternByte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }

  /// A sum that depends on the order.
  static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }
}
