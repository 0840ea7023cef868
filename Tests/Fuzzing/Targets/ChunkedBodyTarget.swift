import Buffers
import HTTP

/// What the decoder made of some bytes.
private struct DecodedBody: Equatable {
  var body: [UInt8] = []
  var used = 0
  var isComplete = false
  var refusal: HTTPError?
}

private let bodyLimit = 300
private let lineLimit = 64

private func decoded(_ input: [UInt8], ends: [Int]) -> DecodedBody {
  var decoder = ChunkDecoder(bodyLimit: bodyLimit, lineLimit: lineLimit)
  var buffer = ByteBuffer()
  var result = DecodedBody()
  var start = 0
  for end in ends where result.refusal == nil && !result.isComplete {
    do throws(HTTPError) {
      result.used += try withExactMemory(input[start..<end]) { (bytes) throws(HTTPError) in
        try decoder.decode(bytes, into: &buffer)
      }
      result.isComplete = decoder.isComplete
    } catch {
      // A flaw's offset counts from the piece it is in.
      if case .malformed(let flaw, let offset) = error {
        result.refusal = .malformed(flaw, at: start + offset)
      } else {
        result.refusal = error
      }
    }
    start = end
  }
  // Nobody asks a body that is refused how far it came.
  if result.refusal != nil { return DecodedBody(refusal: result.refusal) }
  result.body = Array(buffer.elements)
  return result
}

/// The chunks of RFC 9112 section 7.1 in one go, by the grammar, slowly: the body and how many bytes it took, or nil where it
/// is malformed, too large or unfinished.
private func plainlyDecoded(_ input: [UInt8]) -> (body: [UInt8], used: Int)? {
  var rest = input[...]
  func line() -> [UInt8]? {
    guard let lineFeed = rest.firstIndex(of: 10), lineFeed > rest.startIndex, rest[lineFeed - 1] == 13 else {
      return nil
    }
    let line = Array(rest[..<(lineFeed - 1)])
    rest = rest[(lineFeed + 1)...]
    return line.allSatisfy { $0 == 9 || ($0 >= 0x20 && $0 != 0x7F) } ? line : nil
  }
  var body: [UInt8] = []
  var extensions = 0
  while true {
    guard let size = line() else { return nil }
    let digits = size.prefix { $0 != UInt8(ascii: ";") }
    // `Int` would take a sign.
    guard (1...16).contains(digits.count), digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let count = Int(String(decoding: digits, as: UTF8.self), radix: 16), count <= bodyLimit - body.count
    else { return nil }
    // The semicolon is part of the size, the carriage return of the extension.
    extensions += digits.count < size.count ? size.count - digits.count : 0
    guard extensions <= lineLimit else { return nil }
    if count == 0 { break }
    guard rest.count >= count + 2, rest.dropFirst(count).starts(with: [13, 10]) else { return nil }
    body += rest.prefix(count)
    rest = rest.dropFirst(count + 2)
  }
  var trailers = 0
  while true {
    guard let field = line() else { return nil }
    if field.isEmpty { return (body, input.count - rest.count) }
    guard let colon = field.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      field[..<colon].allSatisfy({ isToken($0) })
    else { return nil }
    trailers += field.count
    guard trailers <= lineLimit else { return nil }
  }
}

/// `tchar` of RFC 9110 section 5.6.2, as it stands there.
private func isToken(_ byte: UInt8) -> Bool {
  let character = Character(Unicode.Scalar(byte))
  return byte < 128 && (character.isLetter || character.isNumber || "!#$%&'*+-.^_`|~".contains(character))
}

/// However a chunked body is cut, it decodes to the same bytes or is refused for the same reason at the same place; what
/// decodes is what the grammar says; and its limits hold.
func chunkedBodyFlaw(in input: [UInt8]) -> String? {
  let whole = decoded(input, ends: [input.count])
  let inPieces = decoded(input, ends: cuts(of: input) + [input.count])
  if whole != inPieces { return "whole: \(whole); in pieces: \(inPieces)" }
  if whole.body.count > bodyLimit { return "\(whole.body.count) bytes pass the limit" }
  let plain = plainlyDecoded(input)
  if whole.isComplete {
    // Near the limits of lines both may differ by the bytes that they count.
    guard let plain else {
      return input.count <= lineLimit ? "the grammar refuses what was decoded: \(whole)" : nil
    }
    if plain.body != whole.body || plain.used != whole.used {
      return "the grammar says \(plain), not \(whole)"
    }
  } else {
    if plain != nil, input.count <= lineLimit { return "the grammar takes what was not: \(whole)" }
    if whole.refusal == nil, whole.used != input.count { return "an unfinished body leaves bytes unread" }
  }
  return nil
}
