import COpenSSL
public import Sockets

/// What a step of a session came to.
public enum TLSProgress: Equatable, Sendable {
  /// It is done; so many bytes of the application have moved.
  case done(Int)
  /// It goes on when the socket can be read.
  case wantsRead
  /// It goes on when the socket can be written.
  case wantsWrite
  /// The peer has said goodbye (RFC 8446 section 6.1) and sends no more. It may still be written to.
  case closed
  /// The peer's bytes have ended without a goodbye, so that somebody else may have cut them. It may still be written to:
  /// RFC 9112 section 9.8 has servers be prepared for clients that go like this.
  case cut
  /// It will never go on; every later step says the same.
  case failed(TLSError)
}

/// One conversation over TLS. It owns no socket: each step is lent the one to work on, always the same, and never waits
/// for it.
///
/// At rest a session holds about 14 kB, and about 17 kB more for each direction in which a record is not whole. In the
/// handshake it is about 45 kB, and 50 kB more where the client sends the longest messages that are taken.
public struct TLSSession: ~Copyable, @unchecked Sendable {
  // Unchecked: the pointers are this value's own, and it is used by one thread at a time.

  /// The largest piece that one record can hold (RFC 8446 section 5.1).
  private static let recordLimit = 16 << 10
  /// How much is written in one call, so that a client with a fast line does not keep its loop.
  private static let writeBudget = 1 << 20

  package let pointer: OpaquePointer
  private let wire: UnsafeMutablePointer<Wire>
  private var failure: TLSError?
  private var hasHeardGoodbye = false
  /// Whether `receive` has more to say before anything comes from the socket: it has to be called again, since a poller will
  /// not notice.
  public private(set) var hasMore = false

  /// A session that has not begun.
  ///
  /// - Throws: `setup` where there is no memory for it.
  public init(_ context: TLSContext) throws(TLSError) {
    ErrorQueue.clear()
    guard let pointer = SSL_new(context.pointer) else { throw .setup(reason: ErrorQueue.takeOldest()) }
    guard let method = Wire.method, let bio = BIO_new(method) else {
      SSL_free(pointer)
      throw .setup(reason: ErrorQueue.takeOldest())
    }
    wire = .allocate(capacity: 1)
    wire.initialize(to: Wire())
    BIO_set_data(bio, wire)
    BIO_set_init(bio, 1)
    // One reference for both directions, which the session takes over.
    SSL_set_bio(pointer, bio, bio)
    self.pointer = pointer
    if context.isServer {
      wire.pointee.session = pointer
      wire.pointee.helloGuard = HelloGuard()
      SSL_set_accept_state(pointer)
    } else {
      SSL_set_connect_state(pointer)
    }
  }

  deinit {
    SSL_free(pointer)
    wire.deinitialize(count: 1)
    wire.deallocate()
  }

  /// Whether the handshake is over.
  public var isEstablished: Bool { SSL_is_init_finished(pointer) == 1 }

  /// Whether the session goes on from an earlier one.
  public var isResumed: Bool { SSL_session_reused(pointer) == 1 }

  /// The version that is spoken, as in `TLSv1.3`.
  public var version: String { String(cString: SSL_get_version(pointer)) }

  /// The cipher suite that is used, as in `TLS_AES_256_GCM_SHA384`.
  public var cipherSuite: String {
    copenssl_cipher_suite(pointer).map { String(cString: $0) } ?? ""
  }

  /// Goes on with the handshake. `receive` and `write` do that too, where it is not over.
  ///
  /// - Returns: `done(0)` when it is over.
  public mutating func handshake(over socket: borrowing Connected) -> TLSProgress {
    wire.pointee.budget = Wire.readBudget
    let progress = step(socket) { SSL_do_handshake($0) }
    guard case .done = progress else { return progress }
    // What the client sent at once with its last message has been read already.
    hasMore = SSL_has_pending(pointer) == 1
    return .done(0)
  }

  /// Reads into `room`, which must not be empty, what has come.
  ///
  /// - Returns: `done` with at least one byte, or another case where there is none. See `hasMore`.
  public mutating func receive(
    from socket: borrowing Connected, into room: UnsafeMutableRawBufferPointer
  ) -> TLSProgress {
    precondition(!room.isEmpty, "no room to read into")
    wire.pointee.budget = Wire.readBudget
    hasMore = false
    var filled = 0
    while filled < room.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: room[filled...])
      let progress = step(socket) { SSL_read($0, rest.baseAddress, Int32(clamping: rest.count)) }
      guard case .done(let count) = progress else {
        if filled == 0 { return progress }
        // An end is told next time, and nothing need come from the socket for that.
        hasMore = progress != .wantsRead && progress != .wantsWrite
        return .done(filled)
      }
      filled += count
      // Without this look every read would end with a call that finds the socket empty.
      if SSL_has_pending(pointer) == 0 { return .done(filled) }
    }
    hasMore = true
    return .done(filled)
  }

  /// Writes as much of `first` and then `second` as the socket takes, a megabyte at most.
  ///
  /// - Returns: `done` with the bytes that are on their way, perhaps not all; `wantsWrite` where there are none. The next call
  ///   must then go on with the same bytes, since some of them may be on their way in a record that is not whole.
  public mutating func write(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, to socket: borrowing Connected
  ) -> TLSProgress {
    // A write may have to read where the handshake is not over.
    wire.pointee.budget = Wire.readBudget
    let total = first.count + second.count
    var written = 0
    while written < total {
      // How bytes are put into records follows from the bytes alone, not from where the two pieces meet: what has to
      // be tried again is the same then.
      let progress: TLSProgress
      if written >= first.count {
        progress = writeRecord(UnsafeRawBufferPointer(rebasing: second[(written - first.count)...]), socket)
      } else if first.count - written >= Self.recordLimit || second.isEmpty {
        progress = writeRecord(UnsafeRawBufferPointer(rebasing: first[written...]), socket)
      } else {
        progress = writeRecord(UnsafeRawBufferPointer(rebasing: first[written...]), second, socket)
      }
      guard case .done(let count) = progress else { return written > 0 ? .done(written) : progress }
      written += count
      if written >= Self.writeBudget { break }
    }
    return .done(written)
  }

  /// Says goodbye (RFC 8446 section 6.1); the socket itself stays open. Where the handshake is not over there is nobody to say
  /// it to.
  public mutating func sayGoodbye(over socket: borrowing Connected) -> TLSProgress {
    if !isEstablished && failure == nil { return .done(0) }
    let progress = step(socket) {
      // 0 means that the peer's goodbye is still to come, for which nobody waits here.
      let result = SSL_shutdown($0)
      return result == 0 ? 1 : result
    }
    guard case .done = progress else { return progress }
    return .done(0)
  }

  private mutating func writeRecord(
    _ bytes: UnsafeRawBufferPointer, _ socket: borrowing Connected
  ) -> TLSProgress {
    step(socket) { SSL_write($0, bytes.baseAddress, Int32(min(bytes.count, Self.recordLimit))) }
  }

  /// Writes a record that begins with the end of one piece and goes on with the next, as a head and its body do: one record
  /// and one system call instead of two.
  private mutating func writeRecord(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ socket: borrowing Connected
  ) -> TLSProgress {
    let count = min(first.count + second.count, Self.recordLimit)
    let joined = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { joined.deallocate() }
    joined.copyMemory(from: first)
    UnsafeMutableRawBufferPointer(rebasing: joined[first.count...])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: second.prefix(count - first.count)))
    return writeRecord(UnsafeRawBufferPointer(joined), socket)
  }

  /// Lends the session `socket` for one call of OpenSSL, and says what that came to.
  private mutating func step(
    _ socket: borrowing Connected, _ call: (OpaquePointer) -> Int32
  ) -> TLSProgress {
    // After a failure OpenSSL must not be asked again.
    if let failure { return .failed(failure) }
    wire.pointee.socket = socket.handle
    defer { wire.pointee.socket = nil }
    // What SSL_get_error says depends on the queue.
    ErrorQueue.clear()
    let result = call(pointer)
    if result > 0 {
      if wire.pointee.helloGuard != nil && isEstablished { wire.pointee.helloGuard = nil }
      return .done(Int(result))
    }
    switch SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN where isEstablished:
      // Told by the end of the bytes, unless the goodbye came before that.
      if !wire.pointee.hasEnded { hasHeardGoodbye = true }
      return hasHeardGoodbye ? .closed : .cut
    default:
      let failure = takeFailure()
      self.failure = failure
      return .failed(failure)
    }
  }

  private func takeFailure() -> TLSError {
    defer { ErrorQueue.clear() }
    if let failure = wire.pointee.failure { return failure }
    if ErrorQueue.newestIs(SSL_R_HTTP_REQUEST) { return .plainHTTP }
    if ErrorQueue.isEmpty && wire.pointee.hasEnded { return .truncated }
    let isUnverified = ErrorQueue.newestIs(SSL_R_CERTIFICATE_VERIFY_FAILED)
    let reason = ErrorQueue.takeNewest()
    guard isUnverified, let detail = X509_verify_cert_error_string(SSL_get_verify_result(pointer)) else {
      return .refused(reason: reason)
    }
    return .refused(reason: "\(reason): \(String(cString: detail))")
  }
}
