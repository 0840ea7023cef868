import Glibc

/// The bytes of the caches that one core reads data through, the smallest first.
enum CacheSizes {
  /// What the kernel says of the first processor, or usual sizes where it says nothing.
  static func read() -> [Int] {
    var sizes: [Int: Int] = [:]
    for index in 0..<8 {
      let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
      guard let type = line(of: folder + "type") else { break }
      guard type != "Instruction", let level = line(of: folder + "level").flatMap({ Int($0) }),
        let size = line(of: folder + "size"), size.hasSuffix("K"), let kilobytes = Int(size.dropLast())
      else { continue }
      sizes[level] = kilobytes << 10
    }
    let known = sizes.sorted { $0.key < $1.key }.map(\.value)
    return known.isEmpty ? [32 << 10, 1 << 20, 32 << 20] : known
  }

  /// The first line of a small file, without its end.
  private static func line(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var room = [CChar](repeating: 0, count: 64)
    guard fgets(&room, Int32(room.count), file) != nil else { return nil }
    return String(
      decoding: room.prefix { $0 != 0 && $0 != 0x0A }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
