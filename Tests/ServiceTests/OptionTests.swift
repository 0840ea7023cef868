import Convolution
import Service
import Testing

private let service = ConvolutionService()
/// The formulations whose results on integers are exact, with their storages.
private let exact = Formulation.allCases.filter(\.isDotProduct).flatMap { formulation in
  formulation.storages.map { (formulation, $0) }
}

/// What the service answers to an image and a filter with further fields, by one formulation.
private func solve(
  _ image: String, _ filter: String, _ more: String = "", _ formulation: Formulation = .direct,
  _ storage: Storage = .sparse
) throws -> JSON {
  try service.solve(
    """
    {"image":\(image),"filter":\(filter)\(more.isEmpty ? "" : "," + more),"formulation":"\(formulation.rawValue)",\
    "storage":"\(storage.rawValue)"}
    """)
}

/// A problem worked out by hand.
private struct Example: Sendable, CustomTestStringConvertible {
  let image: String
  let filter: String
  let more: String
  let result: JSON
  var testDescription: String { "\(image) by \(filter) with \(more)" }

  init(_ image: String, _ filter: String, _ more: String, _ result: JSON) {
    self.image = image
    self.filter = filter
    self.more = more
    self.result = result
  }
}

private let examples = [
  Example("[[1,2],[3,4]]", "[[1]]", #""bias":10"#, [[11, 12], [13, 14]]),
  Example("[[1,2],[3,4]]", "[[1]]", #""bias":[-10]"#, [[-9, -8], [-7, -6]]),
  // 10 in float32.
  Example(
    "[[1,2],[3,4]]", "[[1]]", #""bias":{"shape":[1],"dtype":"float32","data":"AAAgQQ=="}"#,
    [[11, 12], [13, 14]]),
  Example("[[1,2]]", "[[[[1]]],[[[2]]]]", #""bias":[10,20]"#, [[[11, 12]], [[22, 24]]]),
  Example("[[1,2]]", "[[[[1]]],[[[2]]]]", #""bias":7"#, [[[8, 9]], [[9, 11]]]),
  Example("[[1,2]]", "[[[[1]]],[[[2]]]]", #""bias":[7]"#, [[[8, 9]], [[9, 11]]]),
  // An even filter: the odd zero stands behind the image, or before it.
  Example("[[1,2,3]]", "[[1,1]]", #""padding":"same""#, [[3, 5, 3]]),
  Example("[[1,2,3]]", "[[1,1]]", #""padding":"same_upper""#, [[3, 5, 3]]),
  Example("[[1,2,3]]", "[[1,1]]", #""padding":"same_lower""#, [[1, 3, 5]]),
  Example("[[1,2,3]]", "[[1,1]]", #""padding":"same_upper","stride":2"#, [[3, 3]]),
  Example("[[1,2,3]]", "[[1,1]]", #""padding":"same_lower","stride":2"#, [[1, 5]]),
  Example("[[1,2,3]]", "[[1,0,0]]", #""padding":[0,1],"padding_mode":"zeros""#, [[0, 1, 2]]),
  Example("[[1,2,3]]", "[[1,0,0]]", #""padding":[0,1],"padding_mode":"reflect""#, [[2, 1, 2]]),
  Example("[[1,2,3]]", "[[1,0,0]]", #""padding":[0,1],"padding_mode":"replicate""#, [[1, 1, 2]]),
  Example("[[1,2,3]]", "[[1,0,0]]", #""padding":[0,1],"padding_mode":"circular""#, [[3, 1, 2]]),
  Example("[[[1]],[[2]]]", "[[[[3]]],[[[5]]]]", #""groups":2"#, [[[3]], [[10]]]),
  Example("[[[1]],[[2]]]", "[[[[3]],[[5]]]]", #""groups":1"#, [[[13]]]),
  Example("[[[[1]],[[2]]],[[[10]],[[20]]]]", "[[[[3]],[[5]]]]", "", [[[[13]]], [[[130]]]]),
  Example("[[[[1]],[[2]]],[[[10]],[[20]]]]", "[[[[3]],[[5]]]]", #""bias":1"#, [[[[14]]], [[[131]]]]),
  // Each element puts the filter down two columns further on.
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"stride":2"#, [[1, 10, 2, 20]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"stride":2,"flip":true"#, [[10, 1, 20, 2]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"stride":2,"padding":[0,1]"#, [[10, 2]]),
  Example(
    "[[1,2]]", "[[1,10]]", #""transposed":true,"stride":2,"output_padding":[0,1]"#, [[1, 10, 2, 20, 0]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"stride":2,"output_shape":[1,5]"#, [[1, 10, 2, 20, 0]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"padding":"same_upper""#, [[1, 12]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"padding":"same_lower""#, [[12, 20]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":true,"stride":2,"bias":0.5"#, [[1.5, 10.5, 2.5, 20.5]]),
  Example("[[1,2]]", "[[1,10]]", #""transposed":false"#, [[21]]),
  // Two channels in, one group, three channels out.
  Example(
    "[[[1]],[[2]]]", "[[[[1]],[[2]],[[3]]],[[[10]],[[20]],[[30]]]]", #""transposed":true"#,
    [[[21]], [[42]], [[63]]]
  ),
  Example(
    "[[[1]],[[2]]]", "[[[[1]],[[2]]],[[[10]],[[20]]]]", #""transposed":true,"groups":2"#,
    [[[1]], [[2]], [[20]], [[40]]]),
]

@Suite struct OptionTests {
  @Test("every option means what it says, in every exact formulation and both types", arguments: examples)
  fileprivate func option(example: Example) throws {
    for (formulation, storage) in exact {
      for type in ["float32", "float64"] {
        let more = [example.more, #""dtype":"\#(type)""#].filter { !$0.isEmpty }.joined(separator: ",")
        let answer = try solve(example.image, example.filter, more, formulation, storage)
        #expect(answer["result"] == example.result, "\(formulation) \(storage) \(type)")
        #expect(answer["equivalent"] == true && answer["max_deviation"] == 0)
      }
    }
  }

  @Test("the other formulations agree within their bounds, and say what they did")
  func inexact() throws {
    let image = "[[1,2,3,4],[5,6,7,8],[9,10,11,12]]"
    let filter = "[[1,2,1],[0,3,-1],[4,1,1]]"
    for (more, formulation) in [
      ("", Formulation.separable), (#""rank":3"#, .separable), ("", .fft), ("", .winograd),
      (#""tile":2"#, .winograd),
      (#""tile":6"#, .winograd),
    ] {
      let padded = #""padding":1\#(more.isEmpty ? "" : "," + more)"#
      let answer = try solve(image, filter, padded, formulation)
      #expect(answer["equivalent"] == true && answer["shape"] == [3, 4], "\(formulation) \(more)")
      #expect((answer["separable"] != nil) == (formulation == .separable))
      #expect((answer["fft"] != nil) == (formulation == .fft))
      let tile: JSON? = formulation == .winograd ? more.isEmpty ? 4 : .number(Double(more.suffix(1))!) : nil
      #expect(answer["tile"] == tile)
    }
  }

  @Test("a separable result of lower rank splits into truncation and rounding, and is no equivalence")
  func separable() throws {
    let answer = try solve("[[1,2,3],[4,5,6],[7,8,10]]", "[[1,2],[3,4]]", #""rank":1"#, .separable)
    let split = try #require(answer["separable"])
    #expect(
      split.keys == [
        "rank", "full_rank", "truncation_max_abs", "rounding_max_abs", "rounding_max_over_bound",
      ])
    #expect(split["rank"] == 1 && split["full_rank"] == 2)
    #expect(try #require(split["truncation_max_abs"]?.number) > 0.1)
    #expect(try #require(split["rounding_max_over_bound"]?.number) <= 1)
    #expect(answer["equivalent"] == false && answer["reason"] == "beyond_bound")
    let full = try solve("[[1,2,3],[4,5,6],[7,8,10]]", "[[1,2],[3,4]]", "", .separable)
    #expect(full["separable"]?["rank"] == 2 && full["separable"]?["truncation_max_abs"] == 0)
  }

  @Test("the transform's size and its error over the whole are reported")
  func fourier() throws {
    let report = try #require(try solve("[[1,2,3],[4,5,6]]", "[[1,2],[3,4]]", "", .fft)["fft"])
    #expect(
      report.keys == ["size", "normwise_error", "normwise_bound"] && report["size"]?.elements.count == 2)
    let error = try #require(report["normwise_error"]?.number)
    #expect(try #require(report["normwise_bound"]?.number) >= error)
  }

  @Test("the first rung of the full report is the formulation's own arithmetic")
  func rungs() throws {
    for (formulation, names) in [
      (Formulation.im2col, ["float32", "float64"]), (.separable, ["separable", "float32", "float64"]),
      (.fft, ["fft", "float32", "float64"]), (.winograd, ["winograd_f4", "float32", "float64"]),
    ] {
      let answer = try solve(
        "[[1,2,3],[4,5,6],[7,8,9]]", "[[1,2,1],[0,3,-1],[4,1,1]]", #""report":"full""#, formulation)
      let rungs = answer["measures"]?["rungs"]?.elements ?? []
      #expect(rungs.map { $0["arithmetic"]?.string } == names)
    }
    let answer = try solve("[[1]]", "[[1]]", #""report":"full","dtype":"float64""#, .separable)
    #expect(answer["measures"]?["rungs"]?.elements.map { $0["arithmetic"] } == ["separable", "float64"])
  }

  @Test("positions have as many indices as the result has dimensions")
  func positions() throws {
    for (image, filter, rank) in [
      ("[[1]]", "[[1]]", 2), ("[[1]]", "[[[[1]]]]", 3), ("[[[1]]]", "[[1]]", 3),
      ("[[[[1]]]]", "[[[[1]]]]", 4),
    ] {
      let answer = try solve(image, filter)
      #expect(answer["shape"]?.elements.count == rank && answer["deviation"]?["at"]?.elements.count == rank)
    }
  }
}
