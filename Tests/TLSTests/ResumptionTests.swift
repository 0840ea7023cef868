import COpenSSL
import TLS
import Testing

@Suite struct ResumptionTests {
  /// How a client may keep a session.
  enum Means: String, CaseIterable, Sendable {
    case ticket13, ticket12, identifier12

    var version: TLSVersion { self == .ticket13 ? .v13 : .v12 }
  }

  private func client(_ files: ServerFiles, _ means: Means, identity: ServerFiles? = nil) throws -> TLSContext
  {
    let context = try files.client(upTo: means.version, identity: identity)
    if means == .identifier12 { SSL_CTX_set_options(context.pointer, 1 << 14) }  // SSL_OP_NO_TICKET
    return context
  }

  /// Talks once and keeps the client's session.
  private func keep(_ server: TLSContext, _ client: TLSContext) throws -> OpaquePointer? {
    let conversation = try Conversation(server, client)
    #expect(conversation.handshake().server == .done(0))
    #expect(!conversation.isResumed)
    // The tickets of TLS 1.3 come behind the handshake.
    #expect(conversation.talk())
    _ = conversation.clientGoodbye()
    while conversation.carry() {}
    #expect(conversation.serverReceive().progress == .closed)
    _ = conversation.serverGoodbye()
    return conversation.withClient { SSL_get1_session($0) }
  }

  /// Talks in a session that goes on from `kept`, if the server lets it.
  private func resume(_ kept: OpaquePointer?, _ server: TLSContext, _ client: TLSContext) throws -> Bool {
    let conversation = try Conversation(server, client)
    conversation.withClient { _ = SSL_set_session($0, kept) }
    #expect(conversation.handshake().server == .done(0))
    #expect(conversation.talk())
    return conversation.isResumed
  }

  @Test("a client that comes again goes on from its session", arguments: Means.allCases)
  func resumes(_ means: Means) throws {
    let files = try ServerFiles()
    let server = try TLSContext(server: files.options)
    let client = try client(files, means)
    let kept = try keep(server, client)
    defer { SSL_SESSION_free(kept) }
    #expect(try resume(kept, server, client))
    #expect(queueIsEmpty())
  }

  @Test("so does one that has shown a certificate", arguments: Means.allCases)
  func resumesWithCertificate(_ means: Means) throws {
    let files = try ServerFiles()
    let member = try ServerFiles("member")
    var options = files.options
    options.clientAuthoritiesFile = member.certificateFile
    let server = try TLSContext(server: options)
    let client = try client(files, means, identity: member)
    let kept = try keep(server, client)
    defer { SSL_SESSION_free(kept) }
    #expect(try resume(kept, server, client))
    // What another server, with the same files, has given out counts for nothing.
    #expect(try !resume(kept, TLSContext(server: options), client))
  }
}

@Suite struct ReloadTests {
  @Test("new files count for new sessions, while open ones go on", arguments: TLSVersion.allCases)
  func reload(_ version: TLSVersion) throws {
    let files = try ServerFiles("first")
    let source = try TLSContextSource(files.options)
    let trustsFirst = try files.client(upTo: version)
    let open = try Conversation(source.current, trustsFirst)
    #expect(open.handshake().server == .done(0))
    // One more is in the middle of its handshake.
    let half = try Conversation(source.current, trustsFirst)
    #expect(half.clientHandshake() == .wantsRead)
    half.carry()
    #expect(half.serverHandshake() == .wantsRead)

    let before = source.current
    files.replace(with: try Identity("second"))
    try source.reload()
    #expect(source.current !== before)
    #expect(open.talk())
    #expect(half.handshake().server == .done(0))
    #expect(half.talk() && shownName(half) == "first")

    let new = try Conversation(source.current, files.client(upTo: version))
    #expect(new.handshake().client == .done(0))
    #expect(shownName(new) == "second")
    #expect(open.talk())
  }

  @Test("files that cannot be used change nothing")
  func failedReload() throws {
    let files = try ServerFiles("first")
    let client = try files.client()
    let source = try TLSContextSource(files.options)
    let before = source.current
    _ = files.folder.file("key.pem", "nothing")
    #expect(throws: TLSError.self) { try source.reload() }
    #expect(source.current === before)
    let conversation = try Conversation(source.current, client)
    #expect(conversation.handshake().client == .done(0))
    #expect(throws: TLSError.self) { try TLSContextSource(files.options) }
  }
}
