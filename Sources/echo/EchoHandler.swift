import Buffers
import HTTP

/// Answers any method on `/` with the body it came with, under the type it came with.
struct EchoHandler: RequestHandler {
  private static let methods = Method.allCases.filter { $0 != .connect }.map(\.rawValue).joined(
    separator: ", ")

  func isUrgent(_ head: RequestHead) -> Bool { false }

  func refusal(for head: RequestHead) -> Response? {
    if head.method == .connect {
      return text(.methodNotAllowed, "This is no proxy.", fields: [Response.Field("Allow", Self.methods)])
    }
    return head.path == "/" || head.path == "*" ? nil : text(.notFound, "There is only / here.")
  }

  func response(to request: borrowing Request, on place: Place) -> Response? {
    if request.head.path == "*" {
      return Response(.noContent, fields: [Response.Field("Allow", Self.methods)])
    }
    let type = request.head.value(of: "content-type") ?? "application/octet-stream"
    var body = ByteBuffer(capacity: request.body.count)
    body.append(contentsOf: request.body.assumingMemoryBound(to: UInt8.self))
    return Response(.ok, fields: [Response.Field("Content-Type", type)], body: body)
  }

  func response(for refusal: Refusal) -> Response {
    text(refusal.status, refusal.detail)
  }

  private func text(_ status: Status, _ line: String, fields: [Response.Field] = []) -> Response {
    var body = ByteBuffer()
    body.append(text: line)
    body.append("\n")
    return Response(status, contentType: "text/plain", fields: fields, body: body)
  }
}
