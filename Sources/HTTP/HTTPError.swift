/// Why bytes are no acceptable HTTP/1 request. Each case knows the status that answers it.
public enum HTTPError: Error, Equatable, Sendable {
  /// The bytes break the grammar; `at` is the offset, from the first byte of the message part in hand (the
  /// head, or the coded body), of the line or byte that does.
  case malformed(Flaw, at: Int)
  /// The request line names a version whose major number is not 1.
  case unsupportedVersion
  /// The method is a token, but none that this server knows.
  case unknownMethod
  /// The body is coded in a way that this server cannot undo.
  case unknownTransferCoding
  /// An Expect field asks for something other than `100-continue`.
  case unmetExpectation
  /// The request line's target is longer than `limit` bytes.
  case targetTooLong(limit: Int)
  /// Request line and fields together are longer than `limit` bytes.
  case headTooLarge(limit: Int)
  /// There are more than `limit` field lines.
  case tooManyFields(limit: Int)
  /// The body is longer than `limit` bytes.
  case bodyTooLarge(limit: Int)
  /// The body becomes more than `limit` times as long where its content coding is undone.
  case ratioTooHigh(limit: Int)

  /// A rule of the grammar that was broken; the raw value says so in one sentence.
  public enum Flaw: String, Sendable {
    case bareLineFeed = "A line ends in LF without CR."
    case requestLine = "The request line is not `method SP target SP version`."
    case method = "The method is not a token."
    case version = "The version is not `HTTP/digit.digit`."
    case target = "The target is neither a path nor an http URI, or holds a byte that no URI may hold."
    case foldedLine = "A field line starts with white space: folded lines are not accepted."
    case missingColon = "A field line has no colon."
    case fieldName = "A field name is not a token followed directly by a colon."
    case fieldValue = "A field value holds a control byte."
    case host = "The Host field is not a host with an optional port."
    case missingHost = "An HTTP/1.1 request has no Host field."
    case repeatedHost = "There is more than one Host field."
    case contentLength = "The Content-Length is not a number in decimal digits, or is too large."
    case repeatedContentLength = "There is more than one Content-Length."
    case lengthAndCoding = "There are both a Content-Length and a Transfer-Encoding."
    case transferCoding = "The Transfer-Encoding is not exactly one final `chunked`."
    case codingInOldVersion = "An HTTP/1.0 request has a Transfer-Encoding."
    case chunkSize = "A chunk size is not a hexadecimal number, or is too large."
    case chunkExtension = "A chunk extension holds a control byte, or the extensions are too long."
    case chunkEnd = "A chunk's data is not followed by CRLF."
    case contentCoding = "The body is not what its Content-Encoding says, or ends too early."
    case trailer = "A trailer line is malformed, or the trailers are too long."
  }

  /// The status of the answer to such a request.
  public var status: Status {
    switch self {
    // RFC 9110 section 15.5.1.
    case .malformed: .badRequest
    // RFC 9110 section 15.6.6.
    case .unsupportedVersion: .httpVersionNotSupported
    // RFC 9110 section 9.1 and RFC 9112 section 6.1.
    case .unknownMethod, .unknownTransferCoding: .notImplemented
    // RFC 9110 section 15.5.18.
    case .unmetExpectation: .expectationFailed
    // RFC 9110 section 15.5.15.
    case .targetTooLong: .uriTooLong
    // RFC 6585 section 5.
    case .headTooLarge, .tooManyFields: .requestHeaderFieldsTooLarge
    // RFC 9110 section 15.5.14.
    case .bodyTooLarge, .ratioTooHigh: .contentTooLarge
    }
  }

  /// One sentence that says what was wrong.
  public var detail: String {
    switch self {
    case .malformed(let flaw, _): flaw.rawValue
    case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
    case .unknownMethod: "The method is not known here."
    case .unknownTransferCoding: "The only transfer coding known here is `chunked`."
    case .unmetExpectation: "The only expectation known here is `100-continue`."
    case .targetTooLong: "The request target is too long."
    case .headTooLarge: "The request line and the fields are too long."
    case .tooManyFields: "There are too many fields."
    case .bodyTooLarge: "The body is too large."
    case .ratioTooHigh: "The body becomes too many times larger when it is decompressed."
    }
  }

  /// The limit that was passed, in bytes, fields or times, where one was.
  public var limit: Int? {
    switch self {
    case .targetTooLong(let limit), .headTooLarge(let limit), .tooManyFields(let limit),
      .bodyTooLarge(let limit), .ratioTooHigh(let limit):
      limit
    case .malformed, .unsupportedVersion, .unknownMethod, .unknownTransferCoding, .unmetExpectation: nil
    }
  }
}
