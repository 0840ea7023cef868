import Convolution
import HTTP
import Service
import TestSupport
import Testing

private let service = ConvolutionService()
/// The formulations whose results on integers are exact, with their storages.
private let combinations = Formulation.allCases.filter(\.isDotProduct).flatMap { formulation in
  formulation.storages.map { (formulation, $0) }
}

@Suite struct ConvolveTests {
  @Test(
    "every formulation that is exact on integers, in each storage, gives the notebook's result",
    arguments: combinations)
  func notebook(formulation: Formulation, storage: Storage) throws {
    for type in ["float32", "float64"] {
      let choice =
        #""formulation":"\#(formulation.rawValue)","storage":"\#(storage.rawValue)","dtype":"\#(type)""#
      let answer = try service.solve(Notebook.problem(choice))
      #expect(answer["formulation"] == .string(formulation.rawValue))
      #expect(answer["storage"] == .string(storage.rawValue))
      #expect(answer["dtype"] == .string(type))
      #expect(answer["shape"] == [4, 4] && answer["result"] == Notebook.result)
      #expect(answer["equivalent"] == true && answer["max_deviation"] == 0)
      #expect(answer["reason"] == nil && answer["failures"] == nil && answer["nonfinite"] == nil)
      #expect(answer["deviation"]?["from"] == "direct" && answer["deviation"]?["identical"] == 16)
      #expect(answer["reference_deviation"]?["from"] == "reference")
    }
  }

  @Test("without options it is direct, sparse, float32, stride 1, no padding, a summary")
  func defaults() throws {
    let answer = try service.solve(Notebook.problem())
    #expect(
      answer["formulation"] == "direct" && answer["storage"] == "sparse" && answer["dtype"] == "float32")
    #expect(answer["result"] == Notebook.result && answer["measures"] == nil)
  }

  @Test(
    "stride, padding in each of its forms, and dilation mean what the definition says",
    arguments: [
      (#""stride":2"#, Parameters(stride: Extent(2, 2))),
      (#""stride":[2,3]"#, Parameters(stride: Extent(2, 3))),
      (#""dilation":2"#, Parameters(dilation: Extent(2, 2))),
      (#""dilation":[3,2]"#, Parameters(dilation: Extent(3, 2))),
      (#""padding":"valid""#, Parameters()),
      (#""padding":"same""#, Parameters(padding: Padding(top: 0, left: 0, bottom: 1, right: 1))),
      (
        #""padding":"same","dilation":3"#,
        Parameters(padding: Padding(top: 1, left: 1, bottom: 2, right: 2), dilation: Extent(3, 3))
      ),
      (#""padding":1"#, Parameters(padding: Padding(vertical: 1, horizontal: 1))),
      (#""padding":[2,1]"#, Parameters(padding: Padding(vertical: 2, horizontal: 1))),
      (#""padding":[0,1,2,3]"#, Parameters(padding: Padding(top: 0, left: 1, bottom: 2, right: 3))),
      (
        #""padding":[3,0,1,2],"stride":[2,1],"dilation":[2,3]"#,
        Parameters(
          stride: Extent(2, 1), padding: Padding(top: 3, left: 0, bottom: 1, right: 2),
          dilation: Extent(2, 3))
      ),
    ])
  func options(text: String, parameters: Parameters) throws {
    let expected = try #require(definition(Array(1...25), [1, 2, 3, 4], parameters, multiply: *))
    let rows = JSON.array(
      (0..<expected.height).map { row in
        let elements = expected.output[row * expected.width..<(row + 1) * expected.width]
        return .array(elements.map { .number(Double($0)) })
      })
    for (formulation, storage) in combinations {
      let choice = #","formulation":"\#(formulation.rawValue)","storage":"\#(storage.rawValue)""#
      #expect(try service.solve(Notebook.problem(text + choice))["result"] == rows)
    }
  }

  @Test("flip turns the filter by half a turn, and false leaves it")
  func flip() throws {
    let turned = try service.solve(#"{"image":\#(Notebook.image),"filter":[[4,3],[2,1]]}"#)["result"]
    #expect(try service.solve(Notebook.problem(#""flip":true"#))["result"] == turned)
    #expect(turned != Notebook.result)
    #expect(try service.solve(Notebook.problem(#""flip":false"#))["result"] == Notebook.result)
  }

  @Test("the dtype counts whether it stands before the tensors or behind them")
  func dtypePlace() throws {
    // 2²⁴ + 1 is no float32, and 1e39 is beyond all of them.
    let tensors = #""image":[[16777217,1e39]],"filter":[[1]]"#
    for body in [#"{"dtype":"float64",\#(tensors)}"#, #"{\#(tensors),"dtype":"float64"}"#] {
      let answer = try service.solve(body)
      #expect(answer["dtype"] == "float64" && answer["result"] == [[16_777_217, .number(1e39)]])
    }
    let narrow = try service.solve(#"{"image":[[16777217]],"filter":[[1]]}"#)
    #expect(narrow["dtype"] == "float32" && narrow["result"] == [[16_777_216]])
  }

  @Test("a base64 image sets the dtype and the form of the answer, unless they are asked for")
  func objectTensors() throws {
    // 1.0 in float64 and in float32, little-endian.
    let wide = #"{"shape":[1,1],"dtype":"float64","data":"AAAAAAAA8D8="}"#
    let narrow = #"{"shape":[1,1],"dtype":"float32","data":"AACAPw=="}"#
    let wideTensor = try JSON(wide)
    let narrowTensor = try JSON(narrow)
    var answer = try service.solve(#"{"image":\#(wide),"filter":[[1]]}"#)
    #expect(answer["dtype"] == "float64" && answer["result"] == wideTensor)
    answer = try service.solve(#"{"image":\#(narrow),"filter":[[1]]}"#)
    #expect(answer["dtype"] == "float32" && answer["result"] == narrowTensor)
    answer = try service.solve(#"{"image":\#(narrow),"filter":[[1]],"dtype":"float64"}"#)
    #expect(answer["dtype"] == "float64" && answer["result"] == wideTensor)
    answer = try service.solve(#"{"encoding":"json","image":\#(wide),"filter":\#(narrow)}"#)
    #expect(answer["dtype"] == "float64" && answer["result"] == [[1]])
    answer = try service.solve(#"{"image":[[1]],"filter":\#(narrow),"encoding":"base64"}"#)
    #expect(answer["dtype"] == "float32" && answer["result"] == narrowTensor)
  }

  @Test("repeats are counted, and their least, middle and greatest times stand in order")
  func repeats() throws {
    let timing = try #require(try service.solve(Notebook.problem(#""repeat":5"#))["timing"])
    #expect(timing["repeats"] == 5)
    let least = try #require(timing["formulation_minimum_seconds"]?.number)
    let middle = try #require(timing["formulation_seconds"]?.number)
    let greatest = try #require(timing["formulation_maximum_seconds"]?.number)
    #expect(least <= middle && middle <= greatest)
    let once = try #require(try service.solve(Notebook.problem(#""repeat":1"#))["timing"])
    #expect(
      once.keys == [
        "formulation_seconds", "setup_seconds", "direct_seconds", "reference_seconds", "decode_seconds",
        "encode_seconds", "total_seconds",
      ])
  }

  @Test("the full report adds measures, histogram and rungs")
  func fullReport() throws {
    let measures = try #require(try service.solve(Notebook.problem(#""report":"full""#))["measures"])
    #expect(measures["root_mean_square"] == 0 && measures["signal_to_noise_db"] == .some(.null))
    #expect(measures["ulp_histogram"]?[0]?["count"] == 16)
    #expect(measures["rungs"]?.elements.map { $0["arithmetic"] } == ["float32", "float64"])
    #expect(try service.solve(Notebook.problem(#""report":"summary""#))["measures"] == nil)
  }

  @Test("the times stand in Server-Timing as well, in milliseconds with three places")
  func serverTiming() throws {
    let answer = try service.convolve(Notebook.problem())
    let field = try #require(answer.fields["Server-Timing"])
    let names = ["decode", "setup", "formulation", "direct", "reference", "encode", "total"]
    let pattern = names.map { "\($0);dur=[0-9]+\\.[0-9]{3}" }.joined(separator: ", ")
    #expect(try field.wholeMatch(of: Regex(pattern)) != nil, "\(field)")
    #expect(answer.contentType == "application/json" && answer.text.hasSuffix("}\n"))
  }

  @Test("an infinity or NaN in a window is reported and never called equivalent", arguments: combinations)
  func nonfinite(formulation: Formulation, storage: Storage) throws {
    let choice = #""filter":[[1]],"formulation":"\#(formulation.rawValue)","storage":"\#(storage.rawValue)""#
    // [[1, ∞]] and [[NaN, 1]], float32, little-endian.
    for (data, place) in [("AACAPwAAgH8=", 1), ("AADAfwAAgD8=", 0)] {
      let image = #""image":{"shape":[1,2],"dtype":"float32","data":"\#(data)"}"#
      let answer = try service.solve("{\(image),\(choice)}")
      #expect(answer["equivalent"] == false && answer["reason"] == "nonfinite_window")
      #expect(answer["nonfinite"]?["image"] == 1 && answer["nonfinite"]?["filter"] == 0)
      #expect(answer["failures"]?["nonfinite_window"] == 1)
      if storage == .sparse {
        // A dense matrix also multiplies the zeros outside the window: 0·∞ is NaN there.
        #expect(answer["failures"]?.keys == ["nonfinite_window"])
        #expect(answer["first_failure"] == [0, .number(Double(place))])
        #expect(answer["result"]?["data"] == .string(data))
      }
    }
  }

  @Test("an infinite tap spares no window, and JSON without a word for it says null")
  func nonfiniteFilter() throws {
    let filter = #"{"shape":[1,1],"dtype":"float32","data":"AACAfw=="}"#
    let answer = try service.solve(#"{"image":[[1,2]],"filter":\#(filter)}"#)
    #expect(answer["equivalent"] == false && answer["failures"]?["nonfinite_window"] == 2)
    #expect(answer["nonfinite"]?["filter"] == 1 && answer["result"] == [[.null, .null]])
  }

  @Test("finite numbers whose products overflow are no equivalence either")
  func overflow() throws {
    let answer = try service.solve(#"{"image":[[3e38,1]],"filter":[[3e38]]}"#)
    #expect(answer["equivalent"] == false && answer["reason"] == "nonfinite_result")
    #expect(answer["nonfinite"]?["image"] == 0 && answer["nonfinite"]?["result"] == 1)
  }
}

extension Parameters {
  /// The notebook's sizes with one option or several.
  fileprivate init(stride: Extent = Extent(1, 1), padding: Padding = .none, dilation: Extent = Extent(1, 1)) {
    self.init(
      image: Extent(5, 5), filter: Extent(2, 2), stride: stride, padding: padding, dilation: dilation)
  }
}
