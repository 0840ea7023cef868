import CZlib

/// A zlib stream and its memory.
///
/// The state that zlib keeps points back at the `z_stream`, so that must not move: it lives on the heap.
struct Stream: ~Copyable {
  enum Direction {
    case inflating, deflating
  }

  let pointer: UnsafeMutablePointer<z_stream>
  private let direction: Direction

  /// A stream for inflating; `windowBits` as in zlib's `inflateInit2`.
  init(inflating windowBits: Int32) throws(CompressionError) {
    try self.init(.inflating) { inflateInit2_($0, windowBits, ZLIB_VERSION, Self.size) }
  }

  /// A stream for deflating; `windowBits` as in zlib's `deflateInit2`.
  init(deflating windowBits: Int32, level: Int32) throws(CompressionError) {
    // 8 is zlib's own default for the memory of its hash table.
    try self.init(.deflating) {
      deflateInit2_($0, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Self.size)
    }
  }

  private static var size: Int32 { Int32(MemoryLayout<z_stream>.size) }

  private init(
    _ direction: Direction, _ start: (UnsafeMutablePointer<z_stream>) -> Int32
  ) throws(CompressionError) {
    let pointer = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    pointer.initialize(to: z_stream())
    // The arguments are ours and right, so memory is all that can be missing; zlib keeps nothing then.
    guard start(pointer) == Z_OK else {
      pointer.deallocate()
      throw .outOfMemory
    }
    self.pointer = pointer
    self.direction = direction
  }

  deinit {
    switch direction {
    case .inflating: inflateEnd(pointer)
    case .deflating: deflateEnd(pointer)
    }
    pointer.deallocate()
  }

  /// What zlib says about the last error.
  var message: String {
    pointer.pointee.msg.map { String(cString: $0) } ?? "no reason given"
  }

  /// Lets `step` work from `input` into `output`.
  ///
  /// - Returns: how many bytes were taken and made, and zlib's code.
  func run(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<UInt8>,
    _ step: (UnsafeMutablePointer<z_stream>) -> Int32
  ) -> (taken: Int, made: Int, code: Int32) {
    // zlib counts in 32 bits; who calls comes again with the rest.
    let offered = UInt32(clamping: input.count)
    let room = UInt32(clamping: output.count)
    // zlib never writes through next_in.
    pointer.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?
      .assumingMemoryBound(to: UInt8.self)
    pointer.pointee.avail_in = offered
    pointer.pointee.next_out = output.baseAddress
    pointer.pointee.avail_out = room
    let code = step(pointer)
    let taken = Int(offered - pointer.pointee.avail_in)
    let made = Int(room - pointer.pointee.avail_out)
    // Neither buffer is ours beyond this call.
    pointer.pointee.next_in = nil
    pointer.pointee.avail_in = 0
    pointer.pointee.next_out = nil
    pointer.pointee.avail_out = 0
    return (taken, made, code)
  }
}
