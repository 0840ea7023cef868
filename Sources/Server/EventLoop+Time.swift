import Buffers
import HTTP
import Sockets
import TLS

/// The end, and time: nobody is waited for without a clock, and a clock costs a comparison a second, not a thread.
extension EventLoop {
  /// How long a client has to show that it has just sent something when draining begins.
  private static let drainGrace = 300
  /// How long the kernel gets to finish the handshakes that are under way when draining begins.
  private static let arrivalGrace = 100
  /// How long a connection above the limit may stay silent.
  private static let surplusPatience = 1000

  /// Between two looks at all clocks.
  var sweepMilliseconds: Int { isDraining ? 50 : 1000 }

  /// Closes the doors, and lets who is inside finish.
  func beginDraining() {
    isDraining = true
    drainStart = now
    isAcceptingPaused = false
    if shared.options.sharesPort {
      // Another process may listen here too: nobody who could go there is to be lost.
      for door in doors { door.listener?.dropNewcomers() }
      lastArrival = now + Self.arrivalGrace
    } else {
      closeDoors()
    }
  }

  private func closeDoors() {
    for door in doors {
      // Who is already in the backlog has been accepted by the kernel; closing the listener would reset them. Bounded,
      // since a flood need not end by itself.
      for _ in 0..<10_000 where !acceptOne(door) { break }
      door.listener = nil
    }
  }

  func sweep() {
    if isAcceptingPaused { pauseAccepting(false) }
    hasReportedShortage = false
    if spare == nil { spare = try? SpareDescriptor() }
    if isDraining, !isShut, now >= lastArrival { closeDoors() }
    if mayReturnMemory, !hasWorked {
      Process.returnFreeMemory()
      mayReturnMemory = false
    }
    hasWorked = false
    for case let connection? in slots { checkClocks(of: connection) }
  }

  private func checkClocks(of connection: Connection) {
    let options = shared.options
    let age = now - connection.since
    let isLate = now - connection.began > options.requestSeconds * 1000
    switch connection.state {
    case .idle where !connection.stream.isReady:
      // A handshake is given the time of a head; one that is under way when draining begins may still bring a request.
      let isHurried = connection.isSurplus || isDraining
      if age > (isHurried ? Self.surplusPatience : options.headSeconds * 1000) { close(connection) }
    case .idle:
      if connection.isSurplus, age > Self.surplusPatience {
        refuse(connection, connectionRefusal)
      } else if age > options.idleSeconds * 1000 {
        close(connection)
      } else if isDraining, connection.input.count == 0, age > Self.drainGrace,
        now - drainStart > Self.drainGrace
      {
        // A client that was about to ask has done so by now, and was told that its answer is the last.
        close(connection)
      }
    case .readingHead:
      // RFC 9110 section 15.5.9, here and below.
      if isLate || age > options.headSeconds * 1000 {
        refuse(connection, Refusal(status: .requestTimeout, detail: "The head took too long to come."))
      }
    case .readingBody(let reader):
      if isLate || isTooSlow(connection) {
        let refusal = Refusal(status: .requestTimeout, detail: "The body came too slowly.")
        refuse(connection, refusal, to: reader.exchange.head)
      }
    case .working(let exchange):
      if isLate {
        exchange.abandon()
        let refusal = Refusal(
          status: .serviceUnavailable, detail: "The answer took longer than this server allows, in seconds.",
          limit: options.requestSeconds)
        refuse(connection, refusal, to: exchange.head)
      }
    case .skippingBody: if isLate || isTooSlow(connection) { close(connection) }
    case .writing:
      if isTooSlow(connection) {
        // Who does not read does not miss a polite end either.
        try? connection.stream.socket.resetWhenClosed()
        close(connection)
      }
    case .lingering: if age > (isDraining ? 1000 : options.lingerSeconds * 1000) { close(connection) }
    case .closed: break
    }
  }

  private func isTooSlow(_ connection: Connection) -> Bool {
    let stall = shared.options.stallSeconds * 1000
    if now - connection.lastMove > stall { return true }
    let counted = now - connection.since - stall
    return counted > 0 && connection.moved < counted / 1000 * shared.options.minimumBytesPerSecond
  }
}
