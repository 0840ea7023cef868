import Buffers
import Convolution
import Equivalence
import HTTP
import Service
import TensorCoding
import Testing

/// POST /prove without a server.
@Suite struct ProveTests {
  let service = ConvolutionService()

  func prove(_ body: String) throws -> Answer {
    try service.post("/prove", body)
  }

  @Test("a sum of products passes every probe")
  func passes() throws {
    let answer = try prove(#"{"image":[4,5],"filter":[2,2],"formulation":"banded","storage":"dense"}"#).json
    #expect(answer["holds"] == true)
    let probes = try #require(answer["proofs"]?[0]?["probes"]).elements
    #expect(probes.map { $0["verdict"] } == Array(repeating: "passed", count: 4))
    #expect(answer["result"] == [3, 4])
  }

  @Test("what is not named and can't compute the problem is left out with a reason")
  func leavesOut() throws {
    let answer = try prove(#"{"image":[4,5],"filter":[2,2]}"#).json
    #expect(answer["left_out"]?.elements.map { $0["formulation"] } == ["winograd"])
    #expect(answer["proofs"]?.elements.count == 8)
  }

  @Test("a probe that failed is written with its counterexample")
  func counterexample() throws {
    let geometry = try ConvolutionGeometry(image: Shape(3, 3), filter: Shape(1, 2))
    let prover = Prover(geometry, multiplyAdds: 12, settings: ProofSettings())
    // Takes the taps in the wrong order.
    let flipped = Implementation<Float> {
      (filter: borrowing Tensor<Float>, bias: borrowing Tensor<Float>) throws(ConvolutionError) in
      let (first, second, offset) = (filter.values[1], filter.values[0], bias.values[0])
      return { image, output in
        for row in 0..<3 {
          for column in 0..<2 {
            output[row, column] =
              offset + first * image[row, column] + second * image[row, column + 1]
          }
        }
      }
    }
    let outcome = try prover.combs(flipped, .sums(geometry))
    var writer = JSONWriter()
    writer.outcome(outcome)
    // Named, so that it lives until its bytes are read.
    let text = writer.finish()
    let json = try JSON(String(decoding: text.elements, as: UTF8.self))
    #expect(json["verdict"] == "failed")
    let counterexample = try #require(json["counterexample"])
    #expect(counterexample["kind"] == "other_tap")
    let (tap, other) = (counterexample["tap"]?.elements, counterexample["other_tap"]?.elements)
    #expect(Set([tap?.last?.number, other?.last?.number]) == [0, 1])
    #expect(counterexample["position"]?.elements.count == 2)
    #expect(counterexample["expected"]?.string != counterexample["found"]?.string)
  }

  @Test("limits are checked before anything is computed")
  func limits() throws {
    for (body, pointer) in [
      (#"{"image":[4096,4097],"filter":[1,1]}"#, "/image"),
      (#"{"image":[2,2],"filter":[4096,4097]}"#, "/filter"),
      (#"{"image":[1,1],"filter":[1,1],"padding":4096}"#, "/image"),
      (#"{"image":[4000,4000],"filter":[2000,2000]}"#, "/formulation"),
    ] {
      let answer = try prove(body)
      #expect(answer.status == .unprocessableContent, "\(body)")
      #expect(try answer.json["pointer"]?.string == pointer, "\(answer.text)")
    }
  }

  @Test("probes without room in the work limit say so")
  func work() throws {
    let small = ConvolutionService(limits: ServiceLimits(multiplyAdds: 20_000))
    let answer = try small.answer(
      .post, "/prove", #"{"image":[8,8],"filter":[3,3],"formulation":"direct"}"#,
      fields: ["Content-Type": "application/json"]
    ).json
    let combs = answer["proofs"]?[0]?["probes"]?[0]
    #expect(combs?["verdict"] == "not_applicable")
    #expect(combs?["applications"] == 0)
  }
}
