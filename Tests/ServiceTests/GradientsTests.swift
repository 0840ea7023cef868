import Convolution
import HTTP
import Service
import Testing

private let service = ConvolutionService()
private let combinations = Formulation.allCases.filter(\.hasGradients).flatMap { formulation in
  formulation.storages.map { (formulation, $0) }
}

extension ConvolutionService {
  fileprivate func gradients(_ body: String) throws -> JSON {
    let answer = try answer(.post, "/gradients", body)
    try #require(answer.status == .ok, "\(answer.text)")
    return try answer.json
  }
}

/// A problem, its upstream gradient, and the three gradients worked out by hand.
private struct Example: Sendable, CustomTestStringConvertible {
  let problem: String
  let image: JSON
  let filter: JSON
  let bias: JSON
  var testDescription: String { problem }

  init(_ problem: String, _ image: JSON, _ filter: JSON, _ bias: JSON) {
    self.problem = problem
    self.image = image
    self.filter = filter
    self.bias = bias
  }
}

private let examples = [
  Example(
    #""image":[[1,2],[3,4]],"filter":[[1,2]],"upstream":[[5],[7]]"#, [[5, 10], [7, 14]], [[26, 38]], [12]),
  // The gradient of the filter as it was given, before it was turned.
  Example(
    #""image":[[1,2],[3,4]],"filter":[[1,2]],"upstream":[[5],[7]],"flip":true"#, [[10, 5], [14, 7]],
    [[38, 26]], [12]),
  Example(
    #""image":[[1,2,3]],"filter":[[1,2]],"upstream":[[5,7]],"padding":[0,0,0,1],"stride":2,"bias":4"#,
    [[5, 10, 7]], [[26, 10]], [12]),
  // Two images, and two groups of one channel each.
  Example(
    #""image":[[[[1]],[[2]]],[[[3]],[[4]]]],"filter":[[[[5]]],[[[6]]]],"groups":2,"bias":[1,2],"upstream":[[[[1]],[[10]]],[[[100]],[[1000]]]]"#,
    [[[[5]], [[60]]], [[[500]], [[6000]]]], [[[[301]]], [[[4020]]]], [101, 1010]),
  Example(
    #""image":[[1,2]],"filter":[[1,10]],"transposed":true,"stride":2,"upstream":[[1,2,3,4]]"#, [[21, 43]],
    [[7, 10]], [10]),
  // The left neighbour, of which the first is the first pixel again.
  Example(
    #""image":[[1,2,3]],"filter":[[1,0,0]],"padding":[0,1],"padding_mode":"replicate","upstream":[[1,10,100]]"#,
    [[11, 100, 0]], [[211, 321, 332]], [111]),
]

@Suite struct GradientsTests {
  @Test("gradients by each formulation and storage are those worked out by hand", arguments: examples)
  fileprivate func example(example: Example) throws {
    for (formulation, storage) in combinations {
      for type in ["float32", "float64"] {
        let answer = try service.gradients(
          #"{\#(example.problem),"formulation":"\#(formulation)","storage":"\#(storage)","dtype":"\#(type)"}"#
        )
        #expect(answer["formulation"]?.string == formulation.rawValue && answer["dtype"]?.string == type)
        #expect(answer["storage"]?.string == storage.rawValue)
        let gradients = try #require(answer["gradients"])
        #expect(gradients["image"] == example.image, "\(formulation) \(storage) \(type)")
        #expect(gradients["filter"] == example.filter, "\(formulation) \(storage) \(type)")
        #expect(gradients["bias"] == example.bias, "\(formulation) \(storage) \(type)")
        #expect(answer["equivalent"] == true && answer["max_deviation"] == 0)
        #expect(answer["verdicts"]?.keys == ["image", "filter", "bias"])
        for target in ["image", "filter", "bias"] {
          let verdict = try #require(answer["verdicts"]?[target])
          #expect(verdict["equivalent"] == true && verdict["max_deviation"] == 0 && verdict["reason"] == nil)
          #expect(
            verdict["deviation"]?["from"] == "direct" && verdict["reference_deviation"]?["max_abs"] == 0)
        }
        let check = try #require(answer["finite_difference"])
        #expect(check.keys == ["directional", "difference", "relative_deviation", "dtype"])
        #expect(check["dtype"] == "float64")
        #expect(try #require(check["relative_deviation"]?.number) < 1e-6)
        #expect(
          answer["timing"]?.keys == [
            "gradients_seconds", "direct_seconds", "reference_seconds", "finite_difference_seconds",
            "decode_seconds", "total_seconds",
          ])
      }
    }
  }

  @Test("by default they are direct, sparse, float32, in the form of the image")
  func defaults() throws {
    let body = #"{"image":[[1,2],[3,4]],"filter":[[1,2]],"upstream":[[5],[7]]"#
    var answer = try service.gradients(body + "}")
    #expect(
      answer["formulation"] == "direct" && answer["storage"] == "sparse" && answer["dtype"] == "float32")
    answer = try service.gradients(body + #","encoding":"base64"}"#)
    #expect(answer["gradients"]?["filter"]?["shape"] == [1, 2] && answer["gradients"]?["bias"] == [12])
    let upstream = #"{"shape":[1,1],"dtype":"float64","data":"AAAAAAAA8D8="}"#
    let wide = #"{"image":\#(upstream),"filter":[[2]],"upstream":\#(upstream)}"#
    #expect(try service.gradients(wide)["dtype"] == "float64")
  }

  @Test(
    "what has no gradients here is refused where it stands",
    arguments: [
      (#""upstream":[[1,1]]"#, "/upstream"), (#""upstream":[[[1],[1]]]"#, "/upstream"),
      (#""bias":0"#, "/upstream"), (#""upstream":[[1],["1"]]"#, "/upstream/1/0"),
      (#""upstream":[[1],[1]],"formulation":"im2col""#, "/formulation"),
      (#""upstream":[[1],[1]],"formulation":"separable""#, "/formulation"),
      (#""upstream":[[1],[1]],"formulation":"fft""#, "/formulation"),
      (#""upstream":[[1],[1]],"formulation":"winograd""#, "/formulation"),
      (#""upstream":[[1],[1]],"storage":"dense""#, "/storage"),
      (#""upstream":[[1],[1]],"dtype":"float16""#, "/dtype"),
      (#""upstream":[[1],[1]],"dtype":"bfloat16""#, "/dtype"),
      (#""upstream":[[1],[1]],"repeat":2"#, "/repeat"), (#""upstream":[[1],[1]],"report":"full""#, "/report"),
      (#""upstream":[[1],[1]],"rank":1"#, "/rank"), (#""upstream":[[1],[1]],"tile":2"#, "/tile"),
      (#""upstream":[[1],[1]],"formulations":[]"#, "/formulations"),
      (#""upstream":{"shape":[2,1],"dtype":"float64","data":"AAAAAAAA8D8AAAAAAADwPw=="}"#, "/upstream/dtype"),
    ])
  func refusal(more: String, pointer: String) throws {
    let answer = try service.answer(
      .post, "/gradients", #"{"image":[[1,2],[3,4]],"filter":[[1,2]],\#(more)}"#)
    #expect(answer.status == .unprocessableContent)
    #expect(try answer.json["pointer"] == .string(pointer), "\(answer.text)")
  }

  @Test("an image of a short type is refused where its type stands")
  func shortImage() throws {
    let short = #"{"shape":[1,1],"dtype":"bfloat16","data":"gD8="}"#
    let body = #"{"image":\#(short),"filter":[[1]],"upstream":[[1]]"#
    let answer = try service.answer(.post, "/gradients", body + "}")
    #expect(answer.status == .unprocessableContent)
    #expect(try answer.json["pointer"] == "/image/dtype")
    #expect(try service.gradients(body + #","dtype":"float32"}"#)["dtype"] == "float32")
  }

  @Test("work and memory are limited, those of the check in float64 included")
  func limits() throws {
    let body =
      #"{"image":[[1,2],[3,4]],"filter":[[1,2]],"upstream":[[5],[7]],"formulation":"toeplitz","storage":"dense"}"#
    // Two rows of four entries, 8 bytes each.
    var answer = try ConvolutionService(limits: ServiceLimits(operatorBytes: 63)).answer(
      .post, "/gradients", body)
    #expect(try answer.json["pointer"] == "/storage" && answer.json["limit"] == 63)
    #expect(try answer.json["actual"] == 64)
    // Six contractions of the eight entries, and eleven of the definition's four products.
    answer = try ConvolutionService(limits: ServiceLimits(multiplyAdds: 91)).answer(.post, "/gradients", body)
    #expect(try answer.json["limit"] == 91 && answer.json["actual"] == 92)
    answer = try ConvolutionService(limits: ServiceLimits(multiplyAdds: 92)).answer(.post, "/gradients", body)
    #expect(answer.status == .ok)
  }

  @Test("what is not finite is no equivalence, and counted by where it stands")
  func nonfinite() throws {
    let upstream = #"{"shape":[1,1],"dtype":"float32","data":"AACAfw=="}"#
    let answer = try service.gradients(#"{"image":[[1]],"filter":[[2]],"upstream":\#(upstream)}"#)
    #expect(answer["equivalent"] == false)
    #expect(answer["verdicts"]?["image"]?["nonfinite"]?["upstream"] == 1)
    #expect(answer["gradients"]?["bias"] == [.null])
  }

  @Test("it runs on a worker only")
  func place() throws {
    #expect(try service.answer(.post, "/gradients", "{}", on: .loop)?.text == nil)
  }
}
