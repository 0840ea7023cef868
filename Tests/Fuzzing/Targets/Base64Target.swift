import Buffers
import TensorCoding

private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

/// RFC 4648 section 4, bit by bit.
private func plainlyEncoded(_ input: [UInt8]) -> [UInt8] {
  let bits = input.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
  var characters: [UInt8] = []
  for start in stride(from: 0, to: bits.count, by: 6) {
    let group = (start..<start + 6).map { $0 < bits.count ? bits[$0] : 0 }
    characters.append(alphabet[group.reduce(0) { $0 << 1 | Int($1) }])
  }
  while characters.count % 4 != 0 { characters.append(UInt8(ascii: "=")) }
  return characters
}

/// What `text` is the base64 of, nil where it is that of nothing.
private func plainlyDecoded(_ text: [UInt8]) -> [UInt8]? {
  var characters = text
  for _ in 0..<2 where characters.last == UInt8(ascii: "=") { characters.removeLast() }
  var bits: [UInt8] = []
  for character in characters {
    guard let value = alphabet.firstIndex(of: character) else { return nil }
    bits += (0..<6).map { UInt8(value >> (5 - $0) & 1) }
  }
  let bytes = (0..<bits.count / 8).map { index in bits[8 * index..<8 * index + 8].reduce(0) { $0 << 1 | $1 } }
  // Padding that is missing, too long or not zero shows where the bytes are written again.
  return plainlyEncoded(bytes) == text ? bytes : nil
}

/// The bytes that the decoder under test makes of `text`, nil where it refuses it.
private func decoded(_ text: [UInt8]) -> [UInt8]? {
  withExactMemory(text) { characters in
    let target = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Base64.decodedCount(of: characters), alignment: 1)
    defer { target.deallocate() }
    do throws(Base64.Flaw) {
      try Base64.decode(characters, to: target)
      return Array(target)
    } catch {
      return nil
    }
  }
}

/// Taken as bytes the input is written as RFC 4648 says and read back; taken as text it is read exactly where it is the base64
/// of something, and as that.
func base64Flaw(in input: [UInt8]) -> String? {
  var buffer = ByteBuffer()
  withExactMemory(input) { Base64.encode($0, to: &buffer) }
  let text = Array(buffer.elements)
  if text != plainlyEncoded(input) { return "written as \(String(decoding: text, as: UTF8.self))" }
  if decoded(text) != input { return "what was written is not read back" }
  let read = decoded(input)
  let expected = plainlyDecoded(input)
  if read != expected {
    return "read as \(read.map { "\($0)" } ?? "nothing"), is \(expected.map { "\($0)" } ?? "nothing")"
  }
  return nil
}
