import Buffers
import Compression
import HTTP
import Sockets
import TLS

/// A body on its way in.
final class BodyReader {
  private enum Coding {
    case identity(remaining: Int, of: Int)
    case chunked(ChunkDecoder)
  }

  /// The request and what has come of its body.
  let exchange: Exchange
  private var coding: Coding
  /// What undoes the content coding, where there is one.
  private var inflater: Inflater?
  /// Bytes between the two codings; empty between calls.
  private var coded = ByteBuffer()

  /// A reader of a body of `length` bytes, which `inflater` makes more of where they are compressed.
  init(_ exchange: Exchange, length: Int, inflater: consuming Inflater?) {
    self.exchange = exchange
    self.inflater = inflater
    coding = .identity(remaining: length, of: length)
  }

  /// A reader of a chunked body.
  init(_ exchange: Exchange, decoder: ChunkDecoder, inflater: consuming Inflater?) {
    self.exchange = exchange
    self.inflater = inflater
    coding = .chunked(decoder)
  }

  var isComplete: Bool {
    switch coding {
    case .identity(let remaining, of: _): remaining == 0
    case .chunked(let decoder): decoder.isComplete
    }
  }

  /// Takes what belongs to the body from the front of `bytes`.
  ///
  /// - Returns: how much that was.
  func take(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) -> Int {
    if !isCompressed { return try takePlain(bytes, into: &exchange.body) }
    let count = try takePlain(bytes, into: &coded)
    try inflate()
    return count
  }

  /// Whether what comes is compressed.
  var isCompressed: Bool {
    switch inflater {
    case .some: true
    case .none: false
    }
  }

  /// Undoes the content coding of what has come.
  private func inflate() throws(HTTPError) {
    do throws(CompressionError) {
      try inflater?.inflate(coded.bytes, into: &exchange.body)
      coded.clear(keepingAtMost: 64 << 10)
      if isComplete { try inflater?.finish() }
    } catch {
      switch error {
      case .tooLarge(let limit): throw .bodyTooLarge(limit: limit)
      case .ratioTooHigh(let limit): throw .ratioTooHigh(limit: limit)
      case .malformed, .truncated, .trailingGarbage, .outOfMemory: throw .malformed(.contentCoding, at: 0)
      }
    }
  }

  private func takePlain(
    _ bytes: UnsafeRawBufferPointer, into body: inout ByteBuffer
  ) throws(HTTPError) -> Int {
    switch coding {
    case .identity(let remaining, of: let length):
      let count = min(remaining, bytes.count)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
      body.reserve(count, ofTotal: length)
      body.append(contentsOf: piece.assumingMemoryBound(to: UInt8.self))
      coding = .identity(remaining: remaining - count, of: length)
      return count
    case .chunked(var decoder):
      let count = try decoder.decode(bytes, into: &body)
      coding = .chunked(decoder)
      return count
    }
  }

  /// Reads straight from `stream` to the body's place, where its coding allows that; nil where it does not.
  /// The room asked for grows with what has come, not with what was announced.
  func receive(from stream: inout ClientStream) throws(TLSError) -> Transfer? {
    guard !isCompressed, case .identity(let remaining, of: let length) = coding else { return nil }
    let room = min(remaining, 256 << 10, max(16 << 10, exchange.body.count))
    exchange.body.reserve(room, ofTotal: length)
    var transfer = Transfer.wouldBlock
    let count = try exchange.body.append(upTo: room) { room throws(TLSError) in
      transfer = try stream.receive(into: UnsafeMutableRawBufferPointer(room))
      if case .bytes(let count) = transfer { return count }
      return 0
    }
    coding = .identity(remaining: remaining - count, of: length)
    return transfer
  }
}
