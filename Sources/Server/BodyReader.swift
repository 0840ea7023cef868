import Buffers
import HTTP
import Sockets

/// A body on its way in.
final class BodyReader {
  private enum Coding {
    case identity(remaining: Int, of: Int)
    case chunked(ChunkDecoder)
  }

  /// The request and what has come of its body.
  let exchange: Exchange
  private var coding: Coding

  /// A reader of a body of `length` bytes.
  init(_ exchange: Exchange, length: Int) {
    self.exchange = exchange
    coding = .identity(remaining: length, of: length)
  }

  /// A reader of a chunked body.
  init(_ exchange: Exchange, decoder: ChunkDecoder) {
    self.exchange = exchange
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
    switch coding {
    case .identity(let remaining, of: let length):
      let count = min(remaining, bytes.count)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
      exchange.body.reserve(count, ofTotal: length)
      exchange.body.append(contentsOf: piece.assumingMemoryBound(to: UInt8.self))
      coding = .identity(remaining: remaining - count, of: length)
      return count
    case .chunked(var decoder):
      let count = try decoder.decode(bytes, into: &exchange.body)
      coding = .chunked(decoder)
      return count
    }
  }

  /// Reads straight from `socket` to the body's place, where its coding allows that; nil where it does not.
  /// The room asked for grows with what has come, not with what was announced.
  func receive(from socket: borrowing Connected) throws(SystemError) -> Transfer? {
    guard case .identity(let remaining, of: let length) = coding else { return nil }
    let room = min(remaining, 256 << 10, max(16 << 10, exchange.body.count))
    exchange.body.reserve(room, ofTotal: length)
    var transfer = Transfer.wouldBlock
    let count = try exchange.body.append(upTo: room) { room throws(SystemError) in
      transfer = try socket.receive(into: UnsafeMutableRawBufferPointer(room))
      if case .bytes(let count) = transfer { return count }
      return 0
    }
    coding = .identity(remaining: remaining - count, of: length)
    return transfer
  }
}
