import HTTP
import Service
import Testing

private let service = ConvolutionService()

/// What a problem document must say; nil where it must not have the field.
struct Expected: Sendable {
  var kind = "limit-exceeded"
  var pointer: String?
  var limit: Int?
  var actual: Int?
}

/// Checks an answer against a 422 with exactly these fields.
private func expect(_ answer: Answer, _ expected: Expected, _ about: String) throws {
  #expect(answer.status == .unprocessableContent, "\(about)")
  #expect(answer.contentType == "application/problem+json", "\(about)")
  let problem = try answer.json
  let titles = ["invalid-field": "Invalid field", "limit-exceeded": "Limit exceeded"]
  #expect(problem["type"] == .string("urn:convcheck:\(expected.kind)"), "\(about)")
  #expect(problem["title"]?.string == titles[expected.kind] && problem["status"] == 422, "\(about)")
  #expect(problem["pointer"]?.string == expected.pointer, "\(about)")
  #expect(problem["limit"]?.number == expected.limit.map(Double.init), "\(about)")
  #expect(problem["actual"]?.number == expected.actual.map(Double.init), "\(about)")
  #expect(problem["line"] == nil && problem["column"] == nil && problem["parameter"] == nil, "\(about)")
  #expect(problem["detail"]?.string?.isEmpty == false)
}

@Suite struct ProblemTests {
  @Test(
    "a value that is no valid problem is refused with its pointer",
    arguments: [
      (#"{"filter":[[1]]}"#, "/image"), (#"{"image":[[1]]}"#, "/filter"), (#"[]"#, ""), (#""image""#, ""),
      (#"{"image":[[1,2],[3]],"filter":[[1]]}"#, "/image/1"), (#"{"image":[],"filter":[[1]]}"#, "/image"),
      (#"{"image":[[1]],"filter":[["1"]]}"#, "/filter/0/0"), (#"{"image":7,"filter":[[1]]}"#, "/image"),
      (#"{"image":[[1e39]],"filter":[[1]]}"#, "/image/0/0"),
      (#"{"image":[[1]],"filter":[[1e309]],"dtype":"float64"}"#, "/filter/0/0"),
      (#"{"image":[[1]],"filter":[[1]],"image":[[1]]}"#, "/image"), (#"{"a/b~c":1}"#, "/a~1b~0c"),
      (#"{"image":[[1]],"filter":[[[1]]]}"#, "/filter"),
      (#"{"image":[[1]],"filter":[[[[1]],[[1]]]]}"#, "/filter"),
      (#"{"image":[[[1]],[[1]]],"filter":[[1]]}"#, "/filter"),

      (Notebook.problem(#""bias":"1""#), "/bias"), (Notebook.problem(#""bias":[]"#), "/bias"),
      (Notebook.problem(#""bias":[null]"#), "/bias/0"), (Notebook.problem(#""bias":1e39"#), "/bias"),
      (Notebook.problem(#""bias":{"shape":[1],"dtype":"float64","data":"AAAAAAAA8D8="}"#), "/bias/dtype"),
      (Notebook.problem(#""padding_mode":"mirror""#), "/padding_mode"),
      (Notebook.problem(#""padding_mode":1"#), "/padding_mode"),
      (Notebook.problem(#""groups":2"#), "/groups"), (Notebook.problem(#""groups":[1]"#), "/groups"),
      (Notebook.problem(#""transposed":"yes""#), "/transposed"),
      (Notebook.problem(#""transposed":true,"padding_mode":"reflect""#), "/padding_mode"),
      (Notebook.problem(#""transposed":true,"padding":"same""#), "/padding"),
      (Notebook.problem(#""output_padding":0"#), "/output_padding"),
      (Notebook.problem(#""transposed":true,"output_padding":[1]"#), "/output_padding"),
      (Notebook.problem(#""output_shape":[6,6]"#), "/output_shape"),
      (Notebook.problem(#""transposed":true,"output_shape":6"#), "/output_shape"),
      (Notebook.problem(#""transposed":true,"output_shape":[6]"#), "/output_shape"),
      (
        Notebook.problem(#""transposed":true,"output_padding":0,"output_shape":[6,6],"padding":0"#),
        "/output_padding"
      ),
      (Notebook.problem(#""rank":1"#), "/rank"), (Notebook.problem(#""rank":"1""#), "/rank"),
      (Notebook.problem(#""formulation":"fft","rank":1"#), "/rank"),
      (Notebook.problem(#""tile":2"#), "/tile"),
      (Notebook.problem(#""formulation":"separable","tile":2"#), "/tile"),
      (Notebook.problem(#""formulation":"winograd""#), "/formulation"),
      (
        #"{"image":[[1]],"filter":[[1,2,3],[4,5,6],[7,8,9]],"padding":1,"formulation":"winograd","tile":3}"#,
        "/tile"
      ),
      (
        #"{"image":[[1]],"filter":[[1,2,3],[4,5,6],[7,8,9]],"padding":1,"formulation":"winograd","stride":2}"#,
        "/formulation"
      ),
      (
        #"{"image":[[1]],"filter":[[1,2,3],[4,5,6],[7,8,9]],"padding":2,"formulation":"winograd","dilation":2}"#,
        "/formulation"
      ),
      (Notebook.problem(#""formulation":"im2col","storage":"dense""#), "/storage"),
      (Notebook.problem(#""formulation":"separable","storage":"dense""#), "/storage"),
      (Notebook.problem(#""formulation":"fft","storage":"dense""#), "/storage"),
      (Notebook.problem(#""formulation":"winograd","storage":"dense""#), "/storage"),
      (Notebook.problem(#""upstream":[[1]]"#), "/upstream"), (Notebook.problem(#""result":true"#), "/result"),
      (Notebook.problem(#""stride":1.5"#), "/stride"),
      (Notebook.problem(#""stride":[1]"#), "/stride"), (Notebook.problem(#""stride":"1""#), "/stride"),
      (Notebook.problem(#""padding":[1,2,3]"#), "/padding"),
      (Notebook.problem(#""padding":"full""#), "/padding"),
      (Notebook.problem(#""padding":"same","stride":2"#), "/padding"),
      (Notebook.problem(#""formulation":"magic""#), "/formulation"),
      (Notebook.problem(#""storage":"cloud""#), "/storage"),
      (Notebook.problem(#""formulation":"direct","storage":"dense""#), "/storage"),
      (Notebook.problem(#""dtype":"float8""#), "/dtype"), (Notebook.problem(#""report":"long""#), "/report"),
      (Notebook.problem(#""encoding":"hex""#), "/encoding"), (Notebook.problem(#""flip":1"#), "/flip"),
      (Notebook.problem(#""repeat":"2""#), "/repeat"),
      (
        #"{"image":{"shape":[1,1],"dtype":"float64","data":"AAAAAAAA8D8="},"filter":[[1]],"dtype":"float32"}"#,
        "/image/dtype"
      ),
      (#"{"image":[[1]],"filter":{"shape":[1,1],"dtype":"float32","data":"AACA"}}"#, "/filter/data"),
      (#"{"image":[[1]],"filter":{"shape":[1,1],"dtype":"float32","data":"!ACAPw=="}}"#, "/filter/data"),
    ])
  func invalid(body: String, pointer: String) throws {
    try expect(service.convolve(body), Expected(kind: "invalid-field", pointer: pointer), body)
  }

  @Test(
    "a value of a wrong kind is answered with all forms it can have",
    arguments: [
      (#""stride":"1""#, "one integer or [vertical, horizontal] is expected"),
      (#""dilation":[1]"#, "one integer or [vertical, horizontal] is expected"),
      (
        #""padding":true"#,
        #"[top, left, bottom, right], "valid", "same", "same_upper" or "same_lower" is expected"#
      ),
      (
        #""padding":"full""#,
        #"[top, left, bottom, right], "valid", "same", "same_upper" or "same_lower" is expected"#
      ),
    ])
  func forms(field: String, expected: String) throws {
    let detail = try #require(service.convolve(Notebook.problem(field)).json["detail"]?.string)
    #expect(detail.contains(expected), "\(detail)")
  }

  @Test(
    "a passed limit is named, with what came instead",
    arguments: [
      (Notebook.problem(#""repeat":1001"#), Expected(pointer: "/repeat", limit: 1000, actual: 1001)),
      (Notebook.problem(#""repeat":0"#), Expected(pointer: "/repeat", limit: 1, actual: 0)),
      (Notebook.problem(#""padding":-1"#), Expected(pointer: "/padding", limit: 0, actual: -1)),
      (Notebook.problem(#""padding":[0,0,0,-2]"#), Expected(pointer: "/padding/3", limit: 0, actual: -2)),
      (Notebook.problem(#""padding":[-2,1]"#), Expected(pointer: "/padding/0", limit: 0, actual: -2)),
      (Notebook.problem(#""stride":0"#), Expected(pointer: "/stride", limit: 1, actual: 0)),
      (Notebook.problem(#""stride":[1,0]"#), Expected(pointer: "/stride/1", limit: 1, actual: 0)),
      (Notebook.problem(#""dilation":-3"#), Expected(pointer: "/dilation", limit: 1, actual: -3)),
      (Notebook.problem(#""dilation":[0,1]"#), Expected(pointer: "/dilation/0", limit: 1, actual: 0)),
      (#"{"image":[[1]],"filter":[[1,2],[3,4]]}"#, Expected(pointer: "/filter", limit: 1, actual: 2)),
      (Notebook.problem(#""bias":[1,2]"#), Expected(pointer: "/bias", limit: 1, actual: 2)),
      (Notebook.problem(#""groups":0"#), Expected(pointer: "/groups", limit: 1, actual: 0)),
      (Notebook.problem(#""rank":0"#), Expected(pointer: "/rank", limit: 1, actual: 0)),
      (
        Notebook.problem(#""formulation":"separable","rank":3"#),
        Expected(pointer: "/rank", limit: 2, actual: 3)
      ),
      (Notebook.problem(#""tile":0"#), Expected(pointer: "/tile", limit: 1, actual: 0)),
      (
        Notebook.problem(#""padding":[0,5],"padding_mode":"reflect""#),
        Expected(pointer: "/padding", limit: 4, actual: 5)
      ),
      (
        Notebook.problem(#""padding":6,"padding_mode":"circular""#),
        Expected(pointer: "/padding", limit: 5, actual: 6)
      ),
      (
        Notebook.problem(#""transposed":true,"stride":3,"output_padding":3"#),
        Expected(pointer: "/output_padding", limit: 2, actual: 3)
      ),
      (
        Notebook.problem(#""output_padding":[0,-1]"#),
        Expected(pointer: "/output_padding/1", limit: 0, actual: -1)
      ),
      (
        Notebook.problem(#""output_shape":[0,1]"#), Expected(pointer: "/output_shape/0", limit: 1, actual: 0)
      ),
      (
        Notebook.problem(#""transposed":true,"output_shape":[7,6]"#),
        Expected(pointer: "/output_shape", limit: 6, actual: 7)
      ),
      (
        Notebook.problem(#""transposed":true,"padding":3"#),
        Expected(pointer: "/padding", limit: 5, actual: 6)
      ),
      (Notebook.problem(#""dilation":5"#), Expected(pointer: "/filter", limit: 5, actual: 6)),
      (
        Notebook.problem(#""padding":4294967296"#),
        Expected(pointer: "/padding", limit: 2_147_483_647, actual: 4_294_967_296)
      ),
      (
        Notebook.problem(#""padding":5000"#),
        Expected(pointer: "/image", limit: 1 << 24, actual: 10_004 * 10_004)
      ),
    ])
  func limits(body: String, expected: Expected) throws {
    try expect(service.convolve(body), expected, body)
  }

  @Test("a tensor with more elements than the limit is refused where it stands, one with as many is not")
  func tensorElements() throws {
    let service = ConvolutionService(limits: ServiceLimits(tensorElements: 25))
    #expect(try service.solve(Notebook.problem())["result"] == Notebook.result)
    try expect(
      service.convolve(Notebook.problem(#""padding":1"#)), Expected(pointer: "/image", limit: 25, actual: 36),
      "a result of 6×6")
    let tight = ConvolutionService(limits: ServiceLimits(tensorElements: 24))
    let nested = try tight.convolve(Notebook.problem()).json
    #expect(nested["type"] == "urn:convcheck:limit-exceeded" && nested["limit"] == 24)
    #expect(nested["pointer"]?.string?.hasPrefix("/image") == true)
    let object = #"{"filter":[[1]],"image":{"shape":[5,5],"dtype":"float32","data":""}}"#
    try expect(tight.convolve(object), Expected(pointer: "/image/shape", limit: 24, actual: 25), object)
  }

  @Test(
    "an image that its padding would make larger than a tensor may be is refused, where the padding is made")
  func paddedImage() throws {
    let service = ConvolutionService(limits: ServiceLimits(tensorElements: 48))
    let padded = Notebook.problem(#""padding":1,"stride":6,"padding_mode":"replicate""#)
    try expect(service.convolve(padded), Expected(pointer: "/padding", limit: 48, actual: 49), padded)
    #expect(try service.solve(Notebook.problem(#""padding":1,"stride":6"#))["shape"] == [1, 1])
    #expect(
      try ConvolutionService(limits: ServiceLimits(tensorElements: 49)).solve(padded)["shape"] == [1, 1])
  }

  @Test("a matrix beyond the memory limit is refused with its bytes and the storage that would do")
  func operatorBytes() throws {
    // 16 rows of 25 entries, 4 bytes each.
    let dense = Notebook.problem(#""formulation":"toeplitz","storage":"dense""#)
    let fitting = ConvolutionService(limits: ServiceLimits(operatorBytes: 1600))
    #expect(try fitting.solve(dense)["result"] == Notebook.result)
    let tight = ConvolutionService(limits: ServiceLimits(operatorBytes: 1599))
    let answer = try tight.convolve(dense)
    try expect(answer, Expected(pointer: "/storage", limit: 1599, actual: 1600), dense)
    #expect(try answer.json["detail"]?.string?.hasSuffix("; storage \"sparse\" fits.") == true)
    let wide = Notebook.problem(#""formulation":"toeplitz","storage":"dense","dtype":"float64""#)
    try expect(tight.convolve(wide), Expected(pointer: "/storage", limit: 1599, actual: 3200), wide)
  }

  @Test("the dense matrix of a 256×256 image and a 3×3 filter is refused with its 16.91 GB")
  func honestSize() throws {
    let row = "[" + Array(repeating: "0", count: 256).joined(separator: ",") + "]"
    let image = "[" + Array(repeating: row, count: 256).joined(separator: ",") + "]"
    let body =
      #"{"image":\#(image),"filter":[[1,1,1],[1,1,1],[1,1,1]],"formulation":"toeplitz","storage":"dense"}"#
    try expect(
      service.convolve(body), Expected(pointer: "/storage", limit: 1 << 30, actual: 16_912_482_304),
      "256×256 with 3×3")
  }

  @Test("work is counted with repeats, direct computation and reference, and limited")
  func work() throws {
    let service = ConvolutionService(limits: ServiceLimits(multiplyAdds: 64 * 5))
    #expect(try service.solve(Notebook.problem(#""repeat":2"#))["result"] == Notebook.result)
    try expect(
      service.convolve(Notebook.problem(#""repeat":3"#)), Expected(limit: 320, actual: 384), "three repeats")
    // The dense matrix takes 16 · 25 multiply-adds each time.
    try expect(
      service.convolve(Notebook.problem(#""formulation":"toeplitz","storage":"dense""#)),
      Expected(limit: 320, actual: 592), "dense")
  }

  @Test(
    "a body that is no JSON is refused with line, column and offset",
    arguments: [
      ("", 1, 1, 0), ("{", 1, 2, 1), ("{\n  \"image\": [[1,\n 2,]]}", 3, 4, 21), ("nul", 1, 4, 3),
      (#"{"image":[[NaN]],"filter":[[1]]}"#, 1, 12, 11), (#"{"é":?}"#, 1, 6, 6), ("{}x", 1, 3, 2),
    ])
  func malformed(body: String, line: Int, column: Int, offset: Int) throws {
    let answer = try service.convolve(body)
    #expect(answer.status == .badRequest && answer.contentType == "application/problem+json")
    let problem = try answer.json
    #expect(problem["type"] == "urn:convcheck:malformed-json" && problem["title"] == "Malformed JSON")
    #expect(problem["line"]?.number == Double(line), "\(body): \(answer.text)")
    #expect(problem["column"]?.number == Double(column), "\(body): \(answer.text)")
    #expect(problem["offset"]?.number == Double(offset), "\(body): \(answer.text)")
    #expect(problem["pointer"] == nil)
    #expect(problem["detail"]?.string?.hasSuffix("(line \(line), column \(column)).") == true)
  }

  @Test("a wrong value in front of broken grammar is answered as broken grammar")
  func malformedBehindInvalid() throws {
    for wrong in [#""image":5"#, #""unknown":1"#, #""repeat":0"#, #""image":[[1],[2,3]]"#] {
      let answer = try service.convolve("{\(wrong),\"filter\":[[1]")
      #expect(answer.status == .badRequest, "\(wrong)")
      #expect(try answer.json["type"] == "urn:convcheck:malformed-json")
    }
    #expect(try service.convolve(#"{"image":5,"filter":[[1]]}"#).status == .unprocessableContent)
  }

  @Test("an invalid value says at which byte it stands")
  func offset() throws {
    #expect(try service.convolve(#"{"image":[[1]],"filter":[[1]],"flip":1}"#).json["offset"] == 37)
  }
}
