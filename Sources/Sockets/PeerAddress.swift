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
  public func withText<Result>(_ use: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    // INET6_ADDRSTRLEN is 46; two brackets, a colon and five digits.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { room in
      var count = 0
      func put(_ byte: UInt8) {
        room[count] = byte
        count += 1
      }
      func put(decimal value: Int) {
        if value >= 10 { put(decimal: value / 10) }
        put(UInt8(0x30 + value % 10))
      }
      withUnsafeBytes(of: words) { bytes in
        if isVersion6 {
          put(UInt8(ascii: "["))
          room.withMemoryRebound(to: CChar.self) { characters in
            guard let base = characters.baseAddress,
              inet_ntop(AF_INET6, bytes.baseAddress, base + 1, socklen_t(INET6_ADDRSTRLEN)) != nil
            else { return }
            count += strlen(base + 1)
          }
          put(UInt8(ascii: "]"))
        } else {
          for index in 0..<4 {
            if index > 0 { put(UInt8(ascii: ".")) }
            put(decimal: Int(bytes[index]))
          }
        }
      }
      put(UInt8(ascii: ":"))
      put(decimal: Int(port))
      return use(UnsafeBufferPointer(rebasing: room[..<count]))
    }
  }
}
