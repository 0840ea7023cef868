public import Buffers

/// Takes the chunked coding off a body (RFC 9112 section 7.1) that comes in pieces cut anywhere.
///
/// Sizes are plain hexadecimal, line ends exactly CRLF; extensions (section 7.1.1) and trailers (section 7.1.2) are
/// checked, bounded, ignored: no trailer becomes a field (RFC 9110 section 6.5.1).
public struct ChunkDecoder: Sendable {
  private enum Expectation: Sendable {
    case firstSizeDigit, sizeDigit, inExtension, sizeLineFeed
    case data, dataReturn, dataLineFeed
    case trailerStart, trailerName, trailerValue, trailerLineFeed, lastLineFeed
    case nothing
  }

  private let bodyLimit: Int
  private let lineLimit: Int
  private var expectation = Expectation.firstSizeDigit
  /// The chunk's size while its digits are read.
  private var size: UInt64 = 0
  /// How much of the chunk's data is to come.
  private var remaining = 0
  private var sizeDigits = 0
  private var decoded = 0
  private var extensionBytes = 0
  private var trailerBytes = 0

  /// A decoder for one body of at most `bodyLimit` decoded bytes, whose extensions, all together, and whose
  /// trailers have at most `lineLimit` bytes each.
  public init(bodyLimit: Int, lineLimit: Int = 16 * 1024) {
    self.bodyLimit = bodyLimit
    self.lineLimit = lineLimit
  }

  /// Whether the end of the body has been seen.
  public var isComplete: Bool { expectation == .nothing }

  /// Decodes `input`, the bytes that follow those of the last call, and appends what they hold to `body`.
  ///
  /// - Returns: how many bytes were used: all of them, or fewer when the body ended before.
  /// - Throws: `malformed`, with the offset in `input`, or `bodyTooLarge` as soon as a size says so.
  public mutating func decode(
    _ input: UnsafeRawBufferPointer, into body: inout ByteBuffer
  ) throws(HTTPError) -> Int {
    var position = 0
    while position < input.count, expectation != .nothing {
      if expectation == .data {
        let count = min(remaining, input.count - position)
        let piece = UnsafeRawBufferPointer(rebasing: input[position..<position + count])
        body.append(contentsOf: piece.assumingMemoryBound(to: UInt8.self))
        remaining -= count
        position += count
        if remaining == 0 { expectation = .dataReturn }
      } else {
        do {
          expectation = try next(input[position])
        } catch {
          if case .malformed(let flaw, _) = error { throw .malformed(flaw, at: position) }
          throw error
        }
        position += 1
      }
    }
    return position
  }

  private mutating func next(_ byte: UInt8) throws(HTTPError) -> Expectation {
    switch expectation {
    case .firstSizeDigit, .sizeDigit: return try nextInSize(byte)
    case .inExtension:
      extensionBytes += 1
      if byte == Bytes.carriageReturn { return .sizeLineFeed }
      return try plain(byte, .chunkExtension, extensionBytes, then: .inExtension)
    case .sizeLineFeed: return try exactly(Bytes.lineFeed, byte, .chunkSize, then: afterSize())
    case .dataReturn: return try exactly(Bytes.carriageReturn, byte, .chunkEnd, then: .dataLineFeed)
    case .dataLineFeed: return try exactly(Bytes.lineFeed, byte, .chunkEnd, then: .firstSizeDigit)
    case .trailerStart:
      if byte == Bytes.carriageReturn { return .lastLineFeed }
      return try nextInTrailerName(byte)
    case .trailerName:
      if byte == Bytes.colon { return .trailerValue }
      return try nextInTrailerName(byte)
    case .trailerValue:
      trailerBytes += 1
      if byte == Bytes.carriageReturn { return .trailerLineFeed }
      return try plain(byte, .trailer, trailerBytes, then: .trailerValue)
    case .trailerLineFeed: return try exactly(Bytes.lineFeed, byte, .trailer, then: .trailerStart)
    case .lastLineFeed: return try exactly(Bytes.lineFeed, byte, .trailer, then: .nothing)
    case .data, .nothing: preconditionFailure("data and the end are not read byte by byte")
    }
  }

  /// chunk-size = 1*HEXDIG (RFC 9112 section 7.1). Sixteen digits, leading zeros among them, are enough for
  /// everybody and never overflow; white space behind them is refused, although section 7.1.1 has receivers
  /// remove it before an extension: servers that disagree about it have been used for smuggling.
  private mutating func nextInSize(_ byte: UInt8) throws(HTTPError) -> Expectation {
    if let digit = Bytes.hexadecimal(byte) {
      if expectation == .firstSizeDigit {
        size = 0
        sizeDigits = 0
      }
      sizeDigits += 1
      guard sizeDigits <= 16 else { throw .malformed(.chunkSize, at: 0) }
      size = size << 4 | UInt64(digit)
      return .sizeDigit
    }
    guard expectation == .sizeDigit, byte == Bytes.carriageReturn || byte == UInt8(ascii: ";") else {
      throw .malformed(.chunkSize, at: 0)
    }
    // RFC 9112 section 7.1: a receiver must not let a size overflow.
    guard let count = Int(exactly: size) else { throw .malformed(.chunkSize, at: 0) }
    guard count <= bodyLimit - decoded else { throw .bodyTooLarge(limit: bodyLimit) }
    remaining = count
    return byte == Bytes.carriageReturn ? .sizeLineFeed : .inExtension
  }

  private mutating func afterSize() -> Expectation {
    decoded += remaining
    return remaining == 0 ? .trailerStart : .data
  }

  private mutating func nextInTrailerName(_ byte: UInt8) throws(HTTPError) -> Expectation {
    trailerBytes += 1
    guard Bytes.isToken(byte), trailerBytes <= lineLimit else { throw .malformed(.trailer, at: 0) }
    return .trailerName
  }

  private func exactly(
    _ wanted: UInt8, _ byte: UInt8, _ flaw: HTTPError.Flaw, then: @autoclosure () -> Expectation
  ) throws(HTTPError) -> Expectation {
    guard byte == wanted else { throw .malformed(flaw, at: 0) }
    return then()
  }

  private func plain(
    _ byte: UInt8, _ flaw: HTTPError.Flaw, _ length: Int, then: Expectation
  ) throws(HTTPError) -> Expectation {
    let isControl = (byte < 0x20 && byte != Bytes.tab) || byte == 0x7F
    guard !isControl, length <= lineLimit else { throw .malformed(flaw, at: 0) }
    return then
  }
}
