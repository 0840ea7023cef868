import COpenSSL

/// What all sessions of a server, or of a client, have in common: keys, certificates, versions, and the sessions that
/// may be resumed. It does not change; sessions keep alive what they need of it.
///
/// Unchecked: OpenSSL counts the references to an `SSL_CTX`, and locks what sessions of several threads share in it.
public final class TLSContext: @unchecked Sendable {
  /// Counted by OpenSSL; this object has one reference.
  package let pointer: OpaquePointer
  let isServer: Bool

  /// A context for a server: HTTP/1.1 (RFC 7301), sessions resumed by tickets and identifiers, codes with forward
  /// secrecy and authentication only, and neither renegotiation nor compression (RFC 9325 sections 3.3 to 3.5 and 4).
  ///
  /// - Throws: which of the files cannot be used, and what OpenSSL says about it.
  public convenience init(server options: TLSOptions) throws(TLSError) {
    try self.init(isServer: true, minimumVersion: options.minimumVersion)
    try useIdentity(certificate: options.certificateFile, key: options.keyFile)
    SSL_CTX_set_alpn_select_cb(pointer, chooseProtocol, nil)
    try resumeSessions(options)
    if let file = options.clientAuthoritiesFile { try askForCertificates(of: file) }
  }

  /// A context for a client that speaks HTTP/1.1.
  ///
  /// - Throws: which of the files cannot be used, and what OpenSSL says about it.
  public convenience init(client options: TLSClientOptions) throws(TLSError) {
    try self.init(isServer: false, minimumVersion: .v12)
    if let (certificate, key) = options.identity { try useIdentity(certificate: certificate, key: key) }
    if let file = options.authoritiesFile {
      try trust(file)
      SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    }
    // Unlike all others, this function returns 0 where it succeeds.
    let failed = httpProtocol.withUTF8Buffer { name in
      let offer = [UInt8(name.count)] + name
      return SSL_CTX_set_alpn_protos(pointer, offer, UInt32(offer.count))
    }
    if failed != 0 { throw .setup(reason: ErrorQueue.takeOldest()) }
  }

  private init(isServer: Bool, minimumVersion: TLSVersion) throws(TLSError) {
    ErrorQueue.clear()
    guard let pointer = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
      throw .setup(reason: ErrorQueue.takeOldest())
    }
    self.pointer = pointer
    self.isServer = isServer
    copenssl_set_options(pointer)
    copenssl_set_modes(pointer)
    SSL_CTX_set_security_level(pointer, 2)
    // A key with a passphrase is an error; without this OpenSSL would ask the terminal for it.
    SSL_CTX_set_default_passwd_cb(pointer, refusePassphrase)
    // The groups leave out those of finite fields, whose powers cost a server far more than a client.
    guard copenssl_set_minimum_version(pointer, minimumVersion.number) == 1,
      SSL_CTX_set_cipher_list(pointer, Self.cipherSuites12) == 1,
      SSL_CTX_set_ciphersuites(pointer, Self.cipherSuites13) == 1,
      copenssl_set_groups(pointer, "X25519:P-256:P-384") == 1
    else { throw .setup(reason: ErrorQueue.takeOldest()) }
  }

  deinit {
    SSL_CTX_free(pointer)
  }

  /// RFC 9325 section 4.2: ephemeral keys and authenticated encryption only. AES-128 goes first, since it is the fastest and
  /// nobody breaks it; clients without AES in hardware put ChaCha20 first, which then counts.
  private static let cipherSuites12 =
    "ECDHE+AESGCM+AES128:ECDHE+AESGCM+AES256:ECDHE+CHACHA20"
  private static let cipherSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  private func useIdentity(certificate: String, key: String) throws(TLSError) {
    guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else {
      throw .certificate(file: certificate, reason: ErrorQueue.takeOldest())
    }
    let loaded = try PrivateKey(file: key)
    guard X509_check_private_key(SSL_CTX_get0_certificate(pointer), loaded.pointer) == 1 else {
      throw .mismatch(certificate: certificate, key: key, reason: ErrorQueue.takeOldest())
    }
    guard SSL_CTX_use_PrivateKey(pointer, loaded.pointer) == 1 else {
      throw .key(file: key, reason: ErrorQueue.takeOldest())
    }
  }

  /// RFC 8446 section 2.2 and RFC 5246 appendix F.1.4. The keys of the tickets are this context's own: a new context makes
  /// every client show once more what it has.
  private func resumeSessions(_ options: TLSOptions) throws(TLSError) {
    copenssl_set_session_cache(pointer, Int(SSL_SESS_CACHE_SERVER), options.rememberedSessions)
    SSL_CTX_set_timeout(pointer, options.sessionSeconds)
    // Without a name of the application, OpenSSL refuses to resume a session whose client has a certificate.
    let name: StaticString = "convcheck"
    guard SSL_CTX_set_session_id_context(pointer, name.utf8Start, UInt32(name.utf8CodeUnitCount)) == 1 else {
      throw .setup(reason: ErrorQueue.takeOldest())
    }
  }

  private func askForCertificates(of file: String) throws(TLSError) {
    try trust(file)
    guard let names = SSL_load_client_CA_file(file) else {
      throw .authorities(file: file, reason: ErrorQueue.takeOldest())
    }
    SSL_CTX_set_client_CA_list(pointer, names)
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    // A chain of some certificates has a few kilobytes; OpenSSL would take 100.
    copenssl_set_maximum_certificates(pointer, 32 << 10)
  }

  private func trust(_ file: String) throws(TLSError) {
    guard SSL_CTX_load_verify_file(pointer, file) == 1 else {
      throw .authorities(file: file, reason: ErrorQueue.takeOldest())
    }
  }
}

private let httpProtocol: StaticString = "http/1.1"

extension StaticString {
  fileprivate func withUTF8Buffer<Result>(_ use: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    use(UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount))
  }
}

/// RFC 7301 section 3.2: a client that offers protocols, and none that is spoken here, hears so and leaves. One that offers
/// none speaks what the port is for.
private func chooseProtocol(
  _ session: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offer: UnsafePointer<UInt8>?, _ count: UInt32,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  // OpenSSL has checked that the lengths in the list fill it exactly.
  let names = UnsafeBufferPointer(start: offer, count: Int(count))
  var position = 0
  while position < names.count {
    let end = min(position + 1 + Int(names[position]), names.count)
    let name = UnsafeBufferPointer(rebasing: names[(position + 1)..<end])
    if httpProtocol.withUTF8Buffer({ $0.elementsEqual(name) }) {
      chosen?.pointee = name.baseAddress
      chosenCount?.pointee = UInt8(name.count)
      return SSL_TLSEXT_ERR_OK
    }
    position = end
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// A private key on its way from a file into a context.
private struct PrivateKey: ~Copyable {
  let pointer: OpaquePointer

  init(file: String) throws(TLSError) {
    guard let bytes = BIO_new_file(file, "r") else {
      throw .key(file: file, reason: ErrorQueue.takeOldest())
    }
    defer { BIO_free(bytes) }
    guard let pointer = PEM_read_bio_PrivateKey(bytes, nil, refusePassphrase, nil) else {
      throw .key(file: file, reason: ErrorQueue.takeOldest())
    }
    // What OpenSSL tried before it found the right form of key is no error.
    ErrorQueue.clear()
    self.pointer = pointer
  }

  deinit {
    EVP_PKEY_free(pointer)
  }
}

private func refusePassphrase(
  _ room: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32, _ context: UnsafeMutableRawPointer?
) -> Int32 { -1 }
