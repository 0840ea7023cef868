import HTTP
import Service
import Testing

/// POST /recognize without a server.
@Suite struct RecognizeTests {
  let service = ConvolutionService()

  func recognize(_ body: String) throws -> Answer {
    try service.answer(.post, "/recognize", body, fields: ["Content-Type": "application/json"])
  }

  @Test("a matrix of two taps is a convolution, in any of its forms, asked any number of times")
  func forms() throws {
    for matrix in [
      "[[1,2,0],[0,1,2]]", #"{"shape":[2,3],"dtype":"float16","data":"ADwAQAAAAAAAPABA"}"#,
      #"{"values":[1,2,1,2],"rows":2,"columns":3,"row_pointers":[0,2,4],"column_indices":[0,1,1,2]}"#,
      #"{"rows":2,"columns":3,"row_pointers":[0,3,5],"column_indices":[0,1,2,1,2],"values":[1,2,0,1,2]}"#,
    ] {
      for _ in 0..<20 {
        let answer = try recognize(#"{"matrix":\#(matrix),"image":[1,3],"output":[1,2]}"#)
        let json = try answer.json
        #expect(json["verdict"] == "convolution", "\(answer.text)")
        #expect(json["filter"] == [[1, 2]])
        #expect(json["padding"] == [0, 0, 0, 0])
        #expect(json["violations"] == 0)
      }
    }
  }

  @Test("a broken tie is named with what was expected")
  func violated() throws {
    let json = try recognize(
      #"{"matrix":[[1,2,0,0],[0,1,2,0],[0,0,1,5]],"image":[1,4],"output":[1,3]}"#
    ).json
    #expect(json["verdict"] == "violated")
    let violation = try #require(json["violation"])
    #expect(violation["kind"] == "tie_broken")
    #expect(violation["row"] == 2 && violation["column"] == 3)
    #expect(violation["tap"] == [0, 1])
    #expect(violation["expected"] == 2 && violation["actual"] == 5)
  }

  @Test("indices and lengths that lie are refused where they stand, and nothing is allocated for them")
  func lies() throws {
    for (parts, pointer) in [
      (
        #""rows":9223372036854775807,"columns":1,"row_pointers":[0],"column_indices":[],"values":[]"#,
        "/matrix/rows"
      ),
      (#""rows":16777216,"columns":16777216,"row_pointers":[0],"column_indices":[],"values":[]"#, "/matrix"),
      (
        #""rows":1,"columns":3,"row_pointers":[0,9],"column_indices":[0],"values":[1]"#,
        "/matrix/row_pointers/1"
      ),
      (
        #""rows":1,"columns":3,"row_pointers":[0,1],"column_indices":[3],"values":[1]"#,
        "/matrix/column_indices/0"
      ),
      (#""rows":1,"columns":3,"row_pointers":[0,1],"column_indices":[0],"values":[]"#, "/matrix"),
    ] {
      let answer = try recognize(#"{"matrix":{\#(parts)},"image":[1,3]}"#)
      #expect(answer.status == .unprocessableContent)
      #expect(try answer.json["pointer"]?.string == pointer, "\(answer.text)")
    }
  }

  @Test("a search that takes too long is refused with its limit")
  func work() throws {
    let small = ConvolutionService(limits: ServiceLimits(multiplyAdds: 3))
    let answer = try small.answer(
      .post, "/recognize", #"{"matrix":[[1,1,1,1],[1,1,1,1]],"image":[1,4],"output":[1,2]}"#,
      fields: ["Content-Type": "application/json"])
    #expect(try answer.json["type"] == "urn:convcheck:limit-exceeded")
    #expect(try answer.json["limit"] == 3)
  }
}
