import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable, CustomStringConvertible {
  private var storage = sockaddr_storage()
  private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  init() {}

  /// The address of `host`, which is numeric or `localhost` (127.0.0.1), and `port`. No name server is asked.
  ///
  /// - Throws: `unknownHost`.
  public init(host: String, port: UInt16) throws(SystemError) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let name = host == "localhost" ? "127.0.0.1" : host
    let failed = getaddrinfo(name, String(port), &hints, &found) != 0
    defer { if let found { freeaddrinfo(found) } }
    guard !failed, !host.isEmpty, let entry = found?.pointee, let address = entry.ai_addr else {
      throw .unknownHost(host)
    }
    length = entry.ai_addrlen
    withUnsafeMutableBytes(of: &storage) { room in
      room.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen)))
    }
  }

  /// AF_INET or AF_INET6.
  var family: Int32 { Int32(storage.ss_family) }

  /// The port.
  public var port: UInt16 {
    // In both families the port follows the family, in network byte order.
    withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
  }

  /// The numeric host, without brackets.
  public var host: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { room in
      guard let base = room.baseAddress else { return "" }
      let failed = withPointer {
        getnameinfo($0, $1, base, socklen_t(room.count), nil, 0, NI_NUMERICHOST)
      }
      return failed == 0 ? String(cString: base) : ""
    }
  }

  /// As it stands in a URL: `127.0.0.1:8080` or `[::1]:8080`.
  public var description: String {
    family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  func withPointer<Result>(_ use: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { use($0, length) }
    }
  }

  mutating func withMutablePointer<Result>(
    _ use: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
  ) -> Result {
    var length = self.length
    defer { self.length = length }
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { use($0, &length) }
    }
  }
}
