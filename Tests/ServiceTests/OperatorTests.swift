import HTTP
import Service
import Testing

/// POST /operator without a server.
@Suite struct OperatorTests {
  let service = ConvolutionService()

  func ask(_ body: String, accept: String = "*/*") throws -> Answer {
    try service.answer(
      .post, "/operator", body, fields: ["Content-Type": "application/json", "Accept": accept])
  }

  @Test("the notebook's 16×25 matrix has 64 nonzeros, 336 fixed zeros and 60 ties")
  func statistics() throws {
    let statistics = try #require(try ask(#"{"image":[5,5],"filter":[[1,2],[3,4]]}"#).json["statistics"])
    #expect(statistics["rows"] == 16 && statistics["columns"] == 25)
    #expect(statistics["nonzeros"] == 64 && statistics["fixed_zeros"] == 336 && statistics["ties"] == 60)
  }

  @Test("entries, compressed rows and a rotated filter agree with the definition, any number of times")
  func matrices() throws {
    for _ in 0..<20 {
      let entries = try ask(#"{"image":[1,3],"filter":[[1,2]],"form":"entries"}"#).json
      #expect(entries["matrix"] == [[1, 2, 0], [0, 1, 2]])
      let flipped = try ask(#"{"image":[[7,8,9]],"filter":[[1,2]],"flip":true,"form":"csr"}"#).json["matrix"]
      #expect(flipped?["row_pointers"] == [0, 2, 4])
      #expect(flipped?["column_indices"] == [0, 1, 1, 2])
      #expect(flipped?["values"] == [2, 1, 2, 1])
    }
  }

  @Test("transposed problems with steps that have a common divisor, or none, have the transposed matrix")
  func transposed() throws {
    for (stride, dilation) in [(1, 1), (2, 3), (3, 2), (4, 6), (6, 4), (5, 5), (7, 1), (1, 7)] {
      let (outputs, taps) = (4, 3)
      let size = (outputs - 1) * stride + (taps - 1) * dilation + 1
      let body = """
        {"image":[1,\(outputs)],"filter":[[1,10,100]],"transposed":true,"stride":[1,\(stride)],\
        "dilation":[1,\(dilation)],"form":"entries"}
        """
      var rows = [[Double]](repeating: [Double](repeating: 0, count: outputs), count: size)
      for output in 0..<outputs {
        for (tap, weight) in [1.0, 10, 100].enumerated() {
          rows[output * stride + tap * dilation][output] += weight
        }
      }
      let expected = JSON.array(rows.map { .array($0.map { .number($0) }) })
      #expect(try ask(body).json["matrix"] == expected, "\(body)")
    }
  }

  @Test("large strides don't make a small transposed matrix slow")
  func sparseTransposed() throws {
    let answer = try ask(
      #"{"image":[1,2],"filter":{"shape":[1,1],"dtype":"float32","data":"AACAPw=="},"transposed":true,"stride":[1,8388606],"form":"csr"}"#
    )
    #expect(answer.status == .ok)
  }

  @Test("a picture is drawn for who asks for one")
  func picture() throws {
    let answer = try ask(#"{"image":[5,5],"filter":[[1,2],[3,4]]}"#, accept: "image/svg+xml")
    #expect(answer.contentType == "image/svg+xml")
    #expect(answer.fields["Vary"] == "Accept")
    #expect(answer.text.hasPrefix("<svg "))
    #expect(try ask("{}", accept: "text/html").status == .notAcceptable)
  }

  @Test(
    "of both forms the one with the greater weight is chosen",
    arguments: [
      ("image/svg+xml;q=0.5, application/json;q=0.4", "image/svg+xml"),
      ("image/svg+xml;q=0.05, application/json;q=0.4", "application/json"),
      ("image/*;q=1.000, */*;q=0.999", "image/svg+xml"),
      ("*/*;q=0.001", "application/json"),
    ])
  func weights(accept: String, type: String) throws {
    let answer = try ask(#"{"image":[2,2],"filter":[[1]]}"#, accept: accept)
    #expect(answer.contentType == type)
  }
}
