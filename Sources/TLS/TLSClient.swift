public import Sockets

/// A small blocking client within TLS, enough for a health probe: every call ends within the timeout of its socket.
public struct TLSClient: ~Copyable {
  private let socket: Connected
  private var session: TLSSession

  /// A client on a connection of its own; the first call makes the handshake.
  ///
  /// - Throws: `setup` where there is no memory for it.
  public init(_ client: consuming Client, within context: TLSContext) throws(TLSError) {
    session = try TLSSession(context)
    socket = client.connected()
  }

  /// Sends all of `bytes`.
  public mutating func send(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
    var rest = bytes
    while !rest.isEmpty {
      let sent = try count(session.write(rest, UnsafeRawBufferPointer(start: nil, count: 0), to: socket))
      rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
    }
  }

  /// Reads at least one byte into `room`; 0 means that the peer sends no more.
  public mutating func receive(into room: UnsafeMutableRawBufferPointer) throws(TLSError) -> Int {
    let progress = session.receive(from: socket, into: room)
    if progress == .closed || progress == .cut { return 0 }
    return try count(progress)
  }

  private func count(_ progress: TLSProgress) throws(TLSError) -> Int {
    switch progress {
    case .done(let count): return count
    case .wantsRead, .wantsWrite: throw .socket(.timedOut)
    case .closed, .cut: throw .truncated
    case .failed(let error): throw error
    }
  }
}
