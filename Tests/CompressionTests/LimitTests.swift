import Buffers
import Compression
import TestSupport
import Testing

@Suite struct LimitTests {
  @Test(
    "the limit on what comes out is exact, and no room above it is asked for",
    arguments: CompressionFormat.allCases)
  func exactLimit(_ format: CompressionFormat) throws {
    var numbers = SeededNumbers(seed: 2)
    try withEvery(around: [1, 4096, 8192, 70_000]) { count in
      let text = (0..<count).map { _ in UInt8(numbers.integer(0...3)) }
      let bytes = try deflate(text, format)
      #expect(inflate(bytes, format, limits: .init(bytes: count)) == .success(text))
      #expect(
        inflate(bytes, format, cuts: Array(0..<bytes.count), limits: .init(bytes: count)) == .success(text))
      var inflater = try Inflater(format, limits: .init(bytes: count - 1))
      var output = ByteBuffer()
      #expect(throws: CompressionError.tooLarge(limit: count - 1)) {
        try feed(bytes, &inflater, &output)
      }
      #expect(output.capacity <= count - 1)
    }
  }

  @Test("nothing at all fits in a limit of nothing")
  func limitOfNothing() throws {
    #expect(inflate(try deflate([], .gzip), .gzip, limits: .init(bytes: 0)) == .success([]))
    #expect(inflate(try deflate([1], .gzip), .gzip, limits: .init(bytes: 0)) == .failure(.tooLarge(limit: 0)))
  }

  /// Feeds the stream of so many megabytes of zeros, made piece by piece, until the inflater refuses.
  ///
  /// - Returns: how many megabytes had been deflated, and the room that was asked for.
  private func feedBomb(
    megabytes: Int, _ format: CompressionFormat, _ limits: Inflater.Limits
  ) throws -> (error: CompressionError?, megabytes: Int, room: Int) {
    let zeros = ByteBuffer(repeating: 0, count: 1 << 20)
    var deflater = try Deflater(format, level: 9)
    var inflater = try Inflater(format, limits: limits)
    var output = ByteBuffer()
    for megabyte in 0..<megabytes {
      var piece = ByteBuffer()
      deflater.deflate(zeros.bytes, into: &piece)
      if megabyte == megabytes - 1 { deflater.finish(into: &piece) }
      do throws(CompressionError) {
        try inflater.inflate(piece.bytes, into: &output)
      } catch {
        return (error, megabyte, output.capacity)
      }
    }
    return (nil, megabytes, output.capacity)
  }

  @Test(
    "a bomb of ten gigabytes is refused at the limit, with no more room than that",
    arguments: CompressionFormat.allCases)
  func bomb(_ format: CompressionFormat) throws {
    let limit = 8 << 20
    let outcome = try feedBomb(megabytes: 10 << 10, format, .init(bytes: limit))
    #expect(outcome.error == .tooLarge(limit: limit))
    #expect(outcome.room <= limit)
    #expect(outcome.megabytes <= 16)
  }

  @Test("a bomb is refused by its ratio long before the limit")
  func ratio() throws {
    let limits = Inflater.Limits(bytes: 1 << 30, ratio: 100, bytesOfAnyRatio: 100_000)
    let outcome = try feedBomb(megabytes: 10 << 10, .gzip, limits)
    #expect(outcome.error == .ratioTooHigh(limit: 100))
    #expect(outcome.room <= 1 << 20)
    #expect(outcome.megabytes <= 16)
  }

  @Test("little may have any ratio")
  func littleOfAnyRatio() throws {
    let zeros = [UInt8](repeating: 0, count: 100_000)
    let bytes = try deflate(zeros, .gzip, level: 9)
    #expect(zeros.count / bytes.count > 500)
    let limits = { Inflater.Limits(bytes: 1 << 20, ratio: 2, bytesOfAnyRatio: $0) }
    #expect(inflate(bytes, .gzip, limits: limits(100_000)) == .success(zeros))
    #expect(inflate(bytes, .gzip, limits: limits(99_999)) == .failure(.ratioTooHigh(limit: 2)))
  }

  @Test("a bomb of many small members is counted as a whole")
  func manyMembers() throws {
    let member = try deflate([UInt8](repeating: 7, count: 1000), .gzip)
    let bytes = Array(repeatElement(member, count: 11).joined())
    #expect(inflate(bytes, .gzip, limits: .init(bytes: 11_000)).failure == nil)
    #expect(inflate(bytes, .gzip, limits: .init(bytes: 10_999)) == .failure(.tooLarge(limit: 10_999)))
  }
}
