import Buffers
import Compression
import TestSupport
import Testing

@Suite struct InflaterTests {
  static let text = Array(Vector.text.utf8)

  @Test("what Python compressed comes out however it is cut", arguments: Vector.all)
  func vectors(_ vector: Vector) {
    let bytes = vector.bytes
    let expected = Inflated.success(Self.text)
    #expect(inflate(bytes, vector.format) == expected)
    #expect(inflate(bytes, vector.format, cuts: Array(0..<bytes.count)) == expected)
    for cut in 0...bytes.count {
      #expect(inflate(bytes, vector.format, cuts: [cut]) == expected, "cut \(cut)")
    }
  }

  @Test("a stream that ends too early is refused, wherever that is", arguments: Vector.all)
  func truncations(_ vector: Vector) {
    for count in 0..<vector.bytes.count {
      // RFC 1952 section 2.2: an end between two members is none that could be noticed.
      let member = vector.inner.first { $0.end == count }
      let expected = member.map { Inflated.success(Array($0.text.utf8)) } ?? .failure(.truncated)
      let kept = Array(vector.bytes.prefix(count))
      #expect(inflate(kept, vector.format) == expected, "\(vector), \(count) bytes")
      #expect(inflate(kept, vector.format, cuts: Array(0..<count)) == expected, "\(vector), \(count) bytes")
    }
  }

  @Test("anything but a further member behind the end is refused", arguments: Vector.all)
  func trailingGarbage(_ vector: Vector) {
    let end = vector.bytes.count
    for garbage in [
      [0], [0, 0, 0, 0], [0x78, 0x01], [0x1F, 0], [0x1F, 0x8C], Array("GET / HTTP/1.1".utf8),
    ] {
      let bytes = vector.bytes + garbage.map { UInt8($0) }
      #expect(inflate(bytes, vector.format) == .failure(.trailingGarbage(at: end)), "\(garbage)")
      #expect(
        inflate(bytes, vector.format, cuts: Array(0..<bytes.count)) == .failure(.trailingGarbage(at: end)),
        "\(garbage)")
    }
    if vector.format == .zlib {
      #expect(inflate(vector.bytes + vector.bytes, .zlib) == .failure(.trailingGarbage(at: end)))
    } else {
      #expect(inflate(vector.bytes + vector.bytes, .gzip) == .success(Self.text + Self.text))
      #expect(inflate(vector.bytes + [0x1F], .gzip) == .failure(.truncated))
    }
  }

  @Test("a bit that flips is noticed, or does no harm", arguments: Vector.all)
  func bitFlips(_ vector: Vector) {
    let hasChecksum = !vector.name.hasPrefix("bare")
    var noticed = 0
    for bit in 0..<vector.bytes.count * 8 {
      var bytes = vector.bytes
      bytes[bit / 8] ^= 1 << (bit % 8)
      let whole = inflate(bytes, vector.format)
      // In pieces too: the same, whatever it is.
      #expect(inflate(bytes, vector.format, cuts: Array(0..<bytes.count)) == whole, "\(vector), bit \(bit)")
      switch whole {
      case .success(let text): #expect(text == Self.text || !hasChecksum, "\(vector), bit \(bit)")
      case .failure: noticed += 1
      }
    }
    // Much of the header of gzip says nothing that matters, and bare data have no checksum.
    #expect(noticed > (hasChecksum ? vector.bytes.count * 4 : vector.bytes.count / 2))
  }

  @Test("random bytes come to an end, in pieces as in one")
  func randomBytes() {
    var numbers = SeededNumbers(seed: 1)
    for _ in 0..<2000 {
      let header: [UInt8] = numbers.integer(0...1) == 0 ? [] : [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0]
      let format = CompressionFormat.allCases[numbers.integer(0...1)]
      let bytes = header + (0..<numbers.integer(0...200)).map { _ in UInt8(numbers.integer(0...255)) }
      let limits = Inflater.Limits(bytes: 10_000)
      let whole = inflate(bytes, format, limits: limits)
      #expect(
        inflate(bytes, format, cuts: Array(0..<bytes.count), limits: limits) == whole, "\(format) \(bytes)")
    }
  }

  @Test("bare data come out whole where their last bits stand for much", arguments: [1, 5000, 300_000])
  func bareData(_ count: Int) throws {
    let zeros = [UInt8](repeating: 0, count: count)
    // RFC 1950 section 2.2: a header of two bytes and a checksum of four are all that zlib adds.
    let bare = Array(try deflate(zeros, .zlib, level: 9).dropFirst(2).dropLast(4))
    #expect(inflate(bare, .zlib) == .success(zeros))
    #expect(inflate(bare, .zlib, cuts: Array(0..<bare.count)) == .success(zeros))
  }

  @Test("a preset dictionary, which nobody agreed upon, is refused")
  func presetDictionary() {
    // RFC 1950 section 2.2: bit 5 of the second byte.
    let failure = inflate([0x78, 0xBB, 0, 0, 0, 1, 0x03, 0], .zlib).failure
    #expect(failure == .malformed(reason: "a preset dictionary is asked for", at: 6))
  }

  @Test("gzip is not taken for deflate, nor the other way round")
  func wrongFormat() throws {
    let zlib = try deflate(Self.text, .zlib)
    let gzip = try deflate(Self.text, .gzip)
    #expect(inflate(zlib, .gzip) == .failure(.malformed(reason: "incorrect header check", at: 2)))
    #expect(inflate(gzip, .zlib).failure != nil)
  }

  @Test("an error stays")
  func errorsStay() throws {
    var inflater = try Inflater(.gzip, limits: .init(bytes: 100))
    var output = ByteBuffer()
    let expected = CompressionError.malformed(reason: "incorrect header check", at: 2)
    #expect(throws: expected) { try feed([1, 2, 3], &inflater, &output) }
    #expect(throws: expected) { try feed(Vector.all[0].bytes, &inflater, &output) }
    #expect(throws: expected) { try inflater.finish() }
    #expect(output.count == 0)
  }

  @Test("errors are said in one sentence with their numbers")
  func descriptions() {
    #expect(
      "\(CompressionError.malformed(reason: "invalid block type", at: 12))"
        == "The compressed bytes are malformed at byte 12: invalid block type.")
    #expect("\(CompressionError.tooLarge(limit: 5))" == "Inflated, the bytes are more than 5.")
    #expect(
      "\(CompressionError.ratioTooHigh(limit: 9))" == "Inflated, the bytes are more than 9 times as many.")
  }
}
