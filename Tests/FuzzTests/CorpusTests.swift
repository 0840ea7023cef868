import FuzzTargets
import Testing

@Suite("The fuzz targets, without a fuzzer")
struct CorpusTests {
  @Test("hold for every committed input", arguments: FuzzTarget.allCases)
  func corpus(target: FuzzTarget) throws {
    let inputs = Corpus(of: target).inputs
    try #require(!inputs.isEmpty)
    for (name, bytes) in inputs {
      let flaw = target.flaw(in: bytes)
      #expect(flaw == nil, "Tests/Fuzzing/Corpora/\(target.rawValue)/\(name)")
    }
  }

  @Test("hold for some thousand changes of them", arguments: FuzzTarget.allCases)
  func mutations(target: FuzzTarget) throws {
    let inputs = Corpus(of: target).inputs.map(\.bytes)
    try #require(!inputs.isEmpty)
    var mutations = Mutations(of: inputs, longest: target.longestInput, seed: 5)
    for _ in 0..<4000 {
      let input = mutations.next()
      guard let flaw = target.flaw(in: input) else { continue }
      Issue.record(
        "\(flaw) for the \(target.rawValue) \(String(decoding: input, as: UTF8.self).debugDescription)")
      return
    }
  }
}
