public import Buffers
import CZlib

/// Makes the original bytes from compressed ones that come in pieces of any size.
///
/// The limits hold while inflating: no byte above them is kept, and no room above them is asked for, however much the
/// compressed bytes promise. zlib itself takes about 40 kB, of which 32 kB are the window.
public struct Inflater: ~Copyable {
  /// How much may come out.
  public struct Limits: Sendable {
    /// The most bytes.
    public var bytes: Int
    /// The most bytes for each compressed one; deflate itself reaches 1032 with a run of one byte.
    public var ratio: Int
    /// So many bytes may come out whatever the ratio: little is no attack.
    public var bytesOfAnyRatio: Int

    /// Limits of `bytes` in total and of `ratio` behind the first megabyte.
    public init(bytes: Int, ratio: Int = 1100, bytesOfAnyRatio: Int = 1 << 20) {
      precondition(bytes >= 0 && ratio > 0 && bytesOfAnyRatio >= 0, "a limit that nothing can keep")
      self.bytes = bytes
      self.ratio = ratio
      self.bytesOfAnyRatio = bytesOfAnyRatio
    }
  }

  private enum State {
    /// A zlib stream or bare data: the first two bytes tell. The first has come or not.
    case undecided(UInt8?)
    /// Within a member that began with this compressed byte.
    case within(start: Int)
    /// Behind the end of a member, where the data may end.
    case complete
    case failed(CompressionError)
  }

  private let format: CompressionFormat
  private let limits: Limits
  private let stream: Stream
  private var state: State
  private var hasEnded = false
  /// How many compressed bytes have been taken.
  public private(set) var taken = 0
  /// How many bytes have come out.
  public private(set) var made = 0

  /// An inflater of `format` that makes no more than `limits`.
  ///
  /// - Throws: `outOfMemory`.
  public init(_ format: CompressionFormat, limits: Limits) throws(CompressionError) {
    self.format = format
    self.limits = limits
    stream = try Stream(inflating: format.windowBits)
    state = format == .zlib ? .undecided(nil) : .within(start: 0)
  }

  /// Inflates `input` and appends what comes out to `output`.
  ///
  /// - Throws: the same error again where it is called after one.
  public mutating func inflate(
    _ input: UnsafeRawBufferPointer, into output: inout ByteBuffer
  ) throws(CompressionError) {
    do {
      try run(input, &output)
    } catch {
      state = .failed(error)
      throw error
    }
  }

  /// To be called behind the last byte.
  ///
  /// - Throws: `truncated` where a member has begun and not ended, or none has begun.
  public func finish() throws(CompressionError) {
    switch state {
    case .complete: break
    case .failed(let error): throw error
    case .undecided, .within: throw .truncated
    }
  }

  private mutating func run(
    _ input: UnsafeRawBufferPointer, _ output: inout ByteBuffer
  ) throws(CompressionError) {
    var rest = input
    while !rest.isEmpty {
      switch state {
      case .failed(let error): throw error
      case .undecided(let first):
        guard let first else {
          state = .undecided(rest[0])
          rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
          continue
        }
        // What zlib did not see yet goes ahead of the rest.
        if !Self.startsZlib(first, rest[0]) { inflateReset2(stream.pointer, -MAX_WBITS) }
        state = .within(start: 0)
        _ = try withUnsafeBytes(of: first) { byte throws(CompressionError) in try step(byte, &output) }
      case .within:
        rest = UnsafeRawBufferPointer(rebasing: rest[try step(rest, &output)...])
      case .complete:
        // RFC 1952 section 2.2: members simply follow one another. The other formats end here.
        guard format == .gzip, rest[0] == 0x1F else { throw .trailingGarbage(at: taken) }
        inflateReset(stream.pointer)
        state = .within(start: taken)
      }
    }
  }

  /// RFC 1950 section 2.2: method 8, a window of at most 32 kB, and a sum that 31 divides. Bare data (RFC 1951
  /// section 3.2.3) that began so would be a stored block with padding that no encoder writes.
  private static func startsZlib(_ first: UInt8, _ second: UInt8) -> Bool {
    first & 0x0F == 8 && first >> 4 <= 7 && (Int(first) << 8 | Int(second)) % 31 == 0
  }

  /// Inflates from `input` until it is used up or the member ends.
  ///
  /// - Returns: how many bytes were taken.
  private mutating func step(
    _ input: UnsafeRawBufferPointer, _ output: inout ByteBuffer
  ) throws(CompressionError) -> Int {
    var used = 0
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: input[used...])
      let left = limits.bytes - made
      let (taken, made, isFull, code) = inflateOnce(rest, left: left, &output)
      used += taken
      self.taken += taken
      self.made += made
      if self.made > limits.bytes { throw .tooLarge(limit: limits.bytes) }
      if self.made > limits.bytesOfAnyRatio, self.made / limits.ratio > self.taken {
        throw .ratioTooHigh(limit: limits.ratio)
      }
      switch code {
      case Z_STREAM_END:
        state = .complete
        hasEnded = true
        return used
      case Z_OK, Z_BUF_ERROR:
        // Where room is left, zlib has made all it can from what it has.
        if !isFull { return used }
      case Z_MEM_ERROR: throw .outOfMemory
      case Z_NEED_DICT: throw .malformed(reason: "a preset dictionary is asked for", at: self.taken)
      default:
        // A second member that fails at its first bytes is none.
        if case .within(let start) = state, hasEnded, self.taken - start <= 2 {
          throw .trailingGarbage(at: start)
        }
        throw .malformed(reason: stream.message, at: self.taken)
      }
    }
  }

  private func inflateOnce(
    _ input: UnsafeRawBufferPointer, left: Int, _ output: inout ByteBuffer
  ) -> (taken: Int, made: Int, isFull: Bool, code: Int32) {
    if left == 0 {
      // The end of the stream may still be to come without another byte; one more byte tells that it is not.
      return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { spill in
        let (taken, made, code) = stream.run(input, into: spill) { CZlib.inflate($0, Z_NO_FLUSH) }
        return (taken, made, made == 1, code)
      }
    }
    // The room grows with what has come out, not with what is allowed.
    let room = min(left, max(4 << 10, min(256 << 10, output.count)))
    output.reserve(room, ofTotal: output.count + left)
    var result = (taken: 0, made: 0, code: Z_OK)
    output.append(upTo: room) { room in
      result = stream.run(input, into: room) { CZlib.inflate($0, Z_NO_FLUSH) }
      return result.made
    }
    return (result.taken, result.made, result.made == room, result.code)
  }
}
