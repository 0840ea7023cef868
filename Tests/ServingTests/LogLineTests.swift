import Buffers
import Serving
import Testing

private func line(
  _ format: LogFormat, _ milliseconds: Int, _ message: String, _ fields: KeyValuePairs<String, String>
)
  -> String
{
  var bytes = ByteBuffer()
  let line = LogLine(format, "notice", message, unixMilliseconds: milliseconds, in: &bytes)
  for (key, value) in fields { line.field(key, value, in: &bytes) }
  line.end(in: &bytes)
  return String(decoding: bytes.elements, as: UTF8.self)
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
}
