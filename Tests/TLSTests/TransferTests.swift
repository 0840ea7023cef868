import COpenSSL
import TestSupport
import TLS
import Testing

@Suite struct TransferTests {
  private func connect(_ version: TLSVersion = .v13, piece: Int = 1 << 16) throws -> Conversation {
    let files = try ServerFiles()
    let conversation = try Conversation(TLSContext(server: files.options), files.client(upTo: version))
    let outcome = conversation.handshake()
    #expect(outcome.server == .done(0) && outcome.client == .done(0))
    conversation.piece = piece
    return conversation
  }

  private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var numbers = SeededNumbers(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: numbers.next()) { bytes.append(contentsOf: $0) } }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  @Test("much goes in both directions at once and arrives as it was", arguments: TLSVersion.allCases)
  func bothDirections(_ version: TLSVersion) throws {
    let conversation = try connect(version, piece: 100_003)
    let (question, answer) = (noise(8_000_001, seed: 6), noise(8_000_002, seed: 7))
    var (asked, answered) = (0, 0)
    var (heardByServer, heardByClient): ([UInt8], [UInt8]) = ([], [])
    var idle = 0
    while idle < 3, heardByServer.count < question.count || heardByClient.count < answer.count {
      idle += 1
      if asked < question.count, case .done(let count) = conversation.clientWrite(Array(question[asked...])) {
        asked += count
        idle = 0
      }
      if answered < answer.count {
        // Two pieces that meet in another place each time, as those of a head and a body would not.
        let middle = min(answered + 5000, answer.count)
        let progress = conversation.serverWrite(
          Array(answer[answered..<middle]), Array(answer[middle...]))
        if case .done(let count) = progress {
          answered += count
          idle = 0
        } else {
          #expect(progress == .wantsWrite)
        }
      }
      if conversation.carry() { idle = 0 }
      let (fromClient, fromServer) = (conversation.serverReceive(50_000), conversation.clientReceive(50_000))
      heardByServer += fromClient.bytes
      heardByClient += fromServer.bytes
      if fromClient.bytes.count + fromServer.bytes.count > 0 { idle = 0 }
    }
    #expect(heardByServer == question && heardByClient == answer)
    #expect(queueIsEmpty())
  }

  @Test(
    "a write that the socket has no room for goes on later with the same bytes, wherever the two pieces meet")
  func writesInParts() throws {
    let conversation = try connect()
    let (head, body) = (noise(300, seed: 8), noise(3_000_000, seed: 9))
    let all = head + body
    var sent = 0
    var (heard, waits): ([UInt8], Int) = ([], 0)
    while heard.count < all.count, waits < 10_000 {
      while sent < all.count {
        // The head and the body, or one piece that holds both: it is another one each time that has to wait.
        let isApart = sent < head.count && waits % 2 == 0
        let progress = conversation.serverWrite(
          isApart ? Array(head[sent...]) : Array(all[sent...]), isApart ? body : [])
        guard case .done(let count) = progress else {
          #expect(progress == .wantsWrite)
          break
        }
        sent += count
      }
      waits += 1
      conversation.carry()
      heard += conversation.clientReceive().bytes
    }
    #expect(heard == all)
    #expect(waits > 10)
  }

  @Test("head and body leave in one record")
  func oneRecord() throws {
    let conversation = try connect()
    #expect(conversation.serverWrite(noise(300, seed: 1), noise(1000, seed: 2)) == .done(1300))
    conversation.carry()
    // A record comes out whole.
    let heard = conversation.withClient { _ in conversation.clientReceive().bytes.count }
    #expect(heard == 1300)
  }

  @Test("nothing is written where there is nothing to write")
  func emptyWrite() throws {
    let conversation = try connect()
    #expect(conversation.serverWrite([], []) == .done(0))
    #expect(!conversation.carry())
  }

  @Test("what has come and does not fit is announced, since the socket will not tell")
  func hasMore() throws {
    let conversation = try connect()
    let text = noise(50_000, seed: 10)
    #expect(conversation.clientWrite(text) == .done(text.count))
    while conversation.carry() {}
    var heard: [UInt8] = []
    var calls = 0
    repeat {
      let (progress, bytes) = conversation.serverReceive(1000)
      #expect(progress == .done(bytes.count))
      heard += bytes
      calls += 1
    } while conversation.serverHasMore && calls < 1000
    // Records are read ahead, but not for ever: the socket tells of the others.
    while heard.count < text.count, calls < 1000 {
      heard += conversation.serverReceive(1000).bytes
      calls += 1
    }
    #expect(heard == text)
    #expect(conversation.serverReceive(1000).progress == .wantsRead)
    #expect(!conversation.serverHasMore)
  }

  @Test("the rest of a record is announced until the last byte is out")
  func restOfRecord() throws {
    let conversation = try connect()
    #expect(conversation.clientWrite(noise(3000, seed: 11)) == .done(3000))
    while conversation.carry() {}
    for rest in [2000, 1000, 0] {
      #expect(conversation.serverReceive(1000).progress == .done(1000))
      #expect(conversation.serverHasMore == (rest > 0), "\(rest) bytes are left")
    }
  }

  @Test("the end comes behind the last bytes, even if both come at once")
  func goodbyeBehindBytes() throws {
    let conversation = try connect()
    #expect(conversation.clientWrite([1, 2, 3]) == .done(3))
    #expect(conversation.clientGoodbye() == .done(0))
    while conversation.carry() {}
    #expect(conversation.serverReceive().bytes == [1, 2, 3])
    #expect(conversation.serverHasMore)
    #expect(conversation.serverReceive().progress == .closed)
    try conversation.cut()
    #expect(conversation.serverReceive().progress == .closed)
    // The server may still answer (RFC 8446 section 6.1: each direction ends for itself).
    #expect(conversation.serverWrite([4, 5]) == .done(2))
    #expect(conversation.serverGoodbye() == .done(0))
    while conversation.carry() {}
    #expect(conversation.clientReceive().bytes == [4, 5])
    #expect(conversation.clientReceive().progress == .closed)
  }

  @Test("an end without a goodbye is a cut", arguments: TLSVersion.allCases)
  func truncatedClose(_ version: TLSVersion) throws {
    let conversation = try connect(version)
    #expect(conversation.clientWrite([1, 2, 3]) == .done(3))
    while conversation.carry() {}
    try conversation.cut()
    #expect(conversation.serverReceive().bytes == [1, 2, 3])
    #expect(conversation.serverReceive().progress == .cut)
    #expect(conversation.serverReceive().progress == .cut)
    // RFC 9112 section 9.8: the client may still want its answer.
    #expect(conversation.serverWrite([4, 5]) == .done(2))
    #expect(conversation.serverGoodbye() == .done(0))
    while conversation.carry() {}
    #expect(conversation.clientReceive().bytes == [4, 5])
    #expect(conversation.clientReceive().progress == .closed)
    #expect(queueIsEmpty())
  }

  @Test("the server's keys may be changed by the client again and again")
  func keyUpdates() throws {
    let conversation = try connect()
    for round in 0..<20 {
      // SSL_KEY_UPDATE_REQUESTED: both sides change theirs.
      #expect(conversation.withClient { SSL_key_update($0, 1) } == 1)
      #expect(conversation.talk(), "round \(round)")
    }
  }
}
