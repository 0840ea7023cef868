import Glibc

/// Small files that a server reads, and standard error.
public enum File {
  /// The bytes of the file at `path`, which may have at most `limit` of them.
  ///
  /// - Throws: why it cannot be read; `EFBIG` where it is longer.
  public static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
    let descriptor = try SystemCall.open(path)
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 4096)
    while true {
      let read = room.withUnsafeMutableBytes { room in
        Result { () throws(SystemError) in try SystemCall.read(descriptor, room) }
      }
      let count = try read.get()
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else { throw .call("read", errno: EFBIG) }
      bytes += room[..<count]
    }
  }

  /// Writes all of `bytes` to standard error, however long that takes; what it does not take because it is broken is lost.
  public static func writeToStandardError(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !rest.isEmpty {
      guard let transfer = try? SystemCall.writeToStandardError(rest) else { return }
      switch transfer {
      case .bytes(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      case .wouldBlock: SystemCall.awaitStandardError()
      }
    }
  }
}
