import Glibc

/// A listening TCP socket that never blocks and shares its port with others of its kind (SO_REUSEPORT), among
/// which the kernel spreads the connections.
public struct Listener: ~Copyable, Sendable {
  let descriptor: Descriptor

  /// The bytes of an answer that the kernel takes beyond those that it can send.
  private static let unsentBytes: Int32 = 128 << 10

  /// Listens at `address`; port 0 lets the kernel choose.
  public init(at address: SocketAddress) throws(SystemError) {
    let descriptor = try SystemCall.socket(address.family, nonBlocking: true)
    try SystemCall.setOption(descriptor, level: SOL_SOCKET, SO_REUSEADDR, to: Int32(1))
    try SystemCall.setOption(descriptor, level: SOL_SOCKET, SO_REUSEPORT, to: Int32(1))
    // Linux hands this down to accepted sockets, which saves a call each: an answer leaves at once even when
    // the one before it is not acknowledged.
    try SystemCall.setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: Int32(1))
    // Handed down too. The kernel would take megabytes for a client that reads nothing, beside every account and clock
    // here; what it has sent and waits to hear of does not count, so that a long line is no slower.
    try SystemCall.setOption(
      descriptor, level: Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, to: Self.unsentBytes)
    try SystemCall.bind(descriptor, address)
    try SystemCall.listen(descriptor, backlog: 4096)
    self.descriptor = descriptor
  }

  /// Checks that nobody listens at `address` yet.
  ///
  /// SO_REUSEPORT, which the loops of one server need to share its port, would let a second server of the same
  /// user in as well, and each would get a part of the connections. A socket without the option is let in only
  /// where nobody listens. SO_REUSEADDR makes the remains of closed connections (TIME_WAIT) no hindrance. Two
  /// servers that start in the same instant can still miss each other.
  ///
  /// - Throws: what `bind` says, `EADDRINUSE` where somebody listens.
  public static func checkFree(_ address: SocketAddress) throws(SystemError) {
    let probe = try SystemCall.socket(address.family, nonBlocking: true)
    try SystemCall.setOption(probe, level: SOL_SOCKET, SO_REUSEADDR, to: Int32(1))
    try SystemCall.bind(probe, address)
  }

  /// The address it really listens at.
  public func address() throws(SystemError) -> SocketAddress {
    try SystemCall.localAddress(of: descriptor)
  }

  /// Has the kernel drop further attempts to connect, while those that are half-way still complete and can be
  /// accepted.
  ///
  /// To close a listener resets the clients in its queue, and those who would enter it in the same instant. With
  /// this before, who comes too late hears nothing, tries again within a second, and then finds another listener
  /// of the port. Where the kernel refuses, everything stays as it was.
  public borrowing func dropNewcomers() {
    try? SystemCall.attachFilter(descriptor, SystemCall.dropConnectionAttempts)
  }

  /// What an attempt to accept came to.
  public enum Arrival: ~Copyable {
    /// A new connection.
    case connection(Connected)
    /// No connection waits.
    case nobody
    /// One was there and has gone, or the network refused it; the next may be fine.
    case failed
    /// The process or the system has no descriptor or no memory left for it; it goes on waiting.
    case exhausted(SystemError)
  }

  /// Takes the next waiting connection.
  public borrowing func accept() -> Arrival {
    do {
      guard let accepted = try SystemCall.accept(descriptor) else { return .nobody }
      return .connection(accepted)
    } catch {
      switch error {
      case .call(_, errno: EMFILE), .call(_, errno: ENFILE), .call(_, errno: ENOBUFS),
        .call(_, errno: ENOMEM):
        return .exhausted(error)
      default:
        // accept(2): errors pending on the new socket come out here and are treated like would-block.
        return .failed
      }
    }
  }
}

/// A descriptor held back for the moment in which there is no other: freed, it lets one more client in, who can
/// then be told why it has to leave.
public struct SpareDescriptor: ~Copyable, Sendable {
  private let descriptor: Descriptor

  /// Takes a descriptor out of use.
  public init() throws(SystemError) {
    // An eventfd is the cheapest thing that has one.
    descriptor = try SystemCall.makeEvent()
  }
}

/// A connected, non-blocking TCP socket.
public struct Connected: ~Copyable, Sendable {
  let descriptor: Descriptor
  /// Who is at the other end.
  public let peer: PeerAddress

  /// Reads into `room` what has come; 0 bytes mean that the peer sends no more.
  public borrowing func receive(
    into room: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Transfer {
    try SystemCall.receive(descriptor, room)
  }

  /// Writes as much of `first` and then `second` as fits, in one call.
  public borrowing func write(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) throws(SystemError) -> Transfer {
    try SystemCall.write(descriptor, first, second)
  }

  /// Whether bytes have come that nobody has read. To close then would be a reset, which can destroy what is
  /// still on its way to the peer. Reads a few of them.
  public borrowing func hasUnread() -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { room in
      guard case .bytes(let count) = try? receive(into: room) else { return false }
      return count > 0
    }
  }

  /// Tells the peer that nothing more will be sent.
  public borrowing func shutdownWriting() throws(SystemError) {
    try SystemCall.shutdownWriting(descriptor)
  }

  /// Makes the end of this socket a reset: what the kernel holds for the peer is freed at once, not when it is taken.
  public borrowing func resetWhenClosed() throws(SystemError) {
    try SystemCall.resetWhenClosed(descriptor)
  }
}
