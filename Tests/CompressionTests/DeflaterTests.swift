import Buffers
import Compression
import TestSupport
import Testing

@Suite struct DeflaterTests {
  @Test("what is deflated comes back, of any size, in any pieces, at any level")
  func roundTrips() throws {
    var numbers = SeededNumbers(seed: 3)
    for round in 0..<60 {
      // Sizes of all magnitudes up to some 100 kB; few different bytes compress, all 256 do not.
      let count = numbers.integer(0...(1 << numbers.integer(0...17)))
      let largest = numbers.integer(0...1) == 0 ? 3 : 255
      let text = (0..<count).map { _ in UInt8(numbers.integer(0...largest)) }
      let format = CompressionFormat.allCases[round % 2]
      let level = [1, 1, 6, 9][numbers.integer(0...3)]
      let bytes = try deflate(text, format, level: level, size: 1 << numbers.integer(0...17))
      let cuts = (0..<numbers.integer(0...20)).map { _ in numbers.integer(0...bytes.count) }.sorted()
      #expect(
        inflate(bytes, format, cuts: cuts) == .success(text), "\(format), level \(level), \(count) bytes")
    }
  }

  @Test("one deflater makes one stream after the other, each the same")
  func reuse() throws {
    let text = Array("again and again and again".utf8)
    var deflater = try Deflater(.gzip)
    let streams = (0..<3).map { _ in
      var output = ByteBuffer()
      text.withUnsafeBytes { deflater.deflate($0, into: &output) }
      deflater.finish(into: &output)
      return Array(output.elements)
    }
    #expect(inflate(streams[0], .gzip) == .success(text))
    #expect(streams[1] == streams[0] && streams[2] == streams[0])
  }

  @Test("what does not compress grows by little", arguments: CompressionFormat.allCases)
  func incompressible(_ format: CompressionFormat) throws {
    var numbers = SeededNumbers(seed: 4)
    let noise = (0..<1 << 20).map { _ in UInt8(numbers.integer(0...255)) }
    let bytes = try deflate(noise, format)
    #expect(bytes.count < noise.count + noise.count / 1000 + 32)
    #expect(inflate(bytes, format) == .success(noise))
  }

  @Test("nothing becomes the empty stream of its format")
  func nothing() throws {
    // RFC 1952 section 2.3: ten bytes of header, an empty last block, and eight bytes of checksum and length.
    let gzip = try deflate([], .gzip)
    #expect(gzip.count == 20 && gzip[..<3] == [0x1F, 0x8B, 8])
    #expect(gzip[10...] == [3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    // RFC 1950 section 2.2: two bytes of header, an empty last block, and the checksum 1.
    #expect(try deflate([], .zlib) == [0x78, 0x01, 3, 0, 0, 0, 0, 1])
  }
}
