import Buffers
import TensorCoding
import Testing

@Suite("Base64")
struct Base64Tests {
  private func encoded(_ bytes: [UInt8]) -> String {
    var buffer = ByteBuffer()
    bytes.withUnsafeBytes { Base64.encode($0, to: &buffer) }
    return String(decoding: buffer.elements, as: UTF8.self)
  }

  private func decoded(_ text: [UInt8], misalignment: Int = 0) throws(Base64.Flaw) -> [UInt8] {
    let padded = [UInt8](repeating: 0, count: misalignment) + text
    var flaw: Base64.Flaw?
    var result: [UInt8] = []
    padded.withUnsafeBytes { bytes in
      let characters = UnsafeRawBufferPointer(rebasing: bytes[misalignment...])
      result = [UInt8](repeating: 0xAA, count: Base64.decodedCount(of: characters))
      result.withUnsafeMutableBytes { target in
        do throws(Base64.Flaw) { try Base64.decode(characters, to: target) } catch { flaw = error }
      }
    }
    if let flaw { throw flaw }
    return result
  }

  private func flaw(_ text: String) -> Base64.Flaw? {
    do throws(Base64.Flaw) {
      _ = try decoded(Array(text.utf8))
      return nil
    } catch { return error }
  }

  @Test(
    "agrees with the examples of RFC 4648, section 10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func examples(text: String, base64: String) throws {
    #expect(encoded(Array(text.utf8)) == base64)
    #expect(try decoded(Array(base64.utf8)) == Array(text.utf8))
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
    #expect(encoded(bytes) == alphabet)
    #expect(try decoded(Array(alphabet.utf8)) == bytes)
  }

  @Test("survives the way there and back at every length and alignment")
  func roundTrip() throws {
    var random = SeededGenerator(state: 10)
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = encoded(bytes)
      #expect(text.utf8.count == Base64.encodedCount(ofBytes: length))
      #expect(try decoded(Array(text.utf8), misalignment: length % 9) == bytes)
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
        do throws(Base64.Flaw) {
          _ = try decoded(text)
          Issue.record("\(byte) at \(place) was accepted")
        } catch {
          #expect(error == .character(place))
        }
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
