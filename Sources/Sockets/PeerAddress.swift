import Glibc

/// Who is at the other end of a connection: 19 bytes instead of the system's 128.
public struct PeerAddress: Sendable {
  private let isVersion6: Bool
  /// In network byte order. An IPv4 address stands in the first four bytes.
  private let words: (UInt64, UInt64)
  /// The port.
  public let port: UInt16

  init(_ storage: borrowing sockaddr_storage) {
    let isVersion6 = Int32(storage.ss_family) == AF_INET6
    self.isVersion6 = isVersion6
    // sockaddr_in: family, port, address. sockaddr_in6: family, port, flow, address.
    let (words, port) = withUnsafeBytes(of: storage) { bytes in
      var words: (UInt64, UInt64) = (0, 0)
      withUnsafeMutableBytes(of: &words) { room in
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: isVersion6 ? bytes[8..<24] : bytes[4..<8]))
      }
      return (words, UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self)))
    }
    self.words = words
    self.port = port
  }

  /// Shows `use` the address as it stands in a URL, `127.0.0.1:8080` or `[::1]:8080`.
  @inlinable
  public func withText<Result>(_ use: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    // INET6_ADDRSTRLEN is 46; two brackets, a colon and five digits.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { room in
      use(UnsafeBufferPointer(rebasing: room[..<write(to: room)]))
    }
  }

  @usableFromInline
  func write(to room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var count = isVersion6 ? writeVersion6(to: room) : writeVersion4(to: room)
    room[count] = UInt8(ascii: ":")
    count += 1
    return Self.write(decimal: UInt32(port), to: room, at: count)
  }

  private func writeVersion4(to room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let octets = UInt32(bigEndian: UInt32(truncatingIfNeeded: UInt64(littleEndian: words.0)))
    var count = 0
    for octet in 0..<4 {
      if octet > 0 {
        room[count] = UInt8(ascii: ".")
        count += 1
      }
      count = Self.write(decimal: octets >> UInt32(24 - 8 * octet) & 0xFF, to: room, at: count)
    }
    return count
  }

  private func writeVersion6(to room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    room[0] = UInt8(ascii: "[")
    let length = room.withMemoryRebound(to: CChar.self) { characters -> Int in
      guard let base = characters.baseAddress else { return 0 }
      return withUnsafeBytes(of: words) { bytes in
        inet_ntop(AF_INET6, bytes.baseAddress, base + 1, socklen_t(INET6_ADDRSTRLEN)) == nil
          ? 0 : strlen(base + 1)
      }
    }
    room[length + 1] = UInt8(ascii: "]")
    return length + 2
  }

  /// Writes `value`, of at most five digits, and returns the place behind it.
  private static func write(
    decimal value: UInt32, to room: UnsafeMutableBufferPointer<UInt8>, at start: Int
  ) -> Int {
    var end = start + 1
    var bound: UInt32 = 10
    while value >= bound {
      bound *= 10
      end += 1
    }
    var rest = value
    var index = end
    while index > start {
      index -= 1
      room[index] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
      rest /= 10
    }
    return end
  }
}
