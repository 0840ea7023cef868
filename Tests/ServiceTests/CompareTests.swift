import HTTP
import Service
import Testing

private let service = ConvolutionService()
private let image = "[[1,2,3,4],[5,6,7,8],[9,10,11,12]]"
private let filter = "[[1,2,1],[0,3,-1],[4,1,1]]"

extension ConvolutionService {
  fileprivate func comparison(_ more: String = "") throws -> Answer {
    try answer(
      .post, "/compare",
      #"{"image":\#(image),"filter":\#(filter),"padding":1\#(more.isEmpty ? "" : "," + more)}"#)
  }

  /// The comparison of a problem that all formulations can compute.
  fileprivate func compare(_ more: String = "") throws -> JSON {
    let answer = try comparison(more)
    try #require(answer.status == .ok, "\(answer.text)")
    return try answer.json
  }
}

/// The formulation and the storage of each member of a list.
private func names(_ list: JSON?) -> [String] {
  (list?.elements ?? []).map { "\($0["formulation"]?.string ?? "") \($0["storage"]?.string ?? "")" }
}

@Suite struct CompareTests {
  @Test("without a list all formulations and storages are compared, each with each")
  func all() throws {
    let answer = try service.compare()
    #expect(
      names(answer["formulations"]) == [
        "direct sparse", "toeplitz sparse", "toeplitz dense", "banded sparse", "banded dense",
        "im2col sparse",
        "separable sparse", "fft sparse", "winograd sparse",
      ])
    #expect(answer["left_out"] == [] && answer["equivalent"] == true && answer["result"] == nil)
    #expect(answer["shape"] == [3, 4] && answer["dtype"] == "float32" && answer["computed_in"] == nil)
    for one in answer["formulations"]?.elements ?? [] {
      #expect(one["equivalent"] == true && one["deviation"]?["from"] == "direct")
      #expect(one["reference_deviation"]?["from"] == "reference")
      #expect(one["timing"]?.keys == ["formulation_seconds", "setup_seconds"])
      #expect((one["tile"] != nil) == (one["formulation"] == "winograd"))
      #expect((one["separable"] != nil) == (one["formulation"] == "separable"))
      #expect((one["fft"] != nil) == (one["formulation"] == "fft"))
    }
    let pairs = answer["pairs"]?.elements ?? []
    let places: [JSON] = (0..<9).flatMap { first in
      (first + 1..<9).map { [.number(Double(first)), .number(Double($0))] }
    }
    #expect(pairs.map { $0["between"] } == places.map { Optional($0) })
    for pair in pairs {
      #expect(
        pair.keys == ["between", "max_abs", "max_ulp", "at", "identical", "bound", "max_over_bound"])
      #expect(try #require(pair["max_over_bound"]?.number) <= 1)
    }
    // The dot products are exact on integers.
    for pair in pairs where (pair["between"]?[1]?.number ?? 9) < 6 {
      #expect(pair["identical"] == 12 && pair["max_abs"] == 0)
    }
    #expect(
      answer["timing"]?.keys == ["direct_seconds", "reference_seconds", "decode_seconds", "total_seconds"])
  }

  @Test("what cannot compute the problem is left out with the reason, where nothing was named")
  func leftOut() throws {
    let stride = try service.compare(#""stride":2"#)
    #expect(names(stride["left_out"]) == ["winograd sparse"])
    #expect(stride["left_out"]?[0]?["reason"]?.string?.contains("stride") == true)
    #expect(names(stride["formulations"]).count == 8)
    // 12 rows of 12 entries, 4 bytes each, do not fit; the results and the reference do.
    let tight = ConvolutionService(limits: ServiceLimits(operatorBytes: 575 + 20_000))
    #expect(names(try tight.compare()["left_out"]).isEmpty)
    let dense = try ConvolutionService(limits: ServiceLimits(operatorBytes: 575)).compare()
    #expect(names(dense["left_out"]).contains("toeplitz dense"))
    #expect(
      dense["left_out"]?.elements.contains { $0["reason"]?.string?.contains("576 bytes") == true } == true)
  }

  @Test("work beyond the limit leaves out as well, and the direct computation alone must fit")
  func work() throws {
    // 12 outputs of 9 taps: 108 for the direct result, twice that for the reference, 108 once more for the direct formulation,
    // and 8·12 for its judgement.
    let service = ConvolutionService(limits: ServiceLimits(multiplyAdds: 4 * 108 + 96))
    let answer = try service.compare()
    #expect(names(answer["formulations"]) == ["direct sparse"])
    #expect(answer["left_out"]?.elements.count == 8)
    #expect(answer["left_out"]?[0]?["reason"]?.string?.contains("at most 528 are allowed") == true)
    let refused = try ConvolutionService(limits: ServiceLimits(multiplyAdds: 4 * 108 + 95)).comparison()
    #expect(refused.status == .unprocessableContent)
    #expect(try refused.json["limit"] == 527 && refused.json["actual"] == 528)
  }

  @Test("named formulations are compared in their order, by name or with options")
  func named() throws {
    let list = #"""
      ["banded",{"formulation":"toeplitz","storage":"dense"},{"formulation":"winograd","tile":2},\#
      {"formulation":"separable","rank":1},{"storage":"sparse","formulation":"winograd"}]
      """#
    let answer = try service.compare(#""formulations":\#(list),"result":true,"repeat":3"#)
    #expect(
      names(answer["formulations"]) == [
        "banded sparse", "toeplitz dense", "winograd sparse", "separable sparse", "winograd sparse",
      ])
    let found = answer["formulations"]?.elements ?? []
    #expect(found.map { $0["tile"] } == [nil, nil, 2, nil, 4] && found[3]["separable"]?["rank"] == 1)
    #expect(found[3]["equivalent"] == false && found[3]["reason"] == "beyond_bound")
    #expect(answer["equivalent"] == false && answer["pairs"]?.elements.count == 10)
    let direct = try service.solve(#"{"image":\#(image),"filter":\#(filter),"padding":1}"#)
    #expect(answer["result"] == direct["result"])
    #expect(
      found[0]["timing"]?.keys == [
        "formulation_seconds", "repeats", "formulation_minimum_seconds", "formulation_maximum_seconds",
        "setup_seconds",
      ])
    #expect(found[0]["timing"]?["repeats"] == 3)
    #expect(try service.compare(#""formulations":["im2col"],"result":false"#)["pairs"] == [])
  }

  @Test("the result is of the first, in the form that is asked for, and short types are rounded")
  func result() throws {
    let answer = try service.compare(
      #""dtype":"bfloat16","encoding":"base64","result":true,"formulations":["fft","direct"]"#)
    #expect(answer["dtype"] == "bfloat16" && answer["computed_in"] == "float32")
    #expect(answer["result"]?["dtype"] == "bfloat16" && answer["equivalent"] == true)
  }

  @Test(
    "a named formulation that cannot run is refused by its place",
    arguments: [
      (#"["direct",{"formulation":"winograd","tile":3}]"#, "/formulations/1", Int?.none, Int?.none),
      (#"[{"formulation":"separable","rank":4}]"#, "/formulations/0", 3, 4),
      (#"[{"formulation":"direct","rank":1}]"#, "/formulations/0", nil, nil),
      (#"["fft",{"formulation":"fft","storage":"dense"}]"#, "/formulations/1", nil, nil),
      (#"[]"#, "/formulations", nil, nil), (#""direct""#, "/formulations", nil, nil),
      (#"["magic"]"#, "/formulations/0", nil, nil), (#"[1]"#, "/formulations/0", nil, nil),
      (#"[{"storage":"dense"}]"#, "/formulations/0/formulation", nil, nil),
      (#"[{"formulation":"fft","size":8}]"#, "/formulations/0/size", nil, nil),
      (#"[{"formulation":"winograd","tile":0}]"#, "/formulations/0/tile", 1, 0),
      (#"["direct",{"formulation":"toeplitz","storage":"thin"}]"#, "/formulations/1/storage", nil, nil),
    ])
  func refusal(list: String, pointer: String, limit: Int?, actual: Int?) throws {
    let answer = try service.comparison(#""formulations":\#(list)"#)
    #expect(answer.status == .unprocessableContent, "\(answer.text)")
    let problem = try answer.json
    #expect(problem["pointer"] == .string(pointer), "\(answer.text)")
    #expect(problem["limit"]?.number == limit.map(Double.init), "\(answer.text)")
    #expect(problem["actual"]?.number == actual.map(Double.init), "\(answer.text)")
  }

  @Test("a matrix beyond the memory limit, too many formulations and too many bytes of results are limits")
  func limits() throws {
    var service = ConvolutionService(limits: ServiceLimits(operatorBytes: 575))
    var problem = try service.comparison(#""formulations":[{"formulation":"toeplitz","storage":"dense"}]"#)
      .json
    #expect(problem["type"] == "urn:convcheck:limit-exceeded" && problem["pointer"] == "/formulations/0")
    #expect(problem["limit"] == 575 && problem["actual"] == 576)
    // The direct result and the result take 48 bytes each, the reference 288.
    service = ConvolutionService(limits: ServiceLimits(operatorBytes: 383))
    problem = try service.comparison(#""formulations":["banded"]"#).json
    #expect(problem["pointer"] == "/formulations" && problem["limit"] == 383 && problem["actual"] == 384)
    let many = Array(repeating: #""direct""#, count: 33).joined(separator: ",")
    problem = try service.comparison(#""formulations":[\#(many)]"#).json
    #expect(problem["pointer"] == "/formulations/32" && problem["limit"] == 32)
  }

  @Test(
    "fields of POST /convolve that a comparison has in its list, and unknown ones, are refused",
    arguments: ["formulation", "storage", "rank", "tile", "report", "upstream", "images"])
  func unknown(field: String) throws {
    let answer = try service.comparison("\"\(field)\":1")
    #expect(answer.status == .unprocessableContent)
    #expect(try answer.json["pointer"] == .string("/" + field))
    let detail = try #require(answer.json["detail"]?.string)
    for known in ["image", "padding_mode", "output_shape", "encoding", "formulations", "result", "repeat"] {
      #expect(detail.contains(known))
    }
  }

  @Test("it runs on a worker only")
  func place() throws {
    #expect(try service.answer(.post, "/compare", "{}", on: .loop)?.text == nil)
  }
}
