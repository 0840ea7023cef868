import COpenSSL
import Sockets

/// What a session reads from and writes to: the socket that it is lent for the time of a call.
///
/// OpenSSL's own way to a socket writes without MSG_NOSIGNAL and counts nothing; memory between it and the socket would be
/// copied through and grow.
struct Wire {
  /// How many bytes are read in one call at most, so that a client with a fast line does not keep its loop.
  static let readBudget = 256 << 10

  var socket: SocketHandle?
  var session: OpaquePointer?
  /// How many bytes may still be read in this call.
  var budget = 0
  var failure: TLSError?
  /// Whether the peer sends no more.
  var hasEnded = false
  /// Until the handshake is over, and for a server only.
  var helloGuard: HelloGuard?

  /// Nil where there is nothing to read now.
  mutating func read(_ room: UnsafeMutableRawBufferPointer) -> Int? {
    guard let socket, budget > 0, failure == nil else { return nil }
    do throws(SystemError) {
      guard case .bytes(let count) = try socket.receive(into: room) else { return nil }
      budget -= count
      hasEnded = count == 0
      let isVersion13 = session.map { SSL_version($0) == TLS1_3_VERSION } ?? true
      let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
      if helloGuard?.allows(bytes, isVersion13: isVersion13) == false {
        failure = .helloTooLong
        return 0
      }
      return count
    } catch {
      failure = .socket(error)
      return 0
    }
  }

  /// Nil where there is no room to write now.
  mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let socket, failure == nil else { return nil }
    do throws(SystemError) {
      guard case .bytes(let count) = try socket.send(bytes) else { return nil }
      return count
    } catch {
      failure = .socket(error)
      return 0
    }
  }

  /// How OpenSSL calls the two above. Made once, and never freed.
  nonisolated(unsafe) static let method: OpaquePointer? = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket") else { return nil }
    BIO_meth_set_read(method) { bio, room, count in
      guard let wire = Wire.of(bio), let room else { return -1 }
      copenssl_clear_retry(bio)
      if let count = wire.pointee.read(UnsafeMutableRawBufferPointer(start: room, count: Int(count))) {
        return wire.pointee.failure == nil ? Int32(count) : -1
      }
      if wire.pointee.failure == nil { copenssl_should_retry_read(bio) }
      return -1
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let wire = Wire.of(bio), let bytes else { return -1 }
      copenssl_clear_retry(bio)
      if let count = wire.pointee.write(UnsafeRawBufferPointer(start: bytes, count: Int(count))) {
        return wire.pointee.failure == nil ? Int32(count) : -1
      }
      if wire.pointee.failure == nil { copenssl_should_retry_write(bio) }
      return -1
    }
    BIO_meth_set_ctrl(method) { bio, command, _, _ in
      switch command {
      case BIO_CTRL_EOF: Wire.of(bio)?.pointee.hasEnded == true ? 1 : 0
      // Nothing is held back here.
      case BIO_CTRL_FLUSH: 1
      default: 0
      }
    }
    return method
  }()

  private static func of(_ bio: OpaquePointer?) -> UnsafeMutablePointer<Wire>? {
    BIO_get_data(bio)?.assumingMemoryBound(to: Wire.self)
  }
}
