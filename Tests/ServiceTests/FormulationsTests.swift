import HTTP
import Service
import Testing

private let service = ConvolutionService()

@Suite struct FormulationsTests {
  private func list(_ query: String = "") throws -> JSON {
    let answer = try service.answer(.get, "/formulations" + query)
    try #require(answer.status == .ok, "\(answer.text)")
    return try answer.json
  }

  @Test("the list names each storage, the default one first, what it costs and what it can't")
  func formulations() throws {
    let list = try list()
    #expect(list["dtypes"] == ["float32", "float64", "float16", "bfloat16"] && list["problem"] == nil)
    let formulations = list["formulations"]?.elements ?? []
    #expect(
      formulations.map { $0["name"] } == [
        "direct", "toeplitz", "banded", "im2col", "separable", "fft", "winograd",
      ])
    let storages = formulations.map { $0["storages"]?.elements ?? [] }
    let two: [JSON?] = ["sparse", "dense"]
    #expect(
      storages.map { $0.map { $0["name"] } } == [
        ["sparse"], two, two, ["sparse"], ["sparse"], ["sparse"], ["sparse"],
      ])
    #expect(storages[1].map { $0["default"] } == [true, false])
    #expect(storages[1].last?["stored_entries"] == "K·out_h·out_w · C·in_h·in_w")
    #expect(formulations.map { $0["gradients"] } == [true, true, true, false, false, false, false])
    for formulation in formulations {
      #expect(
        formulation.keys == ["name", "summary", "formula", "bound", "gradients", "unsupported", "storages"])
      for text in ["summary", "formula", "bound"] { #expect(formulation[text]?.string?.isEmpty == false) }
      #expect((formulation["unsupported"] == []) == (formulation["name"] != "winograd"))
      for storage in formulation["storages"]?.elements ?? [] {
        #expect(storage["cost"] == nil && storage["refused"] == nil)
      }
    }
  }

  @Test("a query evaluates the costs of a problem")
  func costs() throws {
    let list = try list("?image=1x3x224x224&filter=64x3x7x7&stride=2&padding=3")
    #expect(
      list["problem"]
        == .object([
          "image": [1, 3, 224, 224], "filter": [64, 3, 7, 7], "result": [1, 64, 112, 112],
        ]))
    let formulations = list["formulations"]?.elements ?? []
    // 64·112·112 outputs of 3·7·7 products.
    let direct = try #require(formulations[0]["storages"]?[0]?["cost"])
    #expect(direct.keys == ["stored_entries", "bytes", "multiply_adds"])
    #expect(direct["stored_entries"] == 9408 && direct["multiply_adds"] == 118_013_952)
    let dense = formulations[1]["storages"]?[1]
    #expect(dense?["cost"]?["bytes"] == 483_385_147_392)
    #expect(dense?["refused"]?.string?.contains("483385147392 bytes") == true)
    #expect(formulations[6]["storages"]?[0]?["refused"]?.string?.contains("stride") == true)
  }

  @Test(
    "every parameter means what the field of its name means",
    arguments: [
      ("image=5x4&filter=2x3", [4, 2]), ("image=2x5x4&filter=6x2x2x3", [6, 4, 2]),
      ("image=5x4&filter=6x1x2x3", [6, 4, 2]), ("image=5x4&filter=2x3&stride=2", [2, 1]),
      ("image=5x4&filter=2x3&stride=1x2", [4, 1]), ("image=5x4&filter=2x3&padding=1", [6, 4]),
      ("image=5x4&filter=2x3&padding=1x2", [6, 6]), ("image=5x4&filter=2x3&padding=1x2x3x4", [8, 8]),
      ("image=5x4&filter=2x3&padding=valid", [4, 2]), ("image=5x4&filter=2x3&padding=same", [5, 4]),
      ("image=5x4&filter=2x3&padding=same_upper&stride=2", [3, 2]),
      ("image=5x4&filter=2x3&padding=same_lower&stride=2", [3, 2]),
      ("image=5x4&filter=2x2&dilation=2x3", [3, 1]),
      ("image=5x4&filter=2x3&padding=1&padding_mode=circular", [6, 4]),
      ("image=4x5x4&filter=2x2x2x3&groups=2", [2, 4, 2]), ("image=5x4&filter=2x3&transposed=true", [6, 6]),
      ("image=5x4&filter=2x3&transposed=false", [4, 2]),
      ("image=5x4&filter=2x3&transposed=true&stride=2&output_padding=1", [11, 10]),
      ("image=5x4&filter=2x3&transposed=true&stride=2&output_padding=0x1", [10, 10]),
      ("image=5x4&filter=2x3&transposed=true&stride=2&output_shape=11x9", [11, 9]),
      ("image=8x8&filter=3x3&tile=2&rank=1&dtype=float16", [6, 6]),
    ])
  func parameters(query: String, result: [Int]) throws {
    let found = try list("?" + query)["problem"]?["result"]
    #expect(found == .array(result.map { .number(Double($0)) }), "\(query)")
  }

  @Test("dtype, tile and rank change the costs that they should")
  func options() throws {
    func cost(_ more: String, _ index: Int, _ key: String, storage: Int = 0) throws -> Double {
      let list = try list("?image=32x32&filter=3x3\(more)")
      return try #require(list["formulations"]?[index]?["storages"]?[storage]?["cost"]?[key]?.number)
    }
    // The Toeplitz matrix with all its entries.
    let single = try cost("", 1, "bytes", storage: 1)
    #expect(try cost("&dtype=float64", 1, "bytes", storage: 1) == 2 * single)
    #expect(try cost("&dtype=bfloat16", 1, "bytes", storage: 1) == single)
    #expect(try cost("&tile=6", 6, "stored_entries") > cost("&tile=2", 6, "stored_entries"))
    #expect(try cost("&rank=1", 4, "multiply_adds") < cost("&rank=2", 4, "multiply_adds"))
    #expect(try cost("&rank=1&tile=2", 0, "bytes") == cost("", 0, "bytes"))
  }

  @Test(
    "a wrong parameter is refused by its name",
    arguments: [
      ("image=8x8", "filter"), ("filter=3x3", "image"), ("stride=1", "image"),
      ("image=8&filter=3x3", "image"),
      ("image=8x8&filter=1x3x3", "filter"), ("image=1x1x1x8x8&filter=3x3", "image"),
      ("image=0x8&filter=3x3", "image"), ("image=8x8&filter=3x3&stride=0", "stride"),
      ("image=8x8&filter=3x3&stride=1x1x1", "stride"), ("image=8x8&filter=3x3&stride=-1", "stride"),
      ("image=8x8&filter=3x3&padding=1x2x3", "padding"), ("image=8x8&filter=3x3&padding=full", "padding"),
      ("image=8x8&filter=3x3&padding=same&stride=2", "padding"),
      ("image=8x8&filter=3x3&padding_mode=mirror", "padding_mode"),
      ("image=8x8&filter=3x3&padding=8&padding_mode=reflect", "padding"),
      ("image=8x8&filter=3x3&dilation=x", "dilation"), ("image=8x8&filter=3x3&groups=0", "groups"),
      ("image=8x8&filter=3x3&groups=2", "groups"), ("image=3x8x8&filter=4x2x3x3", "filter"),
      ("image=8x8&filter=3x3&transposed=1", "transposed"),
      ("image=8x8&filter=3x3&output_padding=1", "output_padding"),
      ("image=8x8&filter=3x3&output_shape=9", "output_shape"),
      ("image=8x8&filter=3x3&output_shape=9x9", "output_shape"),
      ("image=8x8&filter=3x3&dtype=float8", "dtype"), ("image=8x8&filter=3x3&tile=3", "tile"),
      ("image=8x8&filter=3x3&rank=4", "rank"), ("image=8x8&filter=3x3&rank=0", "rank"),
      ("image=8x8&filter=3x3&flip=true", "flip"), ("image=8x8&image=8x8&filter=3x3", "image"),
      ("image=5000x5000&filter=3x3&padding=same", "image"), ("image=8x8&filter=9x9", "filter"),
      ("image=2147483647x2147483647&filter=1x1&stride=2147483647", "image"),
      ("image=99999999999999999999x8&filter=3x3", "image"),
    ])
  func wrong(query: String, parameter: String) throws {
    let answer = try service.answer(.get, "/formulations?" + query)
    #expect(answer.status == .unprocessableContent, "\(query)")
    #expect(try answer.json["parameter"] == .string(parameter), "\(answer.text)")
    #expect(try answer.json["detail"]?.string?.hasPrefix("The query parameter \(parameter) ") == true)
  }
}
