/// The tokens that let a request in (RFC 6750).
///
/// A token that is shown is compared with every one there is, over the whole of their common width, without a branch that
/// depends on what they hold: how long it takes says nothing about how much of a token was right, which one it was, or how
/// long they are.
package struct BearerTokens: Sendable {
  /// The most tokens.
  package static let limit = 100
  /// The longest token, in bytes.
  package static let longest = 256
  /// The longest file, in bytes: all tokens, and as much again of comments.
  package static let fileLimit = 64 << 10

  private static let words = longest / 8 + 1
  /// For each token its bytes, filled up with zeros, and its length.
  private let slots: [UInt64]

  /// Why a text holds no tokens; the number is that of the line.
  package enum Flaw: Error, Equatable, CustomStringConvertible {
    case empty
    case tooMany
    case tooLong(line: Int)
    case notAToken(line: Int)

    /// Never a byte of the line itself.
    package var description: String {
      switch self {
      case .empty: "it holds no token"
      case .tooMany: "it holds more than \(BearerTokens.limit) tokens"
      case .tooLong(let line): "line \(line) is longer than \(BearerTokens.longest) bytes"
      case .notAToken(let line):
        "line \(line) is no token: letters, digits, - . _ ~ + / and = at the end (RFC 6750 section 2.1)"
      }
    }
  }

  /// The tokens in `text`, one a line; empty lines and those that start with `#` say nothing.
  package init(_ text: [UInt8]) throws(Flaw) {
    var slots: [UInt64] = []
    var number = 0
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
      var token = line.drop(while: isSpace)
      while let last = token.last, isSpace(last) { token.removeLast() }
      if token.isEmpty || token.first == UInt8(ascii: "#") { continue }
      guard token.count <= Self.longest else { throw .tooLong(line: number) }
      guard Self.isToken(token) else { throw .notAToken(line: number) }
      guard slots.count < Self.limit * Self.words else { throw .tooMany }
      token.withUnsafeBytes { bytes in
        Self.withSlot(of: bytes) { slots += $0 }
      }
    }
    if slots.isEmpty { throw .empty }
    self.slots = slots
  }

  /// Whether an Authorization field with `credentials` shows one of the tokens (RFC 6750 section 2.1): the scheme, in any
  /// case (RFC 9110 section 11.1), spaces, the token.
  package func admit(_ credentials: UnsafeRawBufferPointer) -> Bool {
    guard let token = Self.token(in: credentials), token.count <= Self.longest else { return false }
    return Self.withSlot(of: token) { shown in
      slots.withUnsafeBufferPointer { slots in
        var admitted: UInt64 = 0
        for start in stride(from: 0, to: slots.count, by: Self.words) {
          var difference: UInt64 = 0
          for index in 0..<Self.words { difference |= slots[start + index] ^ shown[index] }
          // One where there is no difference: only then is the top bit of neither it nor its negation set.
          admitted |= ~(difference | (0 &- difference)) >> 63
        }
        return admitted == 1
      }
    }
  }

  /// What stands behind the scheme Bearer; nil where another scheme does, or none.
  package static func token(in credentials: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let scheme: StaticString = "bearer"
    guard credentials.count > 6, credentials[6] == 0x20 else { return nil }
    for index in 0..<6 where credentials[index] | 0x20 != scheme.utf8Start[index] { return nil }
    return UnsafeRawBufferPointer(rebasing: credentials[6...].drop { $0 == 0x20 })
  }

  /// b64token of RFC 6750 section 2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
  private static func isToken(_ token: ArraySlice<UInt8>) -> Bool {
    var body = token
    while body.last == UInt8(ascii: "=") { body.removeLast() }
    return !body.isEmpty
      && body.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"),
          UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }

  /// Shows `use` the slot of `token`, which is not longer than the longest.
  private static func withSlot<Result>(
    of token: UnsafeRawBufferPointer, _ use: (UnsafeBufferPointer<UInt64>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { slot in
      slot.initialize(repeating: 0)
      UnsafeMutableRawBufferPointer(slot).copyMemory(from: token)
      slot[words - 1] = UInt64(token.count)
      return use(UnsafeBufferPointer(slot))
    }
  }
}
