import HTTP
import Sockets

/// What the loop tells those who watch it.
extension EventLoop {
  /// Counts and logs a request that has its answer of `byteCount` bytes, or, without a status, never will.
  func note(
    _ connection: Connection, _ head: RequestHead?, _ identity: RequestIdentity, _ status: Status?,
    byteCount: Int
  ) {
    let nanoseconds = Clock.nanoseconds - connection.beganExactly
    connection.isAnswered = true
    let route = head.map { shared.handler.route(of: $0) } ?? 0
    traffic.request(route, status, nanoseconds: nanoseconds)
    guard let log = shared.log else { return }
    log.note(
      RequestRecord(
        head: head, identity: identity, peer: connection.peer, status: status, byteCount: byteCount,
        nanoseconds: nanoseconds))
  }

  /// Notes that the client of a request has gone, unless the answer was on its way.
  func noteGone(_ connection: Connection, _ head: RequestHead) {
    if connection.isAnswered { return }
    note(connection, head, RequestIdentity(of: head, &numbers), nil, byteCount: 0)
  }
}
