import Buffers
import HTTP
import Testing

/// The body, how many bytes it took, and whether it is whole.
private enum Decoded: Equatable {
  case body(String, used: Int, isComplete: Bool)
  case status(Int)
}

private func decode(_ text: String, cuts: [Int] = [], limit: Int = 100, lineLimit: Int = 64) -> Decoded {
  let bytes = Array(text.utf8)
  var decoder = ChunkDecoder(bodyLimit: limit, lineLimit: lineLimit)
  var body = ByteBuffer()
  var used = 0
  for (start, end) in zip([0] + cuts, cuts + [bytes.count]) {
    do throws(HTTPError) {
      let piece = Array(bytes[start..<end])
      var count: Result<Int, HTTPError> = .success(0)
      piece.withUnsafeBytes { piece in
        do throws(HTTPError) { count = .success(try decoder.decode(piece, into: &body)) } catch {
          count = .failure(error)
        }
      }
      used += try count.get()
    } catch {
      return .status(error.status.rawValue)
    }
  }
  return .body(String(decoding: body.elements, as: UTF8.self), used: used, isComplete: decoder.isComplete)
}

@Suite struct ChunkDecoderTests {
  static let accepted: [(String, String)] = [
    ("0\r\n\r\n", ""),
    ("5\r\nhello\r\n0\r\n\r\n", "hello"),
    ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
    ("00000005\r\nhello\r\n000\r\n\r\n", "hello"),
    ("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"),
    ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    // RFC 9112 section 7.1.1 and 7.1.2: extensions and trailers are ignored.
    ("5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello"),
    ("5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 3\r\nZ:\r\n\r\n", "hello"),
  ]

  static let refused: [(String, Int)] = [
    ("\r\n", 400), ("x\r\n", 400), ("+5\r\nhello\r\n", 400), ("-1\r\n", 400), ("0x5\r\nhello\r\n", 400),
    (" 5\r\nhello\r\n", 400), ("5 \r\nhello\r\n", 400), ("5\nhello\r\n", 400), ("5\rhello\r\n", 400),
    ("5\r\nhellox\r\n", 400), ("5\r\nhello\n", 400), ("5\r\nhello0\r\n\r\n", 400), ("5;a\0\r\n", 400),
    ("5;a\nb\r\n", 400), ("00000000000000005\r\n", 400), ("0\r\nX\r\n\r\n", 400), ("0\r\n: y\r\n\r\n", 400),
    ("0\r\nX: y\n\r\n", 400), ("0\r\n X: y\r\n\r\n", 400), ("0\r\n\rx", 400),
    // Too large, by one, by far, by more than any length can be.
    ("65\r\n", 413), ("7fffffffffffffff\r\n", 413), ("65;a\r\n", 413),
    ("8000000000000000\r\n", 400), ("ffffffffffffffff\r\n", 400), ("fffffffffffffffff\r\n", 400),
    ("10000000000000005\r\n", 400),
    // Bounded extensions, also over many chunks, and bounded trailers.
    ("5;" + String(repeating: "x", count: 65) + "\r\nhello\r\n", 400),
    (String(repeating: "1;23456789\r\nx\r\n", count: 9), 400),
    ("0\r\nX: " + String(repeating: "x", count: 64) + "\r\n\r\n", 400),
    ("0\r\n" + String(repeating: "x", count: 65), 400),
  ]

  @Test(
    "a chunked body comes out whole however it is cut, and no byte behind it is touched", arguments: accepted)
  func accepts(_ text: String, _ body: String) {
    let count = text.utf8.count
    let expected = Decoded.body(body, used: count, isComplete: true)
    #expect(decode(text) == expected)
    #expect(decode(text + "GET /") == expected)
    #expect(decode(text, cuts: Array(0..<count)) == expected)
    for cut in 0...count { #expect(decode(text, cuts: [cut]) == expected) }
  }

  @Test("a malformed chunked body is refused however it is cut", arguments: refused)
  func refuses(_ text: String, _ status: Int) {
    #expect(decode(text) == .status(status))
    #expect(decode(text, cuts: Array(0..<text.utf8.count)) == .status(status))
  }

  @Test("the body limit is exact")
  func limit() {
    #expect(decode("64\r\n" + String(repeating: "x", count: 100)) != .status(413))
    #expect(decode("32\r\n" + String(repeating: "x", count: 50) + "\r\n33\r\n") == .status(413))
  }
}
