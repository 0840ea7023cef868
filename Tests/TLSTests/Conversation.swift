import COpenSSL
import Glibc
import Sockets
import TLS

/// A server's and a client's session, and a line between their sockets that carries as many bytes at a time as it is told.
final class Conversation {
  /// The server's end is `first`, that of the line `second`; likewise the client's.
  private let near: SocketPair
  private let far: SocketPair
  private var server: TLSSession
  private var client: TLSSession
  /// What the line has taken and not yet delivered.
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []
  /// How many bytes move at a time.
  var piece: Int
  /// All that the client has sent, as it came.
  private(set) var recorded: [UInt8] = []

  init(_ server: TLSContext, _ client: TLSContext, piece: Int = 1 << 16) throws {
    near = try SocketPair()
    far = try SocketPair()
    self.server = try TLSSession(server)
    self.client = try TLSSession(client)
    self.piece = piece
  }

  /// Lets `use` set the client up by OpenSSL's own functions.
  func withClient<Result>(_ use: (OpaquePointer) -> Result) -> Result { use(client.pointer) }
  func withServer<Result>(_ use: (OpaquePointer) -> Result) -> Result { use(server.pointer) }

  var isServerEstablished: Bool { server.isEstablished }
  var isResumed: Bool { server.isResumed }
  var version: String { server.version }
  var cipherSuite: String { server.cipherSuite }
  var serverHasMore: Bool { server.hasMore }

  // MARK: The line

  /// Carries one piece in each direction.
  ///
  /// - Returns: whether anything moved.
  @discardableResult
  func carry() -> Bool {
    let fromClient = Self.take(piece, from: far.second)
    let fromServer = Self.take(piece, from: near.second)
    recorded += fromClient
    toServer += fromClient
    toClient += fromServer
    let delivered =
      Self.deliver(&toServer, to: near.second) + Self.deliver(&toClient, to: far.second)
    return fromClient.count + fromServer.count + delivered > 0
  }

  /// Sends `bytes` to the server as if they came from the client.
  func inject(_ bytes: [UInt8]) {
    toServer += bytes
    Self.deliver(&toServer, to: near.second)
  }

  /// Ends the line to the server, as a client does that goes without a goodbye.
  func cut() throws { try near.second.shutdownWriting() }

  private static func take(_ count: Int, from socket: borrowing Connected) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: count)
    guard case .bytes(let taken) = room.withUnsafeMutableBytes({ try? socket.receive(into: $0) }) else {
      return []
    }
    return Array(room.prefix(taken))
  }

  @discardableResult
  private static func deliver(_ bytes: inout [UInt8], to socket: borrowing Connected) -> Int {
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    guard !bytes.isEmpty,
      case .bytes(let sent) = bytes.withUnsafeBytes({ try? socket.write($0, none) })
    else { return 0 }
    bytes.removeFirst(sent)
    return sent
  }

  // MARK: Steps

  func serverHandshake() -> TLSProgress { server.handshake(over: near.first) }
  func clientHandshake() -> TLSProgress { client.handshake(over: far.first) }

  /// Lets both sides go on until they are through, or nothing moves any more.
  ///
  /// - Returns: what it came to for the server and for the client.
  func handshake() -> (server: TLSProgress, client: TLSProgress) {
    var (ofClient, ofServer) = (clientHandshake(), TLSProgress.wantsRead)
    var idle = 0
    while idle < 2 {
      idle = carry() ? 0 : idle + 1
      if ofServer == .wantsRead || ofServer == .wantsWrite { ofServer = serverHandshake() }
      if ofClient == .wantsRead || ofClient == .wantsWrite { ofClient = clientHandshake() }
    }
    return (ofServer, ofClient)
  }

  func serverReceive(_ count: Int = 1 << 16) -> (progress: TLSProgress, bytes: [UInt8]) {
    var room = [UInt8](repeating: 0, count: count)
    let progress = room.withUnsafeMutableBytes { server.receive(from: near.first, into: $0) }
    guard case .done(let count) = progress else { return (progress, []) }
    return (progress, Array(room.prefix(count)))
  }

  func clientReceive(_ count: Int = 1 << 16) -> (progress: TLSProgress, bytes: [UInt8]) {
    var room = [UInt8](repeating: 0, count: count)
    let progress = room.withUnsafeMutableBytes { client.receive(from: far.first, into: $0) }
    guard case .done(let count) = progress else { return (progress, []) }
    return (progress, Array(room.prefix(count)))
  }

  func serverWrite(_ first: [UInt8], _ second: [UInt8] = []) -> TLSProgress {
    first.withUnsafeBytes { first in
      second.withUnsafeBytes { server.write(first, $0, to: near.first) }
    }
  }

  func clientWrite(_ bytes: [UInt8]) -> TLSProgress {
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    return bytes.withUnsafeBytes { client.write($0, none, to: far.first) }
  }

  func serverGoodbye() -> TLSProgress { server.sayGoodbye(over: near.first) }
  func clientGoodbye() -> TLSProgress { client.sayGoodbye(over: far.first) }

  /// Says something in both directions, and tells whether it was heard.
  func talk() -> Bool {
    let (question, answer) = (Array("question".utf8), Array("answer".utf8))
    guard clientWrite(question) == .done(question.count) else { return false }
    guard heard(question.count, serverReceive) == question else { return false }
    guard serverWrite(answer) == .done(answer.count) else { return false }
    return heard(answer.count, clientReceive) == answer
  }

  /// What is heard until `count` bytes are, or nothing moves any more. Both sides read meanwhile, since a socket has room
  /// for some hundred single bytes only.
  private func heard(_ count: Int, _ receive: (Int) -> (progress: TLSProgress, bytes: [UInt8])) -> [UInt8] {
    var heard: [UInt8] = []
    var idle = 0
    while heard.count < count, idle < 2 {
      idle = carry() ? 0 : idle + 1
      let (progress, bytes) = receive(1 << 16)
      heard += bytes
      if case .done = progress { idle = 0 }
    }
    return heard
  }
}

/// The files of a server with a certificate of its own.
final class ServerFiles {
  let folder = Folder()
  let identity: Identity
  let certificateFile: String
  let keyFile: String

  init(_ name: String = "server", issuer: Identity? = nil) throws {
    identity = try Identity(name, issuer: issuer)
    certificateFile = folder.file("certificate.pem", identity.chain)
    keyFile = folder.file("key.pem", identity.keyText)
  }

  var options: TLSOptions { TLSOptions(certificateFile: certificateFile, keyFile: keyFile) }

  /// Puts another certificate and key in the files' place.
  func replace(with other: Identity) {
    _ = folder.file("certificate.pem", other.chain)
    _ = folder.file("key.pem", other.keyText)
  }

  /// A client that asks for this server's certificate, and speaks at most `version`.
  func client(upTo version: TLSVersion = .v13, identity: ServerFiles? = nil) throws -> TLSContext {
    var options = TLSClientOptions()
    options.authoritiesFile = certificateFile
    options.identity = identity.map { ($0.certificateFile, $0.keyFile) }
    let context = try TLSContext(client: options)
    let number = version == .v12 ? TLS1_2_VERSION : TLS1_3_VERSION
    _ = copenssl_set_maximum_version(context.pointer, number)
    return context
  }
}

/// The common name of the certificate that the server showed.
func shownName(_ conversation: Conversation) -> String {
  conversation.withClient { client in
    guard let certificate = SSL_get1_peer_certificate(client) else { return "" }
    defer { X509_free(certificate) }
    var name = [CChar](repeating: 0, count: 64)
    let count = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &name, 64)
    return String(decoding: name.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Whether OpenSSL's queue of errors is as empty as everybody finds it.
func queueIsEmpty() -> Bool { ERR_peek_error() == 0 }
