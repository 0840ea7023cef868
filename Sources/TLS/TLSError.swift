public import Sockets

/// Why something of TLS failed: at start with a file, later with a peer.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The certificate chain in `file` cannot be read or used.
  case certificate(file: String, reason: String)
  /// The private key in `file` cannot be read or used.
  case key(file: String, reason: String)
  /// The private key in `key` does not belong to the certificate in `certificate`.
  case mismatch(certificate: String, key: String, reason: String)
  /// The certificates in `file`, with which others are to be verified, cannot be read or used.
  case authorities(file: String, reason: String)
  /// OpenSSL refuses to be set up.
  case setup(reason: String)

  /// The peer broke the protocol, or offers nothing or shows nothing that is accepted here; or it says the same of us.
  case refused(reason: String)
  /// The peer speaks HTTP where TLS is spoken.
  case plainHTTP
  /// The first message of the peer is longer than anybody's.
  case helloTooLong
  /// The peer's bytes ended within the handshake.
  case truncated
  /// The socket failed.
  case socket(SystemError)

  /// The failure in words, with what OpenSSL says.
  public var description: String {
    switch self {
    case .certificate(let file, let reason): "cannot use the certificate chain in “\(file)”: \(reason)"
    case .key(let file, let reason): "cannot use the private key in “\(file)”: \(reason)"
    case .mismatch(let certificate, let key, let reason):
      "the private key in “\(key)” does not belong to the certificate in “\(certificate)”: \(reason)"
    case .authorities(let file, let reason): "cannot verify with the certificates in “\(file)”: \(reason)"
    case .setup(let reason): "cannot set up TLS: \(reason)"
    case .refused(let reason): "TLS failed: \(reason)"
    case .plainHTTP: "the client speaks HTTP without TLS"
    case .helloTooLong: "the client's first message is too long"
    case .truncated: "the connection ended within the handshake"
    case .socket(let error): "\(error)"
    }
  }
}
