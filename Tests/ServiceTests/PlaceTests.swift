import HTTP
import Service
import Testing

private let service = ConvolutionService()

@Suite struct PlaceTests {
  private func onLoop(_ body: String) throws -> Answer? {
    try service.answer(.post, "/convolve", body, on: .loop)
  }

  @Test("small work is done on the loop, errors included")
  func small() throws {
    #expect(try onLoop(Notebook.problem())?.json["result"] == Notebook.result)
    #expect(try onLoop("{")?.status == .badRequest)
    #expect(try onLoop("{}")?.status == .unprocessableContent)
    for path in ["/formulations", "/healthz", "/readyz"] {
      #expect(try service.answer(.get, path, on: .loop)?.status == .ok)
    }
  }

  @Test("a body of more than 8 KiB goes to a worker, whatever it says")
  func largeBody() throws {
    let problem = Notebook.problem()
    let fits = problem + String(repeating: " ", count: 8192 - problem.utf8.count)
    #expect(try onLoop(fits)?.json["result"] == Notebook.result)
    #expect(try onLoop(fits + " ")?.text == nil)
    #expect(try service.solve(fits + " ")["result"] == Notebook.result)
    #expect(try onLoop(String(repeating: "x", count: 8193))?.text == nil)
  }

  @Test("a small body with work of more than 20 000 multiply-adds goes to a worker")
  func muchWork() throws {
    // 4·4 outputs of 2·2 taps: 64 for each repeat, three times as much for the direct result and the reference, and 20 for
    // each output to be written.
    #expect(try onLoop(Notebook.problem(#""repeat":304"#))?.status == .ok)
    #expect(try onLoop(Notebook.problem(#""repeat":305"#))?.text == nil)
    #expect(try service.solve(Notebook.problem(#""repeat":305"#))["result"] == Notebook.result)
    // 29² outputs of one tap take 3364 multiply-adds, and as long to write as 16 820 more.
    #expect(try onLoop(#"{"image":[[1]],"filter":[[1]],"padding":14}"#)?.text == nil)
    #expect(try onLoop(#"{"image":[[1]],"filter":[[1]],"padding":13}"#)?.status == .ok)
    // A few bytes of padding are a large result: 2001 · 2003 outputs of one tap.
    #expect(try onLoop(#"{"image":[[1,2,3]],"filter":[[1]],"padding":1000}"#)?.text == nil)
  }

  @Test("the contract comes from a worker, who may compress it")
  func contract() throws {
    #expect(try service.answer(.get, "/openapi.yaml", on: .loop)?.status == nil)
    #expect(try service.answer(.get, "/openapi.yaml", on: .worker)?.status == .ok)
  }

  @Test("a benchmark always runs on a worker")
  func benchmark() throws {
    #expect(try service.answer(.get, "/benchmark?image=4x4&filter=2x2", on: .loop)?.text == nil)
    #expect(try service.answer(.get, "/benchmark", on: .loop)?.text == nil)
  }
}
