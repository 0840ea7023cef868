import Buffers
import HTTP
import Testing

private let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

private func fields(_ head: RequestHead?) -> [String] {
  var numbers = RequestNumbers()
  var output = ByteBuffer()
  RequestIdentity(of: head, &numbers).appendFields(head, to: &output)
  return String(decoding: output.elements, as: UTF8.self).split(separator: "\r\n").map(String.init)
}

private func name(_ head: RequestHead?) -> Substring {
  fields(head)[0].dropFirst("X-Request-Id: ".count)
}

private func isMade(_ name: Substring) -> Bool {
  name.utf8.count == 32 && name.allSatisfy { "0123456789abcdef".contains($0) }
}

@Suite struct RequestIdentityTests {
  @Test(
    "a client's name that is a token of bounded length is kept",
    arguments: ["a", "6f0e-11", "!#$%&'*+-.^_`|~", String(repeating: "x", count: 128)])
  func kept(_ given: String) throws {
    #expect(try name(RequestHead(.get, "/", fields: ["x-request-ID": given])) == Substring(given))
  }

  @Test(
    "any other gets one of ours",
    arguments: [
      "", "a b", "a,b", "\"a\"", "a=b", "a;b", "caf\u{e9}", "<script>", String(repeating: "x", count: 129),
      "a\tb",
    ])
  func made(_ given: String) throws {
    #expect(isMade(try name(RequestHead(.get, "/", fields: ["X-Request-Id": given]))))
  }

  @Test("without a head, without the field or with two of them the name is ours, and new each time")
  func none() throws {
    let twice = try RequestHead(.get, "/", fields: ["X-Request-Id": "a", "x-request-id": "b"])
    var names: Set<Substring> = []
    for _ in 0..<1000 {
      for head in [nil, twice, try RequestHead(.get, "/")] {
        let name = name(head)
        #expect(isMade(name))
        names.insert(name)
      }
    }
    #expect(names.count == 3000)
  }

  @Test(
    "a valid place in a trace is passed on: the same trace, a span of ours, the flag that this version knows")
  func trace() throws {
    for (given, flags) in [
      (valid, "01"), (valid.dropLast(2) + "00", "00"), (valid.dropLast(2) + "03", "01"),
      (valid.dropLast(2) + "fe", "00"),
      ("cc" + valid.dropFirst(2), "01"), ("01" + valid.dropFirst(2) + "-what-ever", "01"),
    ] as [(String, String)] {
      let all = fields(try RequestHead(.get, "/", fields: ["Traceparent": given]))
      try #require(all.count == 2, "\(given)")
      let parts = all[1].dropFirst("traceparent: ".count).split(separator: "-")
      #expect(
        parts[0] == "00" && parts[1] == "0af7651916cd43dd8448eb211c80319c" && parts[3] == Substring(flags))
      #expect(parts[2].count == 16 && parts[2] != "b7ad6b7169203331" && parts[2] != "0000000000000000")
    }
  }

  @Test(
    "an invalid one is as good as none",
    arguments: [
      "", "00", "ff" + valid.dropFirst(2), valid + "-00", valid + "0", String(valid.dropLast()),
      valid.uppercased(),
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
      "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x", "cc" + valid.dropFirst(2) + ".x",
      valid + ", " + valid,
    ])
  func invalidTrace(_ given: String) throws {
    #expect(fields(try RequestHead(.get, "/", fields: ["traceparent": given])).count == 1)
  }

  @Test("two places in a trace are none")
  func twoTraces() throws {
    #expect(
      fields(try RequestHead(.get, "/", fields: ["traceparent": valid, "Traceparent": valid])).count == 1)
  }
}
