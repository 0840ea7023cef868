import Buffers
import TensorCoding
import Testing

@Suite("Base64")
struct Base64Tests {
  private func encoded(_ bytes: [UInt8]) throws -> String {
    var buffer = ByteBuffer()
    try withBytes(bytes) { (bytes) throws(JSONError) in Base64.encode(bytes, to: &buffer) }
    return String(decoding: buffer.elements, as: UTF8.self)
  }

  /// The bytes of `text`, or its flaw; the bytes behind the result must stay as they are.
  private func decoded(_ text: [UInt8]) -> Result<[UInt8], Base64.Flaw> {
    var result: [UInt8] = []
    var flaw: Base64.Flaw?
    try? withBytes(text) { (characters) throws(JSONError) in
      let count = Base64.decodedCount(of: characters)
      result = [UInt8](repeating: 0xAA, count: count + 16)
      result.withUnsafeMutableBytes { target in
        do throws(Base64.Flaw) {
          try Base64.decode(characters, to: UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
        } catch { flaw = error }
      }
      #expect(result.suffix(16).allSatisfy { $0 == 0xAA })
      result.removeLast(16)
    }
    if let flaw { return .failure(flaw) }
    return .success(result)
  }

  private func flaw(_ text: String) -> Base64.Flaw? {
    if case .failure(let flaw) = decoded(Array(text.utf8)) { return flaw }
    return nil
  }

  @Test(
    "agrees with the examples of RFC 4648, section 10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func examples(text: String, base64: String) throws {
    #expect(try encoded(Array(text.utf8)) == base64)
    #expect(try decoded(Array(base64.utf8)).get() == Array(text.utf8))
  }

  @Test("has the alphabet of RFC 4648, table 1, in order")
  func alphabet() throws {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    // Sixty-four values of six bits, packed by plain arithmetic.
    var bytes: [UInt8] = []
    for group in stride(from: 0, to: 64, by: 4) {
      let bits = (0..<4).reduce(0) { $0 << 6 | (group + $1) }
      bytes += [UInt8(bits >> 16), UInt8(bits >> 8 & 255), UInt8(bits & 255)]
    }
    #expect(try encoded(bytes) == alphabet)
    #expect(try decoded(Array(alphabet.utf8)).get() == bytes)
  }

  @Test("survives the way there and back at every length and alignment")
  func roundTrip() throws {
    var random = SeededGenerator(state: 10)
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = try encoded(bytes)
      #expect(text.utf8.count == Base64.encodedCount(ofBytes: length))
      #expect(try decoded(Array(text.utf8)).get() == bytes)
    }
  }

  @Test("refuses every byte outside the alphabet at every place")
  func strangers() {
    let good = Array("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".utf8)
    let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    for place in good.indices {
      for byte in UInt8.min...UInt8.max where !alphabet.contains(byte) {
        if byte == 0x3D && place == good.count - 1 { continue }
        var text = good
        text[place] = byte
        if decoded(text) != .failure(.character(place)) { Issue.record("\(byte) at \(place)") }
      }
    }
  }

  @Test("refuses missing or misplaced padding, and bits behind the data")
  func padding() {
    #expect(flaw("A") == .length)
    #expect(flaw("AA") == .length)
    #expect(flaw("AAA") == .length)
    #expect(flaw("Zg=") == .length)
    #expect(flaw("Zg===") == .length)
    #expect(flaw("Zm9v====") == .character(4))
    #expect(flaw("====") == .character(0))
    #expect(flaw("Zg==Zg==") == .character(2))
    #expect(flaw("Z===") == .character(1))
    #expect(flaw("Zg=v") == .character(2))
    #expect(flaw("Zh==") == .trailingBits(1))
    #expect(flaw("Zm9=") == .trailingBits(2))
    #expect(flaw("Zm 9") == .character(2))
  }
}
