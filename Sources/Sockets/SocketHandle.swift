import Glibc

/// A socket that somebody else owns, for those who move bytes on it within one call of the owner's.
///
/// It exists because a library with callbacks, such as OpenSSL, cannot be lent a value that only its owner may name.
package struct SocketHandle: Sendable {
  private let number: Int32

  /// Reads into `room` what has come; 0 bytes mean that the peer sends no more.
  package func receive(into room: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
    try SystemCall.receive(number, room)
  }

  /// Sends as much of `bytes` as fits. A peer that has gone is an error, not a signal.
  package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
    try SystemCall.send(number, bytes)
  }

  fileprivate init(number: Int32) {
    self.number = number
  }
}

extension Connected {
  /// The socket without its owner; not to be used when the owner has gone.
  package var handle: SocketHandle { SocketHandle(number: descriptor.number) }
}

/// Two sockets of this process that are connected to each other.
package struct SocketPair: ~Copyable, Sendable {
  /// One end.
  package let first: Connected
  /// The other.
  package let second: Connected

  /// A new pair.
  package init() throws(SystemError) {
    let numbers = try SystemCall.makePair()
    // Neither end has an address.
    let nobody = PeerAddress(sockaddr_storage())
    first = Connected(descriptor: Descriptor(owning: numbers.0), peer: nobody)
    second = Connected(descriptor: Descriptor(owning: numbers.1), peer: nobody)
  }

  /// Gives the ends away.
  package consuming func give(
    to use: (consuming Connected, consuming Connected) throws -> Void
  ) rethrows {
    try use(first, second)
  }
}
