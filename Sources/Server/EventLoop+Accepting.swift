import Buffers
import HTTP
import Logging
import Sockets
import Synchronization
import TLS

/// New connections: as many as there is room for, and a word to the others.
extension EventLoop {
  /// How many connections above the limit each server lets in for a word.
  private static let surplus = 64

  func accept(_ door: Door) {
    // Bounded, so that a flood of arrivals does not starve those who are here.
    for _ in 0..<64 where !acceptOne(door) { return }
  }

  /// Takes one waiting connection; false where there is none to be had now.
  func acceptOne(_ door: Door) -> Bool {
    guard let arrival = door.listener?.accept() else { return false }
    switch consume arrival {
    case .nobody: return false
    case .failed: return true
    case .exhausted(let error):
      // Linux says so before it looks whether anybody waits.
      switch turnAwayOne(door) {
      case .nobody: return false
      case .turnedAway:
        reportShortage(error)
        return true
      case .impossible:
        reportShortage(error)
        // The backlog keeps the clients; the next sweep tries again. Without this the poller would spin.
        pauseAccepting(true)
        return false
      }
    case .connection(let socket):
      add(socket, door)
      return true
    }
  }

  /// What became of an attempt to turn a client away.
  private enum Farewell {
    case turnedAway, nobody, impossible
  }

  /// Spends the spare descriptor on one client, who is told that there is no room and let go.
  private func turnAwayOne(_ door: Door) -> Farewell {
    if spare == nil { return .impossible }
    spare = nil
    let farewell = sayFarewell(door)
    spare = try? SpareDescriptor()
    return spare == nil ? .impossible : farewell
  }

  /// Accepts one client and says that there is no room, which takes too long within TLS; at the end its descriptor is free
  /// again.
  private func sayFarewell(_ door: Door) -> Farewell {
    guard let arrival = door.listener?.accept() else { return .nobody }
    switch consume arrival {
    case .nobody: return .nobody
    case .failed: return .turnedAway
    case .exhausted: return .impossible
    case .connection(let socket):
      if door.tls != nil { return .turnedAway }
      // What has been read cannot turn the close into a reset.
      _ = try? socket.receive(into: scratch)
      traffic.refuse()
      let response = withRetryAfter(shared.handler.response(for: connectionRefusal))
      var bytes = ByteBuffer()
      _ = encoder.appendHead(of: response, framing: .init(keepAlive: false), to: &bytes) { bytes in
        shared.handler.appendFields(for: response, to: nil, in: &bytes)
      }
      bytes.append(contentsOf: response.body.elements)
      _ = try? socket.write(bytes.bytes, UnsafeRawBufferPointer(start: nil, count: 0))
      try? socket.shutdownWriting()
      return .turnedAway
    }
  }

  private func reportShortage(_ error: SystemError) {
    if !hasReportedShortage { logger.warning("no room for a client", metadata: ["error": "\(error)"]) }
    hasReportedShortage = true
  }

  var connectionRefusal: Refusal {
    Refusal(
      status: .serviceUnavailable, detail: "There are too many connections.",
      limit: shared.options.maximumConnections)
  }

  private func add(_ socket: consuming Connected, _ door: Door) {
    let count = shared.connections.wrappingAdd(1, ordering: .relaxed).newValue
    let limit = shared.options.maximumConnections
    // Beyond the few above the limit there is only the closed door.
    guard count <= limit + Self.surplus else {
      traffic.refuse()
      shared.connections.wrappingSubtract(1, ordering: .relaxed)
      return
    }
    guard let stream = stream(on: socket, door) else {
      shared.connections.wrappingSubtract(1, ordering: .relaxed)
      return
    }
    let slot = freeSlots.popLast() ?? slots.count
    if slot == slots.count {
      slots.append(nil)
      generations.append(0)
    }
    let token = UInt64(generations[slot]) << 32 | UInt64(slot)
    let connection = Connection(
      stream, token: token, isSurplus: count > limit, memory: shared.memory, now: now)
    slots[slot] = connection
    openConnections += 1
    if connection.isSurplus { traffic.refuse() } else { traffic.accept() }
    do {
      try poller.add(connection.stream.socket, .reading, token: token)
    } catch {
      close(connection)
    }
  }

  /// Nil where there is no memory for a session.
  private func stream(on socket: consuming Connected, _ door: Door) -> ClientStream? {
    guard let context = door.tls?.current else { return ClientStream(socket) }
    return try? ClientStream(socket, within: context)
  }

  func pauseAccepting(_ isPaused: Bool) {
    for (index, door) in doors.enumerated() {
      guard let watched = door.listener.take() else { continue }
      do {
        try poller.change(watched, isPaused ? [] : .reading, token: Self.token(ofDoor: index))
        isAcceptingPaused = isPaused
      } catch {
        logger.error("cannot change the listener", metadata: ["error": "\(error)"])
      }
      door.listener = consume watched
    }
  }
}
