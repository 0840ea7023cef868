import HTTP
import Service
import Testing

private let service = ConvolutionService()

/// 1 in a short type, the number that results in it, and the filter that leads there.
private struct Short: Sendable, CustomTestStringConvertible {
  let type: String
  let one: String
  let filter: String
  let result: Double
  let data: String
  var testDescription: String { type }
}

private let shorts = [
  // 1.0006 is nearest to 1 + 2⁻¹⁰, and 1.005 to 1 + 2⁻⁷, written as the shortest decimals of float32.
  Short(type: "float16", one: "ADw=", filter: "1.0006", result: 1.0009766, data: "ATw="),
  Short(type: "bfloat16", one: "gD8=", filter: "1.005", result: 1 + 0x1p-7, data: "gT8="),
]

@Suite struct ShortTypeTests {
  @Test("a short image is computed in float32, rounded once, and answered in its own type", arguments: shorts)
  fileprivate func object(short: Short) throws {
    let image = #"{"shape":[1,1],"dtype":"\#(short.type)","data":"\#(short.one)"}"#
    var answer = try service.solve(#"{"image":\#(image),"filter":[[\#(short.filter)]]}"#)
    #expect(answer["dtype"] == .string(short.type) && answer["computed_in"] == "float32")
    #expect(answer["result"]?["dtype"] == .string(short.type))
    #expect(answer["result"]?["data"] == .string(short.data) && answer["equivalent"] == true)
    answer = try service.solve(#"{"image":\#(image),"filter":[[\#(short.filter)]],"encoding":"json"}"#)
    #expect(answer["result"] == [[.number(short.result)]])
    // Asked for in float32 it is not rounded again.
    answer = try service.solve(#"{"image":\#(image),"filter":[[1.5]],"dtype":"float32","encoding":"json"}"#)
    #expect(answer["dtype"] == "float32" && answer["computed_in"] == nil && answer["result"] == [[1.5]])
    answer = try service.solve(#"{"image":\#(image),"filter":[[1.1]],"dtype":"float64","encoding":"json"}"#)
    #expect(answer["dtype"] == "float64" && answer["computed_in"] == nil && answer["result"] == [[1.1]])
  }

  @Test("nested arrays in a short problem are float32, its result the rounded number", arguments: shorts)
  fileprivate func nested(short: Short) throws {
    let answer = try service.solve(
      #"{"image":[[1]],"filter":[[\#(short.filter)]],"dtype":"\#(short.type)"}"#)
    #expect(answer["dtype"] == .string(short.type) && answer["computed_in"] == "float32")
    #expect(answer["result"] == [[.number(short.result)]] && answer["equivalent"] == true)
  }

  @Test("a float32 tensor may stand in a short problem, a float64 one may not", arguments: shorts)
  fileprivate func mixture(short: Short) throws {
    let narrow = #"{"shape":[1,1],"dtype":"float32","data":"AACAPw=="}"#
    let answer = try service.solve(
      #"{"image":\#(narrow),"filter":[[\#(short.filter)]],"dtype":"\#(short.type)"}"#)
    #expect(answer["result"]?["data"] == .string(short.data))
    let wide = #"{"shape":[1,1],"dtype":"float64","data":"AAAAAAAA8D8="}"#
    for body in [
      #"{"image":\#(wide),"filter":[[1]],"dtype":"\#(short.type)"}"#,
      #"{"filter":\#(wide),"image":[[1]],"dtype":"\#(short.type)"}"#,
    ] {
      let refused = try service.convolve(body)
      #expect(refused.status == .unprocessableContent)
      let pointer = try #require(refused.json["pointer"]?.string)
      #expect(pointer.hasSuffix("/dtype"))
    }
  }

  @Test("every formulation rounds its result to the short type", arguments: shorts)
  fileprivate func formulations(short: Short) throws {
    for formulation in ["direct", "toeplitz", "banded", "im2col", "separable", "fft"] {
      let answer = try service.solve(
        #"{"image":[[1]],"filter":[[\#(short.filter)]],"dtype":"\#(short.type)","formulation":"\#(formulation)"}"#
      )
      #expect(answer["result"] == [[.number(short.result)]] && answer["equivalent"] == true, "\(formulation)")
    }
  }
}
