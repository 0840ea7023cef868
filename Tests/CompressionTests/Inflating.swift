import Buffers
import Compression

/// What inflating came to: the bytes, or the error.
typealias Inflated = Result<[UInt8], CompressionError>

/// Inflates `bytes` in pieces that end at `cuts` and at the end.
func inflate(
  _ bytes: [UInt8], _ format: CompressionFormat, cuts: [Int] = [],
  limits: Inflater.Limits = .init(bytes: 1 << 20)
) -> Inflated {
  do throws(CompressionError) {
    var inflater = try Inflater(format, limits: limits)
    var output = ByteBuffer()
    for (start, end) in zip([0] + cuts, cuts + [bytes.count]) {
      try feed(Array(bytes[start..<end]), &inflater, &output)
    }
    try inflater.finish()
    return .success(Array(output.elements))
  } catch {
    return .failure(error)
  }
}

/// Hands `bytes` over as one piece.
func feed(
  _ bytes: [UInt8], _ inflater: inout Inflater, _ output: inout ByteBuffer
) throws(CompressionError) {
  var buffer = ByteBuffer(capacity: bytes.count)
  bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
  try inflater.inflate(buffer.bytes, into: &output)
}

/// Deflates `bytes` in pieces of `size`.
func deflate(
  _ bytes: [UInt8], _ format: CompressionFormat, level: Int = 1, size: Int = 1 << 16
) throws -> [UInt8] {
  var deflater = try Deflater(format, level: level)
  var output = ByteBuffer()
  bytes.withUnsafeBytes { bytes in
    for start in stride(from: 0, to: bytes.count, by: size) {
      let end = min(start + size, bytes.count)
      deflater.deflate(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), into: &output)
    }
  }
  deflater.finish(into: &output)
  return Array(output.elements)
}

extension Result {
  var failure: Failure? {
    if case .failure(let failure) = self { failure } else { nil }
  }
}
