public import Buffers

/// The base64 of RFC 4648, section 4: the standard alphabet, padding required, nothing else tolerated.
public enum Base64 {
  /// How many characters encode `byteCount` bytes.
  package static func encodedCount(ofBytes byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

  /// Why a text is no base64, and at which of its characters.
  public enum Flaw: Error, Equatable, Sendable {
    /// The number of characters is no multiple of four.
    case length
    /// The character at this index belongs to no base64, padding in the wrong place included.
    case character(Int)
    /// The last character before the padding, at this index, has bits that encode nothing and are not zero.
    case trailingBits(Int)
  }

  /// Appends the base64 of `bytes` to `buffer`.
  public static func encode(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
    guard let source = bytes.baseAddress else { return }
    buffer.append(upTo: encodedCount(ofBytes: bytes.count)) { room in
      encode(source, count: bytes.count, to: UnsafeMutableRawPointer(room.baseAddress!))
      return room.count
    }
  }

  private static func encode(_ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer) {
    let pairs = Base64Tables.shared.pairs
    var (read, written) = (0, 0)
    // Six bytes become eight characters, twelve bits at a time; a load takes two bytes more than it uses.
    while read + 8 <= count {
      let word = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: read, as: UInt64.self))
      let first = UInt64(pairs[Int(word >> 52)])
      let second = UInt64(pairs[Int(word >> 40 & 0xFFF)])
      let third = UInt64(pairs[Int(word >> 28 & 0xFFF)])
      let fourth = UInt64(pairs[Int(word >> 16 & 0xFFF)])
      let characters = first | second << 16 | third << 32 | fourth << 48
      target.storeBytes(of: characters.littleEndian, toByteOffset: written, as: UInt64.self)
      read += 6
      written += 8
    }
    while read < count {
      let left = count - read
      var bits: UInt32 = 0
      for index in 0..<3 {
        let byte = index < left ? source.load(fromByteOffset: read + index, as: UInt8.self) : 0
        bits = bits << 8 | UInt32(byte)
      }
      var characters = UInt32(pairs[Int(bits >> 12)]) | UInt32(pairs[Int(bits & 0xFFF)]) << 16
      if left == 1 { characters = characters & 0xFFFF | 0x3D3D_0000 }
      if left == 2 { characters = characters & 0xFF_FFFF | 0x3D00_0000 }
      target.storeBytes(of: characters.littleEndian, toByteOffset: written, as: UInt32.self)
      read += 3
      written += 4
    }
  }

  /// How many bytes `characters` decode to, judged by their number and padding alone.
  public static func decodedCount(of characters: UnsafeRawBufferPointer) -> Int {
    let count = characters.count
    guard count >= 4, count % 4 == 0 else { return 0 }
    let padding = characters[count - 1] != 0x3D ? 0 : characters[count - 2] != 0x3D ? 1 : 2
    return count / 4 * 3 - padding
  }

  /// Decodes `characters` into `target`, which must have room for `decodedCount(of: characters)` bytes.
  public static func decode(
    _ characters: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) throws(Flaw) {
    guard characters.count % 4 == 0 else { throw .length }
    guard let source = characters.baseAddress, characters.count > 0 else { return }
    let count = decodedCount(of: characters)
    precondition(target.count >= count, "no room for the decoded bytes")
    guard let destination = target.baseAddress else { return }
    let tables = Base64Tables.shared.values

    @inline(__always)
    func group(_ read: Int) -> UInt32 {
      let word = UInt32(littleEndian: source.loadUnaligned(fromByteOffset: read, as: UInt32.self))
      return tables[Int(word & 0xFF)] | tables[256 + Int(word >> 8 & 0xFF)]
        | tables[512 + Int(word >> 16 & 0xFF)] | tables[768 + Int(word >> 24)]
    }
    var (read, written) = (0, 0)
    // Eight characters become six bytes; a store writes two more, which the next one overwrites. The last
    // group, which may be padded, stays out.
    while read + 8 < characters.count, written + 8 <= count {
      let (first, second) = (group(read), group(read + 4))
      if (first | second) & Base64Tables.invalid != 0 { break }
      let bytes = UInt64(first) << 40 | UInt64(second) << 16
      destination.storeBytes(of: bytes.bigEndian, toByteOffset: written, as: UInt64.self)
      read += 8
      written += 6
    }
    while read < characters.count {
      let isLast = read + 4 == characters.count
      let bytesHere = isLast ? count - written : 3
      var bits: UInt32 = 0
      for index in 0..<4 {
        let value = tables[768 + Int(characters[read + index])]
        if index <= bytesHere {
          if value & Base64Tables.invalid != 0 { throw .character(read + index) }
          bits |= value << UInt32(6 * (3 - index))
        }
      }
      if bits & (0xFF_FFFF >> UInt32(8 * bytesHere)) != 0 { throw .trailingBits(read + bytesHere) }
      for index in 0..<bytesHere {
        destination.storeBytes(
          of: UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index)), toByteOffset: written + index,
          as: UInt8.self)
      }
      read += 4
      written += bytesHere
    }
  }
}

/// The tables of both directions, computed at first use.
private struct Base64Tables: @unchecked Sendable {
  static let shared = Base64Tables()
  /// Marks an entry whose character is not in the alphabet; above the 24 bits of a group.
  static var invalid: UInt32 { 1 << 31 }

  /// For twelve bits their two characters, the first in the low byte.
  let pairs: UnsafePointer<UInt16>
  /// Four tables of 256 entries: the six bits of a character at each of the four places of a group.
  let values: UnsafePointer<UInt32>

  private init() {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let pairs = UnsafeMutablePointer<UInt16>.allocate(capacity: 4096)
    for bits in 0..<4096 {
      pairs[bits] = UInt16(alphabet[bits >> 6]) | UInt16(alphabet[bits & 63]) << 8
    }
    let values = UnsafeMutablePointer<UInt32>.allocate(capacity: 1024)
    values.initialize(repeating: Self.invalid, count: 1024)
    for (value, character) in alphabet.enumerated() {
      for place in 0..<4 {
        values[place * 256 + Int(character)] = UInt32(value) << UInt32(6 * (3 - place))
      }
    }
    self.pairs = UnsafePointer(pairs)
    self.values = UnsafePointer(values)
  }
}
