import HTTP

/// What a parser made of some bytes.
private enum ParsedRequest: Equatable {
  case incomplete
  case head(ParsedHead)
  case refused(HTTPError)

  /// Whether both are the same, but for where in the bytes a flaw was found.
  func agrees(with other: ParsedRequest) -> Bool {
    if case .refused(.malformed(let flaw, _)) = self, case .refused(.malformed(let otherFlaw, _)) = other {
      return flaw == otherFlaw
    }
    return self == other
  }
}

/// What a server looks at in a head.
private struct ParsedHead: Equatable {
  let method: Method
  let path: String
  let query: String?
  let minorVersion: Int
  let framing: BodyFraming
  let keepAlive: Bool
  let expectsContinue: Bool
  let values: [String?]
  let length: Int

  init(_ head: RequestHead, length: Int) {
    method = head.method
    path = head.path
    query = head.query
    minorVersion = head.minorVersion
    framing = head.framing
    keepAlive = head.keepAlive
    expectsContinue = head.expectsContinue
    values = [head.value(of: "host"), head.value(of: "accept"), head.value(of: "x"), head.value(of: "a")]
    self.length = length
  }
}

/// Limits that inputs of fuzzing size pass.
private let limits = HeadLimits(bytes: 512, fields: 8, target: 128)

/// Shows one parser the bytes up to each of `ends`, every time in other memory, until it has its answer.
private func parsed(_ input: [UInt8], ends: [Int]) -> ParsedRequest {
  var parser = RequestParser(limits: limits)
  for end in ends {
    do throws(HTTPError) {
      let progress = try withExactMemory(input[..<end]) { (bytes) throws(HTTPError) in
        try parser.parse(bytes)
      }
      if case .head(let head, let length) = progress { return .head(ParsedHead(head, length: length)) }
    } catch {
      return .refused(error)
    }
  }
  return .incomplete
}

/// However a head is cut, it gives the same head or the same refusal, takes the same number of bytes, and nothing behind it
/// matters.
func requestFlaw(in input: [UInt8]) -> String? {
  let whole = parsed(input, ends: [input.count])
  let inPieces = parsed(input, ends: cuts(of: input) + [input.count])
  // A line that is both too long and wrong is refused for its length if its end is still to come; a limit that is passed is a
  // refusal either way.
  if !whole.agrees(with: inPieces), !(whole.isRefused && inPieces.isTooLong) {
    return "whole: \(whole); in pieces: \(inPieces)"
  }
  switch whole {
  case .head(let head):
    guard (1...input.count).contains(head.length), head.length <= limits.bytes else {
      return "a head of \(head.length) bytes"
    }
    if parsed(Array(input[..<head.length]), ends: [head.length]) != whole {
      return "the bytes behind the head change it"
    }
    if head.framing == .contentLength(0) { return "a body of no bytes is announced" }
    if head.minorVersion > 0, head.values[0] == nil { return "a request of HTTP/1.1 has no Host" }
    if head.expectsContinue, head.framing == .none { return "no body, and the client waits to send it" }
    if head.framing == .chunked, head.minorVersion == 0 { return "chunks in HTTP/1.0" }
  case .refused(let error):
    if !(400...599).contains(error.status.rawValue) { return "refused with \(error.status)" }
  case .incomplete:
    if input.count >= limits.bytes { return "more bytes are wanted than a head may have" }
  }
  return nil
}

extension ParsedRequest {
  fileprivate var isRefused: Bool {
    if case .refused = self { true } else { false }
  }

  fileprivate var isTooLong: Bool {
    switch self {
    case .refused(.targetTooLong), .refused(.headTooLarge), .refused(.malformed(.method, _)): true
    case .refused, .head, .incomplete: false
    }
  }
}
