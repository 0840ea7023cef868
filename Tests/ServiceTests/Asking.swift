import Buffers
import HTTP
import Service
import Testing

/// An answer as a test looks at it.
struct Answer {
  let status: Status
  let contentType: String?
  let fields: [String: String]
  let text: String

  init(_ response: consuming Response) {
    status = response.status
    contentType = response.contentType.map { "\($0)" }
    fields = Dictionary(uniqueKeysWithValues: response.fields.map { ("\($0.name)", $0.value) })
    text = String(decoding: response.body.elements, as: UTF8.self)
  }

  /// The body as JSON.
  var json: JSON { get throws { try JSON(text) } }
}

extension ConvolutionService {
  /// What the service answers at `place`, nil where it sends the request to a worker.
  func answer(
    _ method: HTTP.Method, _ target: String, _ body: String = "",
    fields: KeyValuePairs<String, String> = [:], on place: Place
  ) throws -> Answer? {
    try answer(method, target, bytes: Array(body.utf8), fields: fields, on: place)
  }

  /// What the service answers at `place` to a body that need not be text.
  func answer(
    _ method: HTTP.Method, _ target: String, bytes: [UInt8],
    fields: KeyValuePairs<String, String> = [:], on place: Place
  ) throws -> Answer? {
    let head = try RequestHead(method, target, fields: fields)
    if let refusal = refusal(for: head) { return Answer(refusal) }
    return bytes.withUnsafeBytes { bytes in
      guard let response = response(to: Request(head: head, body: bytes), on: place) else { return nil }
      return Answer(response)
    }
  }

  /// What the service answers in the end.
  func answer(
    _ method: HTTP.Method, _ target: String, _ body: String = "",
    fields: KeyValuePairs<String, String> = [:]
  ) throws -> Answer {
    try #require(try answer(method, target, body, fields: fields, on: .worker))
  }

  /// What the service answers to a document.
  func post(_ target: String, _ body: String) throws -> Answer {
    try answer(.post, target, body, fields: ["Content-Type": "application/json"])
  }

  /// What the service answers to a problem.
  func convolve(_ body: String) throws -> Answer { try post("/convolve", body) }

  /// What the service answers to a problem that it must solve.
  func solve(_ body: String) throws -> JSON {
    let answer = try convolve(body)
    try #require(answer.status == .ok, "\(answer.text)")
    return try answer.json
  }
}

/// The notebook's example: a 5×5 image, a 2×2 filter and their 4×4 result, worked out by hand.
enum Notebook {
  static let image = "[[1,2,3,4,5],[6,7,8,9,10],[11,12,13,14,15],[16,17,18,19,20],[21,22,23,24,25]]"
  static let result: JSON = [
    [51, 61, 71, 81], [101, 111, 121, 131], [151, 161, 171, 181], [201, 211, 221, 231],
  ]

  /// The problem with further fields, such as `"flip":true`.
  static func problem(_ more: String = "") -> String {
    #"{"image":\#(image),"filter":[[1,2],[3,4]]\#(more.isEmpty ? "" : "," + more)}"#
  }
}
