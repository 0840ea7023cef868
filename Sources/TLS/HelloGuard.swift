import COpenSSL

/// Refuses a client's first messages where they announce more than any client needs.
///
/// OpenSSL makes room for as much as the header of a message announces, up to 128 kB for a ClientHello, before a byte of it
/// has come: nine bytes would hold that room as long as a handshake may take. So the headers are read here first: of
/// records (RFC 8446 section 5.1) and, in those that hold handshake messages, of messages (section 4). The first
/// message is always a ClientHello. Where TLS 1.3 is spoken, what comes later in plain text can only be a second
/// one (section 4.1.2); an older version's later messages have small limits of OpenSSL's own.
struct HelloGuard {
  /// The longest ClientHello; those of browsers with tickets and post-quantum keys have about 2 kB.
  static let messageLimit = 16 << 10

  private static let handshakeRecord: UInt8 = 22

  /// The record in hand: how much of its header of five bytes is here, its type, and how many of its bytes are to come.
  private var recordHeader = 0
  private var recordType: UInt8 = 0
  private var recordLeft = 0
  /// The message in hand, likewise; its header has four bytes.
  private var messageHeader = 0
  private var messageLeft = 0
  private var isFirst = true
  private var isOver = false

  /// Looks at the next bytes; `isVersion13` says whether the session speaks TLS 1.3, or does not know yet.
  ///
  /// - Returns: false where the limit is passed.
  mutating func allows(_ bytes: UnsafeRawBufferPointer, isVersion13: Bool) -> Bool {
    var rest = bytes[...]
    while !isOver, let byte = rest.first {
      if recordHeader < 5 {
        takeRecordHeader(byte)
        rest = rest.dropFirst()
      } else if recordType != Self.handshakeRecord {
        skip(&rest, recordLeft)
      } else if messageHeader < 4 {
        if messageHeader == 0 && !isFirst && !isVersion13 {
          isOver = true
          return true
        }
        takeMessageHeader(byte)
        skip(&rest, 1)
        if messageLeft > Self.messageLimit { return false }
        if messageHeader == 4 && messageLeft == 0 { messageHeader = 0 }
      } else {
        let count = min(messageLeft, recordLeft, rest.count)
        messageLeft -= count
        if messageLeft == 0 { messageHeader = 0 }
        skip(&rest, count)
      }
    }
    return true
  }

  private mutating func takeRecordHeader(_ byte: UInt8) {
    if recordHeader == 0 { recordType = byte }
    if recordHeader == 3 { recordLeft = Int(byte) << 8 }
    if recordHeader == 4 { recordLeft += Int(byte) }
    recordHeader += 1
    if recordHeader == 5 && recordLeft == 0 { recordHeader = 0 }
  }

  private mutating func takeMessageHeader(_ byte: UInt8) {
    messageLeft = messageHeader == 0 ? 0 : messageLeft << 8 | Int(byte)
    messageHeader += 1
    isFirst = false
  }

  private mutating func skip(_ rest: inout Slice<UnsafeRawBufferPointer>, _ count: Int) {
    let count = min(count, rest.count)
    rest = rest.dropFirst(count)
    recordLeft -= count
    if recordLeft == 0 { recordHeader = 0 }
  }
}
