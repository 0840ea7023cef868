import Glibc
import Sockets
import TLS
import Testing

/// What a server does with a stream, in the clear and within TLS.
@Suite struct ClientStreamTests {
  private static var none: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  private func receive(_ stream: inout ClientStream, _ count: Int = 1 << 16) throws -> (Transfer, [UInt8]) {
    var room = [UInt8](repeating: 0, count: count)
    let transfer = try room.withUnsafeMutableBytes { room in try stream.receive(into: room) }
    guard case .bytes(let count) = transfer else { return (transfer, []) }
    return (transfer, Array(room.prefix(count)))
  }

  private func write(
    _ stream: inout ClientStream, _ first: [UInt8], _ second: [UInt8] = []
  ) throws -> Transfer {
    try first.withUnsafeBytes { first in
      try second.withUnsafeBytes { second in try stream.write(first, second) }
    }
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func hear(_ client: borrowing Connected) throws -> String {
    var room = [UInt8](repeating: 0, count: 100)
    guard case .bytes(let count) = try room.withUnsafeMutableBytes({ try client.receive(into: $0) }) else {
      return ""
    }
    return text(Array(room.prefix(count)))
  }

  private func say(_ words: String, _ client: borrowing Connected) throws {
    _ = try Array(words.utf8).withUnsafeBytes { try client.write($0, Self.none) }
  }

  @Test("in the clear it is the socket")
  func plain() throws {
    try SocketPair().give { server, client in
      var stream = ClientStream(server)
      #expect(stream.isReady && !stream.hasMore && stream.readingInterest == .reading)
      #expect(try receive(&stream).0 == .wouldBlock)
      try say("ask", client)
      #expect(text(try receive(&stream).1) == "ask")
      #expect(try write(&stream, Array("an".utf8), Array("swer".utf8)) == .bytes(6))
      #expect(try hear(client) == "answer")
      stream.sayGoodbye()
      #expect(stream.isSecure == false)
      try stream.endWriting()
      try client.shutdownWriting()
      #expect(try receive(&stream).0 == .bytes(0))
    }
  }

  @Test("within TLS the first calls make the handshake, and the rest is the same")
  func secure() throws {
    let files = try ServerFiles()
    try SocketPair().give { server, socket in
      var stream = try ClientStream(server, within: TLSContext(server: files.options))
      var client = try TLSSession(files.client())
      #expect(stream.isReady == false)
      #expect(client.handshake(over: socket) == .wantsRead)
      #expect(try receive(&stream).0 == .wouldBlock)
      #expect(client.handshake(over: socket) == .done(0))
      let sent = Array("ask".utf8).withUnsafeBytes { client.write($0, Self.none, to: socket) }
      #expect(sent == .done(3))
      // The end of the handshake and the question come at once.
      #expect(text(try receive(&stream).1) == "ask")
      #expect(stream.isReady && !stream.hasMore && stream.readingInterest == .reading)
      #expect(try write(&stream, Array("an".utf8), Array("swer".utf8)) == .bytes(6))
      var room = [UInt8](repeating: 0, count: 100)
      #expect(room.withUnsafeMutableBytes { client.receive(from: socket, into: $0) } == .done(6))
      #expect(text(Array(room.prefix(6))) == "answer")
      #expect(client.sayGoodbye(over: socket) == .done(0))
      #expect(try receive(&stream).0 == .bytes(0))
      try stream.endWriting()
      #expect(room.withUnsafeMutableBytes { client.receive(from: socket, into: $0) } == .closed)
    }
  }

  @Test("a client that takes nothing of the handshake is waited for until it does")
  func slowHandshake() throws {
    let files = try ServerFiles()
    try SocketPair().give { server, socket in
      var stream = try ClientStream(server, within: TLSContext(server: files.options))
      var client = try TLSSession(files.client())
      #expect(client.handshake(over: socket) == .wantsRead)
      // The server's socket is full before it has said a word.
      let noise = [UInt8](repeating: 0, count: 1 << 16)
      while case .bytes = try noise.withUnsafeBytes({ try stream.socket.write($0, Self.none) }) {}
      #expect(try receive(&stream).0 == .wouldBlock)
      #expect(stream.readingInterest == .writing)
      var room = [UInt8](repeating: 0, count: 1 << 16)
      while case .bytes = try room.withUnsafeMutableBytes({ try socket.receive(into: $0) }) {}
      #expect(try receive(&stream).0 == .wouldBlock)
      #expect(stream.readingInterest == .reading)
      #expect(client.handshake(over: socket) == .done(0))
    }
  }

  @Test("nothing is said before the handshake is over, and nobody waits for room to say it")
  func earlyWrite() throws {
    let files = try ServerFiles()
    try SocketPair().give { server, socket in
      var stream = try ClientStream(server, within: TLSContext(server: files.options))
      #expect(stream.isSecure == true && stream.isReady == false)
      #expect(throws: TLSError.self) { try write(&stream, [1]) }
      stream.sayGoodbye()
      #expect(try hear(socket) == "")
    }
  }

  @Test("who speaks HTTP where TLS is spoken can be told so in the clear")
  func plainOnSecure() throws {
    let files = try ServerFiles()
    try SocketPair().give { server, client in
      var stream = try ClientStream(server, within: TLSContext(server: files.options))
      try say("GET / HTTP/1.1\r\nHost: a\r\n\r\n", client)
      #expect(throws: TLSError.plainHTTP) { try receive(&stream) }
      #expect(throws: TLSError.plainHTTP) { try write(&stream, [1]) }
      try say("HTTP/1.1 400 Bad Request\r\n\r\n", stream.socket)
      // No alert of TLS, which would be noise to such a client, comes first.
      #expect(try hear(client) == "HTTP/1.1 400 Bad Request\r\n\r\n")
    }
  }

  @Test("a client that has gone is an error of the write, and no signal")
  func goneClient() throws {
    let files = try ServerFiles()
    try SocketPair().give { server, socket in
      var stream = try ClientStream(server, within: TLSContext(server: files.options))
      var client = try TLSSession(files.client())
      #expect(client.handshake(over: socket) == .wantsRead)
      #expect(try receive(&stream).0 == .wouldBlock)
      #expect(client.handshake(over: socket) == .done(0))
      #expect(try receive(&stream).0 == .wouldBlock)
      #expect(stream.isReady == true)
      _ = consume socket
      #expect(throws: TLSError.socket(.call("send", errno: EPIPE))) { try write(&stream, [1]) }
      #expect(throws: TLSError.socket(.call("send", errno: EPIPE))) { try receive(&stream) }
      #expect(queueIsEmpty())
    }
  }
}
