import COpenSSL
import TLS
import Testing

@Suite struct HandshakeTests {
  @Test(
    "server and client find to each other, whole and in pieces of one byte",
    arguments: TLSVersion.allCases, [1, 7, 1 << 16])
  func versions(_ version: TLSVersion, _ piece: Int) throws {
    let files = try ServerFiles()
    let conversation = try Conversation(
      TLSContext(server: files.options), files.client(upTo: version), piece: piece)
    let outcome = conversation.handshake()
    #expect(outcome.server == .done(0) && outcome.client == .done(0))
    #expect(conversation.version == "TLSv\(version.rawValue)")
    #expect(conversation.cipherSuite.contains("GCM") || conversation.cipherSuite.contains("CHACHA20"))
    #expect(!conversation.isResumed)
    #expect(conversation.talk())
    #expect(queueIsEmpty())
  }

  @Test("the certificates that lead to the root are shown with the server's own")
  func chain() throws {
    let files = try ServerFiles("leaf", issuer: Identity("issuer"))
    let conversation = try Conversation(TLSContext(server: files.options), files.client())
    #expect(conversation.handshake().client == .done(0))
    #expect(shownName(conversation) == "leaf")
    #expect(conversation.withClient { OPENSSL_sk_num(SSL_get_peer_cert_chain($0)) } == 2)
  }

  @Test("a client that knows only older versions than the least is refused")
  func oldVersions() throws {
    let files = try ServerFiles()
    var options = files.options
    options.minimumVersion = .v13
    let newest = try Conversation(TLSContext(server: options), files.client(upTo: .v12)).handshake()
    #expect(newest.server == .failed(.refused(reason: "unsupported protocol (SSL routines)")))
    guard case .failed = newest.client else {
      Issue.record("\(newest.client)")
      return
    }
    #expect(try Conversation(TLSContext(server: options), files.client()).handshake().server == .done(0))
    // TLS 1.1 does not exist here at all.
    let old = try files.client()
    _ = copenssl_set_minimum_version(old.pointer, TLS1_VERSION)
    _ = copenssl_set_maximum_version(old.pointer, TLS1_1_VERSION)
    SSL_CTX_set_security_level(old.pointer, 0)
    _ = SSL_CTX_set_cipher_list(old.pointer, "ALL:@SECLEVEL=0")
    guard case .failed = try Conversation(TLSContext(server: files.options), old).handshake().server else {
      Issue.record("TLS 1.1 was accepted")
      return
    }
  }

  @Test(
    "codes without forward secrecy or authentication are refused",
    arguments: ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
  func weakCodes(_ name: String) throws {
    let files = try ServerFiles()
    let client = try files.client(upTo: .v12)
    #expect(SSL_CTX_set_cipher_list(client.pointer, name) == 1)
    let outcome = try Conversation(TLSContext(server: files.options), client).handshake()
    #expect(outcome.server == .failed(.refused(reason: "no shared cipher (SSL routines)")))
  }

  /// What a client offers, and what is agreed upon; nil where the server ends the handshake.
  static let offers: [([String], String?)] = [
    ([], ""), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (["http/1.1", "h2"], "http/1.1"),
    (["h2"], nil), (["http/1.0"], nil), (["HTTP/1.1"], nil), (["http/1.1x", "ttp/1.1"], nil),
  ]

  @Test("HTTP/1.1 is agreed upon where it is offered, and nothing else is", arguments: offers)
  func protocols(_ names: [String], _ agreed: String?) throws {
    let files = try ServerFiles()
    let client = try files.client()
    let list = names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    #expect(SSL_CTX_set_alpn_protos(client.pointer, list, UInt32(list.count)) == 0)
    let conversation = try Conversation(TLSContext(server: files.options), client)
    let outcome = conversation.handshake()
    guard let agreed else {
      #expect(outcome.server == .failed(.refused(reason: "no application protocol (SSL routines)")))
      #expect(
        outcome.client == .failed(.refused(reason: "tlsv1 alert no application protocol (SSL routines)")))
      return
    }
    #expect(outcome.server == .done(0) && outcome.client == .done(0))
    let chosen = conversation.withClient { client in
      var name: UnsafePointer<UInt8>?
      var count: UInt32 = 0
      SSL_get0_alpn_selected(client, &name, &count)
      return String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }
    #expect(chosen == agreed)
  }

  @Test("a client finds out that the server is another than it trusts")
  func strangeServer() throws {
    let (files, others) = (try ServerFiles(), try ServerFiles("other"))
    let conversation = try Conversation(TLSContext(server: files.options), others.client())
    let outcome = conversation.handshake()
    #expect(
      outcome.client
        == .failed(
          .refused(reason: "certificate verify failed (SSL routines): self-signed certificate")))
    guard case .failed(.refused(let reason)) = outcome.server else {
      // In TLS 1.3 the server may hear of it only when it reads on.
      #expect(conversation.serverReceive().progress != .wantsRead)
      return
    }
    #expect(reason.contains("alert"))
  }

  @Test("a client that wants to begin anew within a session is not followed")
  func renegotiation() throws {
    let files = try ServerFiles()
    let conversation = try Conversation(TLSContext(server: files.options), files.client(upTo: .v12))
    #expect(conversation.handshake().server == .done(0))
    // SSL_OP_NO_RENEGOTIATION, which holds for clients made here too.
    conversation.withClient { _ = SSL_clear_options($0, 1 << 30) }
    #expect(conversation.withClient { SSL_renegotiate($0) } == 1)
    _ = conversation.clientHandshake()
    while conversation.carry() {}
    // RFC 5246 section 7.2.2: a warning, after which the session goes on or not as the client likes.
    #expect(conversation.serverReceive().progress == .wantsRead)
    #expect(conversation.withServer { SSL_get_state($0) } == TLS_ST_OK)
    while conversation.carry() {}
    #expect(
      conversation.clientHandshake() == .failed(.refused(reason: "no renegotiation (SSL routines)")))
  }

  // MARK: Clients with certificates

  @Test(
    "a client that has to show a certificate is let in with one of the right authority",
    arguments: TLSVersion.allCases)
  func mutual(_ version: TLSVersion) throws {
    let authority = try ServerFiles("authority")
    let files = try ServerFiles()
    var options = files.options
    options.clientAuthoritiesFile = authority.certificateFile
    let server = try TLSContext(server: options)

    let member = try ServerFiles("member", issuer: authority.identity)
    let welcome = try Conversation(server, files.client(upTo: version, identity: member))
    #expect(welcome.handshake().server == .done(0))
    #expect(welcome.talk())

    let without = try Conversation(server, files.client(upTo: version)).handshake()
    #expect(without.server == .failed(.refused(reason: "peer did not return a certificate (SSL routines)")))

    let strangers = try [ServerFiles("stranger"), ServerFiles("member", issuer: Identity("authority"))]
    for stranger in strangers {
      let refused = try Conversation(server, files.client(upTo: version, identity: stranger)).handshake()
      guard case .failed(.refused(let reason)) = refused.server else {
        Issue.record("\(refused.server)")
        continue
      }
      #expect(reason.hasPrefix("certificate verify failed (SSL routines): "))
    }
    #expect(queueIsEmpty())
  }
}
