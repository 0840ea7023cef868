import Glibc

/// A small blocking TCP client, enough for a health probe: every call ends within the timeout.
public struct Client: ~Copyable, Sendable {
  private let descriptor: Descriptor

  /// Connects to `address`. `receiveRoom`, in bytes, makes the kernel's receive buffer small on purpose.
  public init(
    to address: SocketAddress, timeoutSeconds: Int, receiveRoom: Int? = nil
  ) throws(SystemError) {
    let descriptor = try SystemCall.socket(address.family, nonBlocking: false)
    if let receiveRoom {
      try SystemCall.setOption(descriptor, level: SOL_SOCKET, SO_RCVBUF, to: Int32(clamping: receiveRoom))
    }
    let limit = timeval(tv_sec: max(1, timeoutSeconds), tv_usec: 0)
    try SystemCall.setOption(descriptor, level: SOL_SOCKET, SO_RCVTIMEO, to: limit)
    try SystemCall.setOption(descriptor, level: SOL_SOCKET, SO_SNDTIMEO, to: limit)
    try SystemCall.setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: Int32(1))
    try SystemCall.connect(descriptor, address)
    self.descriptor = descriptor
  }

  /// Gives the socket away, to be worked on by those who take a server's; what would wait longer than the timeout is told as
  /// something that would block.
  public consuming func connected() -> Connected {
    Connected(descriptor: descriptor, peer: PeerAddress(sockaddr_storage()))
  }

  /// Sends all of `bytes`.
  public borrowing func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    var rest = bytes
    while !rest.isEmpty {
      guard case .bytes(let sent) = try SystemCall.send(descriptor, rest) else { throw .timedOut }
      rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
    }
  }

  /// Reads at least one byte into `room`; 0 means that the peer sends no more.
  public borrowing func receive(into room: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    guard case .bytes(let count) = try SystemCall.receive(descriptor, room) else { throw .timedOut }
    return count
  }

  /// Tells the peer that nothing more will be sent.
  public borrowing func shutdownWriting() throws(SystemError) {
    try SystemCall.shutdownWriting(descriptor)
  }

  /// Makes the end of this client a reset instead of a polite end of stream.
  package borrowing func resetWhenClosed() throws(SystemError) {
    try SystemCall.resetWhenClosed(descriptor)
  }
}
