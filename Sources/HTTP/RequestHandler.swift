public import Buffers

/// Where a request is being answered.
public enum Place: Sendable {
  /// On the event loop that owns the connection: only work below about 50 µs may be done here.
  case loop
  /// On a worker thread: any work.
  case worker
}

/// What the server refuses by itself, before or without asking for an answer.
public struct Refusal: Sendable {
  /// The status of the answer.
  public let status: Status
  /// One sentence that says what was wrong.
  public let detail: String
  /// The limit that was passed, where one was.
  public let limit: Int?
  /// What came instead, where it is known.
  public let actual: Int?

  /// A refusal with `status`, explained by `detail` and, for a limit, by both numbers.
  public init(status: Status, detail: String, limit: Int? = nil, actual: Int? = nil) {
    self.status = status
    self.detail = detail
    self.limit = limit
    self.actual = actual
  }
}

/// What the server asks of an application. All of it is called from many threads at once.
public protocol RequestHandler: Sendable {
  /// Decides from the head alone, before the body is read and before `100 Continue` is sent, whether the
  /// request can be answered at all; a response here is a refusal (404, 405, 415 …), nil lets it come in.
  func refusal(for head: RequestHead) -> Response?

  /// Whether `head` asks for something that even a server without room for another client must answer, such as
  /// its health.
  func isUrgent(_ head: RequestHead) -> Bool

  /// Answers a whole request, or returns nil on `.loop` where the work belongs on a worker; the server then
  /// asks again there. On `.worker` nil is a programming error.
  func response(to request: borrowing Request, on place: Place) -> Response?

  /// Words a refusal of the server's own (malformed framing, a passed limit, overload) as a response.
  func response(for refusal: Refusal) -> Response

  /// Appends to `output` the fields that stand in every answer or follow from the request's own, each as `\r\n`, name,
  /// `: `, value. `head` is nil where none could be read.
  func appendFields(
    for response: borrowing Response, to head: RequestHead?, in output: inout ByteBuffer)

  /// What requests can ask for, a closed set by which they are counted; the first is for all that is nothing else.
  var routes: [String] { get }

  /// Which of `routes` a request asks for.
  func route(of head: RequestHead) -> Int
}

extension RequestHandler {
  /// No more fields.
  public func appendFields(
    for response: borrowing Response, to head: RequestHead?, in output: inout ByteBuffer
  ) {}

  /// Nothing in particular.
  public var routes: [String] { ["other"] }

  /// Nothing in particular.
  public func route(of head: RequestHead) -> Int { 0 }
}
