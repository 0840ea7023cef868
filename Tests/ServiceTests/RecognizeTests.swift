import Buffers
import Convolution
import HTTP
import Service
import TensorCoding
import Testing

/// POST /recognize without a server.
@Suite struct RecognizeTests {
  let service = ConvolutionService()

  func recognize(_ body: String) throws -> Answer {
    try service.post("/recognize", body)
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

  /// What is answered to a matrix as `numpy.save` writes it.
  func recognize(_ matrix: [[Double]], query: String, type: String = "application/x-npy") throws -> Answer {
    var file = ByteBuffer()
    file.append(numPy: Tensor(matrix))
    let answer = try service.answer(
      .post, "/recognize" + query, bytes: Array(file.elements), fields: ["Content-Type": type], on: .worker)
    return try #require(answer)
  }

  @Test("a matrix in NumPy's format has its other fields in the query, with the same answer")
  func array() throws {
    let matrix: [[Double]] = [[1, 2, 0], [0, 1, 2]]
    for type in ["application/x-npy", "Application/X-NPY; a=b"] {
      let json = try recognize(matrix, query: "?image=1x3&output=1x2&encoding=json", type: type).json
      #expect(json["verdict"] == "convolution" && json["filter"] == [[1, 2]])
    }
    let transposed = try recognize(
      [[1, 0], [10, 0], [0, 1], [0, 10]], query: "?image=1x2&output=1x4&transposed=true&tolerance=0e+0"
    ).json
    #expect(transposed["stride"] == [1, 2] && transposed["transposed"] == true)
    let noisy = try recognize([[1, 2, 0], [0, 1.001, 2]], query: "?image=1x3&output=1x2&tolerance=1e-2").json
    #expect(noisy["verdict"] == "approximate" && noisy["tolerance"] == 0.01)
  }

  @Test(
    "a parameter that is wrong is named",
    arguments: [
      ("", "image"), ("?image=3", "image"), ("?image=1x1x1x3", "image"), ("?image=[1,3]", "image"),
      ("?image=1x4", "image"), ("?image=65536x65536", "image"), ("?image=1x3&image=1x3", "image"),
      ("?image=2147483647x2147483647x2147483647", "image"), ("?image=99999999999999999999x1", "image"),
      ("?image=1x3&output=1x3", "output"), ("?image=1x3&transposed=true", "output"),
      ("?image=1x3&transposed=1", "transposed"), ("?image=1x3&tolerance=1", "tolerance"),
      ("?image=1x3&tolerance=", "tolerance"), ("?image=1x3&tolerance=nan", "tolerance"),
      ("?image=1x3&tolerance=1e999", "tolerance"), ("?image=1x3&tolerance=0x1", "tolerance"),
      ("?image=1x3&encoding=npy", "encoding"), ("?image=1x3&matrix=1", "matrix"),
      ("?image=1x3&stride=1", "stride"),
    ])
  func parameters(query: String, name: String) throws {
    let answer = try recognize([[1, 2, 0], [0, 1, 2]], query: query)
    #expect(answer.status == .unprocessableContent, "\(answer.text)")
    let json = try answer.json
    #expect(json["parameter"]?.string == name && json["pointer"] == nil, "\(answer.text)")
  }

  @Test("a body that is no such file is malformed with its place; one with a wrong matrix says what is wrong")
  func badArrays() throws {
    func ask(_ bytes: [UInt8], path: String = "/recognize?image=1x1") throws -> Answer {
      try #require(
        try service.answer(
          .post, path, bytes: bytes, fields: ["Content-Type": "application/x-npy"], on: .worker))
    }
    for bytes in [[], Array("{\"matrix\":[[1]]}".utf8), [0x93, 0x4E]] as [[UInt8]] {
      let answer = try ask(bytes)
      #expect(answer.status == .badRequest)
      #expect(try answer.json["type"] == "urn:convcheck:malformed-npy")
      #expect(try answer.json["title"] == "Malformed .npy file")
    }
    #expect(try ask([0x93, 0x4E]).json["offset"] == 2)
    for (values, words) in [([.nan], "not a finite number"), ([1, .infinity], "not a finite number")]
      as [([Double], String)]
    {
      let answer = try recognize([values], query: "?image=1x\(values.count)")
      #expect(answer.status == .unprocessableContent && answer.text.contains(words), "\(answer.text)")
      #expect(try answer.json["pointer"] == "/matrix")
    }
    var cube = ByteBuffer()
    cube.append(numPy: Tensor<Float>(shape: Shape(1, 1, 1, 1), repeating: 1))
    let answer = try ask(Array(cube.elements))
    #expect(try answer.json["pointer"] == "/matrix" && answer.text.contains("2 dimensions are expected"))
    let small = ConvolutionService(limits: ServiceLimits(tensorElements: 5))
    var file = ByteBuffer()
    file.append(numPy: Tensor<Double>([[1, 2, 0], [0, 1, 2]]))
    let large = try small.answer(
      .post, "/recognize?image=1x3", bytes: Array(file.elements),
      fields: ["Content-Type": "application/x-npy"], on: .worker)
    #expect(try large?.json["limit"] == 5 && large?.json["actual"] == 6)
  }

  @Test("only a path that takes such a file is sent one")
  func otherPaths() throws {
    for path in ["/compare", "/gradients", "/verify", "/prove", "/operator"] {
      let answer = try service.answer(.post, path, "", fields: ["Content-Type": "application/x-npy"])
      #expect(answer.status == .unsupportedMediaType && answer.fields["Accept"] == "application/json")
    }
    let answer = try service.answer(.post, "/recognize", "", fields: ["Content-Type": "text/plain"])
    #expect(answer.status == .unsupportedMediaType)
    #expect(answer.fields["Accept"] == "application/json, application/x-npy")
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
