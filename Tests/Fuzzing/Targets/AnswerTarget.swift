import Buffers
import HTTP
import Service
import TensorCoding

/// A service that computes little, so that an input costs microseconds, and whose limits inputs of fuzzing size pass.
private let service = ConvolutionService(
  limits: ServiceLimits(operatorBytes: 1 << 15, tensorElements: 512, multiplyAdds: 60_000))

/// The heads with which bodies are posted: as JSON, asking for the path's other answer, and in NumPy's file format.
private struct Heads: Sendable {
  let json: RequestHead
  let otherAnswer: RequestHead
  let array: RequestHead?

  init(_ path: String) {
    let accept =
      switch path {
      case "/convolve": "application/x-npy"
      case "/verify", "/operator": "image/svg+xml"
      default: "application/json"
      }
    let query =
      switch path {
      case "/convolve": "?filter=[[1,2],[3,4]]&padding=1"
      case "/recognize": "?image=3x3"
      default: ""
      }
    do {
      json = try RequestHead(.post, path, fields: ["Content-Type": "application/json"])
      otherAnswer = try RequestHead(
        .post, path, fields: ["Content-Type": "application/json", "Accept": accept])
      array =
        query.isEmpty
        ? nil : try RequestHead(.post, path + query, fields: ["Content-Type": "application/x-npy"])
    } catch {
      preconditionFailure("a head of ours is refused: \(error)")
    }
  }

  static let all = Dictionary(
    uniqueKeysWithValues: FuzzTarget.allCases.map { ("/" + $0.rawValue, Heads("/" + $0.rawValue)) })
}

/// An answer as far as it is looked at.
private struct Answer {
  let status: Int
  let type: String
  let body: [UInt8]

  init(_ response: borrowing Response) {
    status = response.status.rawValue
    type = response.contentType.map { "\($0)" } ?? ""
    body = Array(response.body.elements)
  }

  /// Whether the body holds `text` somewhere.
  func contains(_ text: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard body.count >= wanted.count else { return false }
    return (0...body.count - wanted.count).contains { start in
      body[start] == wanted[0] && body[start..<start + wanted.count].elementsEqual(wanted)
    }
  }
}

private func ask(_ head: RequestHead, _ body: [UInt8], on place: Place) -> Answer? {
  withExactMemory(body) { bytes in
    guard let response = service.response(to: Request(head: head, body: bytes), on: place) else { return nil }
    return Answer(response)
  }
}

/// Every body has an answer of 200, 400 or 422, in a form that it says; 400 exactly where the body is no JSON; the same on the
/// loop as on a worker; and no formulation of ours ever leaves its bound, whatever the problem.
func answerFlaw(_ path: String, to input: [UInt8]) -> String? {
  guard let heads = Heads.all[path] else { return "there is no \(path)" }
  // The last byte of what is sent decides how it is sent: most often white space or a bracket, and then as JSON.
  let isArray = input.first == 0x93 && heads.array != nil
  let asksOther = !isArray && input.last == UInt8(ascii: "\t")
  let head = isArray ? heads.array! : asksOther ? heads.otherAnswer : heads.json
  guard let answer = ask(head, input, on: .worker) else { return "a worker declines" }
  if path == "/convolve", let early = ask(head, input, on: .loop)?.status, early != answer.status {
    return "\(early) on the loop, \(answer.status) on a worker"
  }
  let isMalformed =
    (try? withExactMemory(input) { (bytes) throws(JSONError) in try validateDocument(bytes) }) == nil
  switch answer.status {
  case 200:
    if !isArray, isMalformed { return "no JSON, and answered" }
    switch answer.type {
    case "application/json":
      let isDocument = withExactMemory(answer.body) { bytes in (try? validateDocument(bytes)) != nil }
      if !isDocument { return "the answer is no JSON" }
    case "application/x-npy":
      if !answer.body.starts(with: [0x93, 0x4E]) { return "the answer is no array" }
    case "image/svg+xml":
      if !answer.body.starts(with: Array("<".utf8)) { return "the answer is no picture" }
    default: return "an answer of type “\(answer.type)”"
    }
    // What was posted to /verify was computed elsewhere, and may well be wrong; and so is what fewer terms than the filter has are
    // meant to give.
    let isTruncated =
      answer.contains("\"truncation_max_abs\":") && !answer.contains("\"truncation_max_abs\":0,")
    if path != "/verify", !isTruncated, answer.contains("\"beyond_bound\"") {
      return "a formulation leaves its bound"
    }
  case 400, 422:
    if answer.type != "application/problem+json" { return "\(answer.status) of type “\(answer.type)”" }
    let isDocument = withExactMemory(answer.body) { bytes in (try? validateDocument(bytes)) != nil }
    if !isDocument { return "the problem is no JSON" }
    if !isArray, isMalformed != (answer.status == 400) {
      return "\(answer.status) for a body that is \(isMalformed ? "no JSON" : "JSON")"
    }
  default: return "the status is \(answer.status)"
  }
  return nil
}
