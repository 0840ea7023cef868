import Sockets
import TLS

/// Where clients come in: a listener, in the clear or within TLS.
final class Door {
  /// Nil once it is closed.
  var listener: Listener?
  /// What the sessions of its clients use; nil is in the clear.
  let tls: TLSContextSource?

  init(_ listener: consuming Listener, tls: TLSContextSource?) {
    self.listener = consume listener
    self.tls = tls
  }

  /// The address it really is at; the listener must be there.
  func address() throws(SystemError) -> SocketAddress {
    guard let opened = listener.take() else { preconditionFailure("the door is closed") }
    let address = try opened.address()
    listener = consume opened
    return address
  }
}
