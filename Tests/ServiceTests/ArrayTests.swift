import Buffers
import Convolution
import HTTP
import Service
import TensorCoding
import Testing

/// POST /convolve with images and results in NumPy's file format, without a server.
@Suite struct ArrayTests {
  let service = ConvolutionService()

  private func file(_ rows: [[Double]]) -> [UInt8] {
    var file = ByteBuffer()
    file.append(numPy: Tensor(rows))
    return Array(file.elements)
  }

  private func ask(
    _ query: String, _ body: [UInt8], accept: String = "*/*", on place: Place = .worker
  ) throws -> Answer? {
    try service.answer(
      .post, "/convolve" + query, bytes: body,
      fields: ["Content-Type": "application/x-npy", "Accept": accept],
      on: place)
  }

  @Test("an image as a file has its other fields in the query, on the loop as well as on a worker")
  func image() throws {
    for place in [Place.loop, .worker] {
      for filter in ["[[1,2],[3,4]]", "%5b%5B1,2%5D,%20[3,+4]]", "[[1.0e0,2],[3,4]]"] {
        let answer = try #require(
          try ask("?filter=\(filter)&encoding=json&dtype=float64", file([[1, 2, 3], [4, 5, 6]]), on: place))
        #expect(try answer.json["result"] == [[37, 47]] && answer.contentType == "application/json")
        #expect(try answer.json["dtype"] == "float64")
      }
    }
    let biased = try #require(
      try ask("?filter=[[1]]&bias=[0.5]&stride=1x2&padding=0x1&encoding=json", file([[1, 2, 3]])))
    #expect(try biased.json["result"] == [[0.5, 2.5, 0.5]])
  }

  @Test("a large file is sent to a worker")
  func large() throws {
    let rows = [[Double]](repeating: [Double](repeating: 1, count: 64), count: 64)
    #expect(try ask("?filter=[[1]]", file(rows), on: .loop) == nil)
    #expect(try ask("?filter=[[1]]", file(rows))?.status == .ok)
  }

  @Test("the result alone is a file, with the verdict in the head")
  func result() throws {
    for accept in ["application/x-npy", "application/json;q=0.1, application/*;q=0.2, application/x-npy"] {
      let body = Array(#"{"image":[[1,2,3]],"filter":[[1,1]]}"#.utf8)
      let head = try RequestHead(
        .post, "/convolve", fields: ["Content-Type": "application/json", "Accept": accept])
      body.withUnsafeBytes { bytes in
        var expected = ByteBuffer()
        expected.append(numPy: Tensor<Float>([[3, 5]]))
        var isExpected = false
        if let response = service.response(to: Request(head: head, body: bytes), on: .worker) {
          isExpected = response.body.elements.elementsEqual(expected.elements)
        }
        #expect(isExpected)
      }
      let answer = try service.answer(
        .post, "/convolve", String(decoding: body, as: UTF8.self),
        fields: ["Content-Type": "application/json", "Accept": accept])
      #expect(answer.contentType == "application/x-npy")
      #expect(answer.fields["X-Equivalent"] == "true" && answer.fields["X-Max-Deviation"] == "0")
      #expect(
        answer.fields["Vary"] == "Accept" && answer.fields["Server-Timing"]?.contains("total;dur=") == true)
    }
    let json = try #require(try ask("?filter=[[1]]", file([[1]]), accept: "application/*"))
    #expect(json.contentType == "application/json" && json.fields["X-Equivalent"] == nil)
  }

  @Test(
    "what is wrong in the query names its parameter, what is wrong in the file points to the image",
    arguments: [
      ("", "filter"), ("?filter=[[1]", "filter"), ("?filter=[[1]]%", "filter"), ("?filter=[[1]]%4", "filter"),
      ("?filter=[[1]]%GG", "filter"), ("?filter=[[1]]&filter=[[1]]", "filter"), ("?filter=%C3%28", "filter"),
      ("?filter=[[1,1,1]]", "filter"), ("?filter=[[1]]&padding=1&padding_mode=reflect", "padding"),
      ("?filter=[[1]]&formulation=winograd", "formulation"), ("?filter=[[1]]&rank=1", "rank"),
      ("?filter=[[1]]&bias=[1,2]", "bias"), ("?filter=[[1]]&image=1x1", "image"),
    ])
  func parameters(query: String, name: String) throws {
    let answer = try #require(try ask(query, file([[1, 2]])))
    #expect(answer.status == .unprocessableContent)
    #expect(try answer.json["parameter"]?.string == name, "\(query): \(answer.text)")
    #expect(try answer.json["pointer"] == nil)
  }

  @Test("float64 is not narrowed unasked, and a file with any byte changed is answered in one way or another")
  func narrowing() throws {
    let answer = try #require(try ask("?filter=[[1]]&dtype=float32", file([[1, 2]])))
    #expect(try answer.json["pointer"] == "/image" && answer.text.contains("not narrowed"))
    let whole = file([[1, 2]])
    for index in whole.indices {
      for change: UInt8 in [1, 16, 128] {
        var other = whole
        other[index] ^= change
        let status = try ask("?filter=[[1]]", other)?.status
        #expect(status == .ok || status == .badRequest || status == .unprocessableContent)
      }
    }
  }
}
