public import Buffers
import CZlib

/// Makes compressed bytes. It takes about 270 kB and can be used for one body after the other.
public struct Deflater: ~Copyable {
  private let stream: Stream

  /// A deflater to `format`. Level 1, the fastest, costs about 10 ms a megabyte; 9, the slowest, more than ten times that.
  ///
  /// - Throws: `outOfMemory`.
  public init(_ format: CompressionFormat, level: Int = 1) throws(CompressionError) {
    precondition((1...9).contains(level), "zlib knows the levels 1 to 9")
    stream = try Stream(deflating: format.windowBits, level: Int32(level))
  }

  /// Deflates `input` and appends what comes out by now to `output`.
  public mutating func deflate(_ input: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
    run(input, Z_NO_FLUSH, &output)
  }

  /// Appends what is left and the end of the stream to `output`; the next byte starts a new stream.
  public mutating func finish(into output: inout ByteBuffer) {
    run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH, &output)
    deflateReset(stream.pointer)
  }

  private func run(_ input: UnsafeRawBufferPointer, _ flush: Int32, _ output: inout ByteBuffer) {
    var rest = input
    var isFull = true
    // zlib has written all it can where room is left.
    while !rest.isEmpty || isFull {
      let room = max(4 << 10, min(256 << 10, rest.count / 2))
      output.append(upTo: room) { room in
        let (taken, made, code) = stream.run(rest, into: room) { CZlib.deflate($0, flush) }
        precondition(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR, "zlib's state is broken")
        rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        isFull = made == room.count && code != Z_STREAM_END
        return made
      }
    }
  }
}
