public import Sockets

/// The bytes of one client, in the clear or within TLS, by the same calls: what a server works on.
public struct ClientStream: ~Copyable {
  /// The socket itself, to be watched, and to be emptied once nobody listens to what comes.
  public let socket: Connected
  private var session: TLSSession?
  /// What `receive` waits for: nearly always to read, but a session may have to write before it can.
  public private(set) var readingInterest = Poller.Interest.reading

  /// The bytes of `socket` as they are.
  public init(_ socket: consuming Connected) {
    self.socket = socket
    session = nil
  }

  /// The bytes within TLS on `socket`; the first calls of `receive` make the handshake.
  ///
  /// - Throws: `setup` where there is no memory for it.
  public init(_ socket: consuming Connected, within context: TLSContext) throws(TLSError) {
    session = try TLSSession(context)
    self.socket = socket
  }

  /// Whether the bytes are within TLS.
  public var isSecure: Bool {
    switch session {
    case .some: true
    case .none: false
    }
  }

  /// Whether bytes can be exchanged, that is, no handshake is still to be made.
  public var isReady: Bool {
    switch session {
    case .some(let session): session.isEstablished
    case .none: true
    }
  }

  /// Whether `receive` has more to say before anything comes from the socket: it has to be called again, since a poller will
  /// not notice.
  public var hasMore: Bool {
    switch session {
    case .some(let session): session.hasMore
    case .none: false
    }
  }

  /// Reads into `room` what has come; 0 bytes mean that the client sends no more.
  ///
  /// - Throws: why there will never be more. After `plainHTTP` an answer in the clear can be written to `socket`.
  public mutating func receive(into room: UnsafeMutableRawBufferPointer) throws(TLSError) -> Transfer {
    readingInterest = .reading
    guard let progress = session?.receive(from: socket, into: room) else {
      return try plain { () throws(SystemError) in try socket.receive(into: room) }
    }
    switch progress {
    case .done(let count): return .bytes(count)
    case .wantsRead: return .wouldBlock
    case .wantsWrite:
      readingInterest = .writing
      return .wouldBlock
    case .closed, .cut: return .bytes(0)
    case .failed(let error): throw error
    }
  }

  /// Writes as much of `first` and then `second` as fits. After `wouldBlock` the same bytes must come again. Not before
  /// the stream is ready.
  ///
  /// - Throws: why nothing can be written any more.
  public mutating func write(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) throws(TLSError) -> Transfer {
    guard let progress = session?.write(first, second, to: socket) else {
      return try plain { () throws(SystemError) in try socket.write(first, second) }
    }
    switch progress {
    case .done(let count): return .bytes(count)
    case .wantsWrite: return .wouldBlock
    // Room to write is there, and would be waited for in vain, over and over.
    case .wantsRead: throw .refused(reason: "nothing can be said before the handshake is over")
    // A client that has gone in the middle of a handshake.
    case .closed, .cut: throw .truncated
    case .failed(let error): throw error
    }
  }

  /// Says goodbye within TLS (RFC 8446 section 6.1), as far as there is room for it at once; to be called before the socket is
  /// closed. In the clear there is no such word.
  public mutating func sayGoodbye() {
    _ = session?.sayGoodbye(over: socket)
  }

  /// Says goodbye, and ends the writing half of the socket.
  public mutating func endWriting() throws(TLSError) {
    sayGoodbye()
    _ = try plain { () throws(SystemError) in
      try socket.shutdownWriting()
      return .wouldBlock
    }
  }

  private borrowing func plain(
    _ call: () throws(SystemError) -> Transfer
  ) throws(TLSError) -> Transfer {
    do { return try call() } catch { throw .socket(error) }
  }
}
