import Serving
import Testing

private func line(
  _ format: LogFormat, _ milliseconds: Int, _ message: String, _ fields: KeyValuePairs<String, String>
)
  -> String
{
  LogLine.write(format, "notice", message, unixMilliseconds: milliseconds) { line in
    for (key, value) in fields { line.field(key, value) }
  } use: {
    String(decoding: $0, as: UTF8.self)
  }
}

@Suite struct LogLineTests {
  @Test("a line says when, how grave, what, and its fields")
  func plain() {
    #expect(
      line(.text, 1_790_000_000_123, "draining", ["signal": "SIGTERM"])
        == "2026-09-21T14:13:20.123Z notice draining signal=SIGTERM\n")
    #expect(
      line(.json, 1_790_000_000_123, "draining", ["signal": "SIGTERM"])
        == #"{"time":"2026-09-21T14:13:20.123Z","level":"notice","message":"draining","signal":"SIGTERM"}"#
        + "\n")
  }

  @Test("no value ends the line or passes for another field")
  func escapes() {
    let value = "a\"b\\c\r\nstatus=500\u{7F}\u{1B}"
    let text = line(.text, 0, "m", ["k": value])
    #expect(text.hasSuffix(#" k="a\"b\\c\u000d\u000astatus=500\u007f\u001b""# + "\n"))
    #expect(text.utf8.count { $0 == 10 } == 1)
    let json = line(.json, 0, "m\n", ["k": value])
    #expect(json.hasSuffix(#""message":"m\u000a","k":"a\"b\\c\u000d\u000astatus=500\u007f\u001b"}"# + "\n"))
    #expect(line(.text, 0, "m", ["k": "", "l": "a b"]).hasSuffix(#" k="" l="a b""# + "\n"))
  }

  @Test(
    "times are right at the edges of months, years and centuries",
    // From `date -u -d @N`.
    arguments: [
      (0, "1970-01-01T00:00:00"), (951_782_399, "2000-02-28T23:59:59"), (951_782_400, "2000-02-29T00:00:00"),
      (951_868_800, "2000-03-01T00:00:00"), (1_735_689_599, "2024-12-31T23:59:59"),
      (1_735_689_600, "2025-01-01T00:00:00"), (4_107_542_400, "2100-03-01T00:00:00"),
    ])
  func times(_ second: Int, _ text: String) {
    #expect(line(.text, second * 1000 + 7, "m", [:]) == "\(text).007Z notice m\n")
  }

  @Test("a line is bounded, and whole all the same", arguments: [LogFormat.text, .json])
  func bounded(_ format: LogFormat) {
    for length in (LogLine.capacity - 120)...(LogLine.capacity + 20) {
      let long = line(
        format, 0, "m", ["k": String(repeating: "\"x\n", count: length / 3), "l": "more", "n": "more"])
      #expect(long.utf8.count <= LogLine.capacity && long.utf8.count { $0 == 10 } == 1)
      #expect(long.hasSuffix(format == .text ? "\"\n" : "\"}\n") || long.hasSuffix("=more\n"))
    }
  }
}
