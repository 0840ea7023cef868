import Convolution
import HTTP
import Service
import Testing

private let service = ConvolutionService()
private let fields = [
  "verdict", "claim", "explained_by", "dtype", "shape", "ladder", "diagnosis", "deviation", "exact_path",
]

extension ConvolutionService {
  fileprivate func verify(_ more: String) throws -> JSON {
    let answer = try answer(.post, "/verify", Notebook.problem(more))
    try #require(answer.status == .ok, "\(answer.text)")
    return try answer.json
  }
}

private let right = "[[51,61,71,81],[101,111,121,131],[151,161,171,181],[201,211,221,231]]"
private let wrong = "[[51,61,71,81],[101,111,121,131],[151,161,170,181],[201,211,221,231]]"

@Suite struct VerifyTests {
  @Test("the right result is consistent with float32")
  func consistent() throws {
    let answer = try service.verify(#""candidate":\#(right)"#)
    #expect(answer.keys == Set(fields + ["timing"]))
    #expect(answer["verdict"] == "consistent" && answer["claim"] == "float32")
    #expect(
      answer["explained_by"] == "float32" && answer["diagnosis"] == .null && answer["dtype"] == "float32")
    #expect(answer["shape"] == [4, 4] && answer["exact_path"] == 0)
    let deviation = try #require(answer["deviation"])
    #expect(deviation["from"] == "exact" && deviation["max_abs"] == 0 && deviation["identical"] == 16)
    #expect(deviation["max_over_bound"] == 0 && deviation["condition"] == 1)
    let ladder = try #require(answer["ladder"]?.elements)
    #expect(
      ladder.map { $0["arithmetic"] } == [
        "float64", "float32", "float32_truncated", "tf32", "float16_inputs", "bfloat16_inputs", "float16",
        "bfloat16",
        "float16_accumulated", "bfloat16_accumulated",
      ])
    #expect(
      answer["timing"]?.keys == [
        "verification_seconds", "diagnosis_seconds", "decode_seconds", "total_seconds",
      ])
  }

  @Test("a wrong result is refuted, and the place named")
  func refuted() throws {
    let answer = try service.verify(#""candidate":\#(wrong)"#)
    #expect(answer["verdict"] == "refuted" && answer["refuting"] == 1 && answer["first_refuting"] == [2, 2])
    #expect(answer["deviation"]?["at"] == [2, 2] && answer["deviation"]?["max_abs"] == 1)
    #expect(answer["diagnosis"]?["mistake"] == "single_element" && answer["diagnosis"]?["also"] == [])
    #expect(answer["diagnosis"]?["at"] == [2, 2])
  }

  @Test("several candidates are verified each by itself, and held against each other")
  func several() throws {
    let answer = try service.verify(#""candidates":{"b":\#(wrong),"a":\#(right)},"map":true,"report":"full""#)
    #expect(answer.keys == ["candidates", "closest", "pairs", "timing"] && answer["closest"] == "a")
    #expect(answer["candidates"]?["a"]?["verdict"] == "consistent")
    let other = try #require(answer["candidates"]?["b"])
    #expect(other.keys == Set(fields + ["refuting", "first_refuting", "map", "measures"]))
    #expect(other["map"]?["channels"]?.elements.count == 1 && other["map"]?["rows"]?[0] == 0)
    #expect(
      other["measures"]?["ulp_histogram"]?.elements.first?["count"] == 15
        && other["measures"]?["rungs"] == nil)
    let pair = try #require(answer["pairs"]?.elements.first)
    #expect(pair == .object(["between": ["b", "a"], "max_abs": 1, "at": [2, 2], "identical": 15]))
  }

  @Test("nested candidates are numbers of the narrowest format that they can be of")
  func nestedFormats() throws {
    func dtype(_ pixel: String, _ dtype: String) throws -> JSON? {
      let body = #"{"image":[[\#(pixel)]],"filter":[[1]],"dtype":"\#(dtype)","candidate":[[\#(pixel)]]}"#
      let answer = try service.answer(.post, "/verify", body)
      #expect(try answer.json["verdict"] == "consistent", "\(answer.text)")
      return try answer.json["dtype"]
    }
    #expect(try dtype("0.5", "float16") == "float16" && dtype("0.5", "bfloat16") == "bfloat16")
    #expect(try dtype("0.1", "float16") == "float32")
    // The shortest decimal of a float32 means that number.
    #expect(try dtype("0.1", "float32") == "float32" && dtype("0.1", "float64") == "float64")
    #expect(try dtype("0.10000000001", "float32") == "float64")
  }

  @Test("the claim of a short problem is of short inputs, and the answer says in what it is computed")
  func shortClaims() throws {
    for (type, claim) in [
      ("float16", "float16_inputs"), ("bfloat16", "bfloat16_inputs"), ("float64", "float64"),
    ] {
      let answer = try service.verify(#""candidate":\#(right),"dtype":"\#(type)""#)
      #expect(answer["claim"] == .string(claim))
      #expect(answer["computed_in"] == (type == "float64" ? nil : "float32"))
    }
  }

  @Test("an infinity by base64 is located")
  func nonfinite() throws {
    let infinity = #"{"shape":[1,1],"dtype":"float32","data":"AACAfw=="}"#
    let answer = try service.answer(
      .post, "/verify", #"{"image":[[1]],"filter":[[1]],"candidate":\#(infinity)}"#)
    #expect(try answer.json["verdict"] == "refuted" && answer.json["deviation"]?["max_abs"] == .null)
    #expect(
      try answer.json["nonfinite"]
        == .object([
          "nan": 0, "positive_infinity": 1, "negative_infinity": 0, "expected": 0, "first": [0, 0],
        ]))
  }

  @Test(
    "what cannot be verified is refused where it stands",
    arguments: [
      ("", "/candidate"), (#""candidate":[[1]]"#, "/candidate"), (#""candidate":null"#, "/candidate"),
      (#""candidate":[[51,null]]"#, "/candidate/0/1"), (#""candidates":{}"#, "/candidates"),
      (#""candidates":{"a/b":[[1]]}"#, "/candidates/a~1b"), (#""candidates":[[1]]"#, "/candidates"),
      (#""candidate":[[1]],"candidates":{"a":[[1]]}"#, "/candidates"),
      (#""candidates":{"a":[[1]]},"candidate":[[1]]"#, "/candidate"),
      (#""candidate":\#(right),"claim":"float8""#, "/claim"),
      (#""candidate":\#(right),"claim":"winograd_f2""#, "/claim"),
      (#""candidate":\#(right),"formulation":"direct""#, "/formulation"),
      (#""candidate":\#(right),"map":1"#, "/map"), (#""candidate":\#(right),"report":"long""#, "/report"),
    ])
  func refusal(more: String, pointer: String) throws {
    let answer = try service.answer(.post, "/verify", Notebook.problem(more))
    #expect(answer.status == .unprocessableContent)
    #expect(try answer.json["pointer"] == .string(pointer), "\(answer.text)")
  }

  @Test("a wrong shape is told the right one, and nine candidates are too many")
  func refusalsInWords() throws {
    var answer = try service.answer(.post, "/verify", Notebook.problem(#""candidate":[[1,2]]"#))
    #expect(answer.text.contains("1×2") && answer.text.contains("4×4"))
    let nine = (1...9).map { #""c\#($0)":[[1]]"# }.joined(separator: ",")
    answer = try service.answer(.post, "/verify", Notebook.problem(#""candidates":{\#(nine)}"#))
    #expect(try answer.json["limit"] == 8 && answer.json["pointer"] == "/candidates/c9")
  }

  @Test("the error map is a picture where that is asked for")
  func picture() throws {
    let body = Notebook.problem(#""candidates":{"<&>":\#(wrong)}"#)
    let picture = try service.answer(.post, "/verify", body, fields: ["Accept": "image/svg+xml"])
    #expect(picture.status == .ok && picture.contentType == "image/svg+xml")
    #expect(picture.text.hasPrefix("<svg") && picture.text.contains("&lt;&amp;&gt;: float32 refuted"))
    for accept in ["*/*", "application/json", "image/svg+xml;q=0.5, application/json"] {
      #expect(
        try service.answer(.post, "/verify", body, fields: ["Accept": accept]).contentType
          == "application/json")
    }
    #expect(
      try service.answer(.post, "/verify", body, fields: ["Accept": "text/html"]).status == .notAcceptable)
  }

  @Test("work is limited, and it runs on a worker only")
  func limits() throws {
    let small = ConvolutionService(limits: ServiceLimits(multiplyAdds: 100))
    let answer = try small.answer(.post, "/verify", Notebook.problem(#""candidate":\#(right)"#))
    #expect(try answer.status == .unprocessableContent && answer.json["limit"] == 100)
    #expect(try service.answer(.post, "/verify", "{}", on: .loop)?.text == nil)
  }
}
