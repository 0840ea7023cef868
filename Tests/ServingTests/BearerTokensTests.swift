import Serving
import Testing

private func tokens(_ text: String) throws -> BearerTokens { try BearerTokens(Array(text.utf8)) }

private func admit(_ tokens: BearerTokens, _ credentials: String) -> Bool {
  var credentials = credentials
  return credentials.withUTF8 { tokens.admit(UnsafeRawBufferPointer($0)) }
}

@Suite struct BearerTokensTests {
  @Test("each token of the file is let in, whatever the case of the scheme, and nothing else is")
  func admission() throws {
    let long = String(repeating: "z", count: BearerTokens.longest)
    let tokens = try tokens("# who may come in\n\nfirst-token\r\n  second.token==  \n\(long)")
    for token in ["first-token", "second.token==", long] {
      for scheme in ["Bearer ", "bearer ", "BEARER   "] { #expect(admit(tokens, scheme + token)) }
      for wrong in [
        token, "Basic \(token)", "Bearer\(token)", "Bearer \(token) ", "Bearer \(token)x", "Bearer x\(token)",
        "Bearer \(token.dropLast())", "Bearer \(token.dropFirst())", "Bearer \(token),\(token)",
        "Bearer \(token)\0", "Bearer\t\(token)",
      ] { #expect(!admit(tokens, wrong), "\(wrong)") }
    }
    for wrong in [
      "", "Bearer", "Bearer ", "Bearer    ", "Bearer First-token", "Bearer #", "Bearer \(long)\(long)",
    ] {
      #expect(!admit(tokens, wrong), "\(wrong)")
    }
  }

  @Test("every single bit of a token counts, at any place")
  func everyBit() throws {
    let token = (0..<BearerTokens.longest).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    let tokens = try BearerTokens(token)
    let scheme = Array("Bearer ".utf8)
    #expect((scheme + token).withUnsafeBytes { tokens.admit($0) })
    for index in 0..<(token.count * 8) {
      var wrong = token
      wrong[index / 8] ^= 1 << UInt8(index % 8)
      #expect(!(scheme + wrong).withUnsafeBytes { tokens.admit($0) }, "bit \(index)")
    }
  }

  @Test("as many tokens as allowed are all let in")
  func many() throws {
    let names = (0..<BearerTokens.limit).map { "token-number-\($0)" }
    let tokens = try tokens(names.joined(separator: "\n"))
    for name in names { #expect(admit(tokens, "Bearer \(name)")) }
    #expect(!admit(tokens, "Bearer token-number-\(BearerTokens.limit)"))
  }

  @Test("a file without tokens, with too many, or with what is none is refused by its line, and not shown")
  func flaws() {
    let many = (0...BearerTokens.limit).map { "t\($0)" }.joined(separator: "\n")
    for (text, flaw) in [
      ("", BearerTokens.Flaw.empty), ("\n \r\n#x\n", .empty), (many, .tooMany),
      ("ok\nnot a token", .notAToken(line: 2)), ("\n\nse\u{e9}cret", .notAToken(line: 3)),
      ("=", .notAToken(line: 1)),
      ("a=b", .notAToken(line: 1)), ("a\0", .notAToken(line: 1)),
      (String(repeating: "z", count: BearerTokens.longest + 1), .tooLong(line: 1)),
    ] {
      #expect(throws: flaw) { try tokens(text) }
      for word in ["not a", "cret", "zzz"] { #expect(!flaw.description.contains(word)) }
    }
  }
}
