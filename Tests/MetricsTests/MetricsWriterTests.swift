import Buffers
import Metrics
import Testing

private func text(_ write: (inout MetricsWriter) -> Void) -> String {
  var writer = MetricsWriter()
  write(&writer)
  let buffer = writer.finish()
  return String(decoding: buffer.elements, as: UTF8.self)
}

@Suite struct MetricsWriterTests {
  @Test("a family has its HELP and TYPE before its samples")
  func family() {
    let written = text { writer in
      writer.family("a_total", .counter, "How many.")
      writer.sample(value: 7)
      writer.sample(("b", "x"), ("c", "y"), value: -1)
      writer.sample(nanoseconds: 1_000_000_001)
    }
    #expect(
      written
        == "# HELP a_total How many.\n# TYPE a_total counter\na_total 7\na_total{b=\"x\",c=\"y\"} -1\na_total 1.000000001\n"
    )
  }

  @Test("backslashes and line feeds are escaped everywhere, quotation marks in labels alone")
  func escapes() {
    let written = text { writer in
      writer.family("a", .gauge, "one \\ \"two\"\nthree")
      writer.sample(("b", "one \\ \"two\"\nthree"), value: 1)
    }
    #expect(
      written
        == #"# HELP a one \\ "two"\nthree"# + "\n# TYPE a gauge\n" + #"a{b="one \\ \"two\"\nthree"} 1"# + "\n"
    )
  }

  @Test("a histogram's buckets add up, and its bounds are seconds without zeros at the end")
  func histogram() {
    let written = text { writer in
      writer.family("d_seconds", .histogram, "x")
      writer.histogram(
        ("r", "/a"), bounds: [100_000, 1_000_000_000, 30_500_000_000], counts: [1, 0, 2, 4], sum: 5_000_000)
    }
    #expect(
      written.split(separator: "\n").dropFirst(2) == [
        #"d_seconds_bucket{r="/a",le="0.0001"} 1"#, #"d_seconds_bucket{r="/a",le="1"} 1"#,
        #"d_seconds_bucket{r="/a",le="30.5"} 3"#, #"d_seconds_bucket{r="/a",le="+Inf"} 7"#,
        #"d_seconds_sum{r="/a"} 0.005000000"#, #"d_seconds_count{r="/a"} 7"#,
      ])
  }

  @Test("counters count apart, from many calls")
  func counters() {
    let table = CounterTable(count: 3)
    for _ in 0..<10 { table.add(at: 1) }
    table.add(5, at: 2)
    #expect([table[0], table[1], table[2]] == [0, 10, 5])
  }
}
