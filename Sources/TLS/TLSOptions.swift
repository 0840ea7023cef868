import COpenSSL

/// A version of TLS that is spoken here; older ones are not (RFC 8996).
public enum TLSVersion: String, CaseIterable, Sendable {
  /// RFC 5246.
  case v12 = "1.2"
  /// RFC 8446.
  case v13 = "1.3"

  var number: Int32 {
    switch self {
    case .v12: TLS1_2_VERSION
    case .v13: TLS1_3_VERSION
    }
  }
}

/// Who a server is, and whom it lets in.
public struct TLSOptions: Sendable {
  /// The server's certificate and those that lead from it to a root, in PEM, the server's first.
  public var certificateFile: String
  /// The certificate's private key in PEM, without a passphrase.
  public var keyFile: String
  /// The oldest version that is spoken.
  public var minimumVersion = TLSVersion.v12
  /// The certificates, in PEM, of those whose clients are let in; nil lets everybody in (RFC 8446 section 4.3.2).
  public var clientAuthoritiesFile: String?
  /// For how long, in seconds, a client may resume a session without showing its certificate again.
  public var sessionSeconds = 3600
  /// How many sessions of clients that know no tickets (RFC 5077) are remembered.
  public var rememberedSessions = 4096

  /// Options for a server with these two files.
  public init(certificateFile: String, keyFile: String) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// Whom a client trusts, and who it is.
public struct TLSClientOptions: Sendable {
  /// The certificates, in PEM, of those who may vouch for the server; nil asks for no proof, which is for a server
  /// that is known otherwise, such as one on the same machine.
  public var authoritiesFile: String?
  /// The client's own chain and key, in PEM, for a server that asks for them.
  public var identity: (certificateFile: String, keyFile: String)?

  /// Options for a client that asks for no proof and shows none.
  public init() {}
}
