import HTTP
import Service
import Testing

private let service = ConvolutionService()

@Suite struct BenchmarkRouteTests {
  @Test("every formulation and storage has a row, with its costs and its times in order")
  func rows() throws {
    let answer = try service.answer(.get, "/benchmark?image=8x9&filter=3x2&iterations=3&dtype=float64")
    #expect(answer.status == .ok && answer.contentType == "application/json")
    let table = try answer.json
    #expect(table["image"] == [8, 9] && table["filter"] == [3, 2] && table["dtype"] == "float64")
    let rows = table["rows"]?.elements ?? []
    let names = rows.map { "\($0["formulation"]?.string ?? "") \($0["storage"]?.string ?? "")" }
    #expect(
      names == [
        "direct sparse", "toeplitz sparse", "toeplitz dense", "banded sparse", "banded dense",
        "im2col sparse",
        "separable sparse", "fft sparse", "winograd sparse",
      ])
    // 6·8 outputs, 3·2 taps, 8·9 pixels.
    let work = rows.prefix(6).map { $0["multiply_adds"]?.number }
    #expect(work == [288, 288, 48 * 72, 288, 2 * 6 * 8 * 8, 288])
    #expect(rows[2]["bytes"] == 27_648 && rows[4]["stored_entries"] == 96)
    #expect(rows[8]["refused"]?.string?.contains("3×3 and 5×5") == true)
    for row in rows.dropLast() {
      let iterations = try #require(row["iterations"]?.number)
      #expect(iterations >= 1 && iterations <= 3)
      let least = try #require(row["minimum_seconds"]?.number)
      let middle = try #require(row["median_seconds"]?.number)
      let late = try #require(row["percentile95_seconds"]?.number)
      #expect(least <= middle && middle <= late)
      #expect(row["refused"] == nil && row["max_deviation"]?.number != nil)
    }
  }

  @Test("the parameters but the two sizes may be left out, and stand in any order")
  func defaults() throws {
    let table = try service.answer(.get, "/benchmark?filter=1x1&image=2x2").json
    #expect(table["dtype"] == "float32" && table["image"] == [2, 2] && table["filter"] == [1, 1])
  }

  @Test("a formulation whose matrix is too large is refused in its row, the others run")
  func refusedRow() throws {
    let service = ConvolutionService(limits: ServiceLimits(operatorBytes: 2000))
    let table = try service.answer(.get, "/benchmark?image=8x8&filter=3x3&iterations=1").json
    let rows = table["rows"]?.elements ?? []
    #expect(rows.count == 9)
    for row in rows { #expect((row["refused"] != nil) == ((row["bytes"]?.number ?? 0) > 2000)) }
    #expect(rows[2]["refused"]?.string?.contains("9216 bytes") == true)
    #expect(rows[2]["iterations"] == nil && rows[2]["bytes"] == 9216)
  }

  @Test("the work of all rows together stays within the limit")
  func work() throws {
    // 36·9 multiply-adds for a sparse row, more for others; two applications of each of nine share the limit.
    let service = ConvolutionService(limits: ServiceLimits(multiplyAdds: 18 * 324))
    let rows =
      try service.answer(.get, "/benchmark?image=8x8&filter=3x3&iterations=1").json["rows"]?.elements ?? []
    #expect(rows.prefix(6).map { $0["refused"] != nil } == [false, false, true, false, true, false])
    for row in rows { #expect((row["refused"] != nil) == ((row["multiply_adds"]?.number ?? 0) > 324)) }
  }

  @Test(
    "a wrong query is refused with the parameter's name",
    arguments: [
      ("", "image"), ("?filter=3x3", "image"), ("?image=8x8", "filter"),
      ("?image=8x8&filter=3x3&padding=1", "padding"), ("?image=8x8&image=8x8&filter=3x3", "image"),
      ("?image=8&filter=3x3", "image"), ("?image=8x&filter=3x3", "image"), ("?image=x8&filter=3x3", "image"),
      ("?image=8x8x8&filter=3x3", "image"), ("?image=+8x8&filter=3x3", "image"),
      ("?image=-8x8&filter=3x3", "image"), ("?image&filter=3x3", "image"),
      ("?image=8.0x8&filter=3x3", "image"),
      ("?image=8x8&filter=3%783", "filter"), ("?image=99999999999999999999x8&filter=3x3", "image"),
      ("?image=4294967296x8&filter=3x3", "image"), ("?image=0x8&filter=3x3", "image"),
      ("?image=8x8&filter=3x0", "filter"), ("?image=8x8&filter=9x3", "filter"),
      ("?image=100000x100000&filter=1x1", "image"), ("?image=8x8&filter=3x3&iterations=0", "iterations"),
      ("?image=8x8&filter=3x3&iterations=1001", "iterations"),
      ("?image=8x8&filter=3x3&iterations=many", "iterations"),
      ("?image=8x8&filter=3x3&dtype=float16", "dtype"),
      ("?image=8x8&filter=3x3&Dtype=float32", "Dtype"), ("?=1&image=8x8&filter=3x3", ""),
    ])
  func wrongQuery(query: String, parameter: String) throws {
    let answer = try service.answer(.get, "/benchmark" + query)
    #expect(answer.status == .unprocessableContent && answer.contentType == "application/problem+json")
    let problem = try answer.json
    #expect(problem["type"] == "urn:convcheck:invalid-field" && problem["title"] == "Invalid field")
    #expect(problem["parameter"] == .string(parameter) && problem["pointer"] == nil, "\(answer.text)")
    #expect(problem["detail"]?.string?.hasPrefix("The query parameter \(parameter) ") == true)
  }
}
