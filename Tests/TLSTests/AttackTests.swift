import COpenSSL
import TestSupport
import TLS
import Testing

@Suite struct AttackTests {
  private let files: ServerFiles
  private let server: TLSContext

  init() throws {
    files = try ServerFiles()
    server = try TLSContext(server: files.options)
  }

  /// What a server makes of `bytes` from a client that then goes, or stays.
  private func outcome(of bytes: [UInt8], piece: Int = 1 << 16, goes: Bool = false) throws -> TLSProgress {
    let conversation = try Conversation(server, files.client())
    var progress = conversation.serverHandshake()
    for start in stride(from: 0, to: bytes.count, by: piece) where progress == .wantsRead {
      conversation.inject(Array(bytes[start..<min(start + piece, bytes.count)]))
      progress = conversation.serverHandshake()
    }
    if goes && progress == .wantsRead {
      try conversation.cut()
      progress = conversation.serverHandshake()
    }
    #expect(queueIsEmpty())
    // What has failed stays so, and says so in every step.
    if case .failed = progress {
      #expect(conversation.serverHandshake() == progress)
      #expect(conversation.serverReceive().progress == progress)
      #expect(conversation.serverWrite([1]) == progress)
      #expect(conversation.serverGoodbye() == progress)
    }
    return progress
  }

  /// The first message of a client.
  private func hello() throws -> [UInt8] {
    let conversation = try Conversation(server, files.client())
    #expect(conversation.clientHandshake() == .wantsRead)
    conversation.carry()
    return conversation.recorded
  }

  private func isFailure(_ progress: TLSProgress) -> Bool {
    if case .failed = progress { true } else { false }
  }

  @Test("a client that speaks HTTP is recognised", arguments: ["GET", "HEAD", "POST", "PUT"])
  func plainHTTP(_ method: String) throws {
    #expect(try outcome(of: Array("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) == .failed(.plainHTTP))
  }

  @Test("garbage instead of a first message ends the session")
  func garbage() throws {
    var numbers = SeededNumbers(seed: 5)
    for round in 0..<300 {
      var bytes = (0..<numbers.integer(11...400)).map { _ in UInt8(numbers.integer(0...255)) }
      // A third of it looks like a handshake record at first.
      if round % 3 == 0 {
        bytes.replaceSubrange(0..<5, with: [22, 3, 1, 0, UInt8(min(bytes.count - 5, 255))])
      }
      let progress = try outcome(of: bytes, goes: true)
      #expect(isFailure(progress), "\(progress) \(bytes)")
    }
  }

  @Test("a first message that is cut anywhere is truncated")
  func truncatedHello() throws {
    let hello = try hello()
    #expect(hello.count > 100)
    for count in 0..<hello.count {
      let progress = try outcome(of: Array(hello.prefix(count)), goes: true)
      #expect(progress == .failed(.truncated), "\(count) bytes")
    }
  }

  @Test("a first message in which any byte is another never harms")
  func changedHello() throws {
    let hello = try hello()
    for index in hello.indices {
      var bytes = hello
      bytes[index] ^= 0xFF
      _ = try outcome(of: bytes, goes: true)
    }
  }

  /// Records of at most `size` bytes with a handshake message that announces `length` bytes and has none.
  private func announcement(_ length: Int, size: Int) -> [UInt8] {
    let message = [1, UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
    return stride(from: 0, to: 4, by: size).flatMap { start in
      let part = message[start..<min(start + size, 4)]
      return [22, 3, 1, 0, UInt8(part.count)] + part
    }
  }

  @Test(
    "a first message is refused as soon as it announces too much, in records of any size", arguments: 1...4)
  func announcedHello(_ size: Int) throws {
    for piece in [1, 3, 1000] {
      #expect(
        try outcome(of: announcement((16 << 10) + 1, size: size), piece: piece) == .failed(.helloTooLong))
      #expect(try outcome(of: announcement(0xFF_FFFF, size: size), piece: piece) == .failed(.helloTooLong))
      #expect(try outcome(of: announcement(16 << 10, size: size), piece: piece) == .wantsRead)
    }
  }

  @Test("so is a second one, which the server asks for where it likes no key of the first")
  func secondHello() throws {
    let client = try files.client()
    // The first key offered is of a group that the server does not take.
    #expect(copenssl_set_groups(client.pointer, "P-521:P-256") == 1)
    let whole = try Conversation(server, client)
    #expect(whole.handshake().server == .done(0))
    #expect(whole.talk())

    let attack = try Conversation(server, client)
    #expect(attack.clientHandshake() == .wantsRead)
    attack.carry()
    #expect(attack.serverHandshake() == .wantsRead)
    attack.inject([20, 3, 3, 0, 1, 1] + announcement(100_000, size: 4))
    #expect(attack.serverHandshake() == .failed(.helloTooLong))
  }

  @Test("a first message in the smallest records comes to an end")
  func tinyRecords() throws {
    let conversation = try Conversation(server, files.client())
    var progress = conversation.serverHandshake()
    var rounds = 0
    conversation.inject(announcement(16 << 10, size: 4))
    while progress == .wantsRead, rounds < 1000 {
      conversation.inject(Array(repeatElement([22, 3, 1, 0, 1, 0], count: 100).joined()))
      progress = conversation.serverHandshake()
      rounds += 1
    }
    #expect(isFailure(progress))
    #expect(rounds <= 1 + (16 << 10) / 100)
  }

  @Test("records without anything in them do not go on for ever", arguments: [UInt8(20), 21, 22, 23])
  func emptyRecords(_ type: UInt8) throws {
    #expect(isFailure(try outcome(of: Array(repeatElement([type, 3, 1, 0, 0], count: 100).joined()))))
  }

  @Test("records that are changed on their way end the session", arguments: TLSVersion.allCases)
  func changedRecord(_ version: TLSVersion) throws {
    let conversation = try Conversation(server, files.client(upTo: version))
    #expect(conversation.handshake().server == .done(0))
    #expect(conversation.talk())
    conversation.inject([23, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32))
    let progress = conversation.serverReceive().progress
    #expect(progress == .failed(.refused(reason: "decryption failed or bad record mac (SSL routines)")))
    #expect(conversation.serverWrite([1]) == progress)
    #expect(queueIsEmpty())
  }

  @Test("a session that is dropped in the middle of its handshake leaves nothing behind")
  func droppedHandshake() throws {
    for _ in 0..<50 {
      let conversation = try Conversation(server, files.client())
      #expect(conversation.clientHandshake() == .wantsRead)
      conversation.carry()
      #expect(conversation.serverHandshake() == .wantsRead)
      #expect(conversation.serverGoodbye() == .done(0))
    }
    #expect(queueIsEmpty())
  }
}
