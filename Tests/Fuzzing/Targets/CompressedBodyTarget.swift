import Buffers
import Compression

private let limits = Inflater.Limits(bytes: 4096, ratio: 50, bytesOfAnyRatio: 512)

/// What inflating some bytes came to.
private enum Inflated: Equatable {
  case success([UInt8])
  /// Refused; for which of several reasons depends on how far the first look goes.
  case failure
  /// More came out than the limits allow.
  case overflow
}

private func inflated(_ input: [UInt8], _ format: CompressionFormat, ends: [Int]) -> Inflated {
  var output = ByteBuffer()
  do throws(CompressionError) {
    var inflater = try Inflater(format, limits: limits)
    var start = 0
    for end in ends {
      try withExactMemory(input[start..<end]) { (bytes) throws(CompressionError) in
        try inflater.inflate(bytes, into: &output)
      }
      if output.count > limits.bytes { return .overflow }
      start = end
    }
    try inflater.finish()
    return .success(Array(output.elements))
  } catch {
    return output.count > limits.bytes ? .overflow : .failure
  }
}

/// Inflates `input`, whose first byte says as what, whole and in pieces: both must come to the same, within the limits. And what
/// is deflated must come out again.
func compressedBodyFlaw(in input: [UInt8]) -> String? {
  guard let choice = input.first else { return nil }
  let format: CompressionFormat = choice & 1 == 0 ? .gzip : .zlib
  let bytes = Array(input.dropFirst())
  let whole = inflated(bytes, format, ends: [bytes.count])
  if whole == .overflow { return "more than the limit came out" }
  let pieces = inflated(bytes, format, ends: cuts(of: bytes) + [bytes.count])
  if pieces != whole { return "whole it is \(whole), in pieces \(pieces)" }
  guard let coded = deflated(bytes, format) else { return "there is no deflater" }
  let again = inflated(coded, format, ends: [coded.count])
  return again == .success(bytes) ? nil : "deflated and inflated it is \(again)"
}

private func deflated(_ bytes: [UInt8], _ format: CompressionFormat) -> [UInt8]? {
  guard var deflater = try? Deflater(format) else { return nil }
  var coded = ByteBuffer()
  bytes.withUnsafeBytes { deflater.deflate($0, into: &coded) }
  deflater.finish(into: &coded)
  return Array(coded.elements)
}
