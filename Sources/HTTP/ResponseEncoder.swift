public import Buffers

/// Frames answers (RFC 9112 section 4): value in, bytes out.
public struct ResponseEncoder: ~Copyable {
  /// How an answer must be framed for the request that it answers.
  public struct Framing: Sendable {
    /// Whether the request was HEAD, whose answer has a head only (RFC 9110 section 9.3.2).
    public var isHead: Bool
    /// The minor HTTP/1 version of the request.
    public var minorVersion: Int
    /// Whether the connection stays.
    public var keepAlive: Bool

    /// The framing for a request of `minorVersion`.
    public init(isHead: Bool = false, minorVersion: Int = 1, keepAlive: Bool) {
      self.isHead = isHead
      self.minorVersion = minorVersion
      self.keepAlive = keepAlive
    }
  }

  private var date: DateField

  /// An encoder of answers sent at `second` since 1970; call `advance(to:)` as time goes by.
  public init(second: Int = 0) {
    date = DateField(second: second)
  }

  /// Makes `second` since 1970, in UTC, the Date of the answers that follow.
  public mutating func advance(to second: Int) {
    if second != date.second { date = DateField(second: second) }
  }

  /// Appends the head of `response` to `output`: status line, Date, Content-Type, Content-Length, its fields, those
  /// that `appendMore` adds (each `\r\n`, name, `: `, value), Connection where it says something, and the empty line.
  ///
  /// - Returns: how many bytes of the response's body are to follow: all or none.
  public func appendHead(
    of response: borrowing Response, framing: Framing, to output: inout ByteBuffer,
    appendMore: (inout ByteBuffer) -> Void = { _ in }
  ) -> Int {
    output.reserve(512)
    output.append("HTTP/1.1 ")
    output.append(decimal: response.status.rawValue)
    output.append(UInt8(ascii: " "))
    output.append(response.status.reasonPhrase)
    // RFC 9110 section 6.6.1: a server with a clock dates every answer, errors too.
    output.append("\r\nDate: ")
    date.append(to: &output)
    if let contentType = response.contentType {
      output.append("\r\nContent-Type: ")
      output.append(contentType)
    }
    // RFC 9110 section 8.6: no Content-Length in a 1xx or 204; RFC 9110 section 15: neither has a body.
    let hasNoBody = response.status.rawValue < 200 || response.status == .noContent
    if !hasNoBody {
      output.append("\r\nContent-Length: ")
      output.append(decimal: response.body.count)
    }
    for field in response.fields { Self.append(field, to: &output) }
    appendMore(&output)
    if !framing.keepAlive {
      output.append("\r\nConnection: close")
    } else if framing.minorVersion == 0 {
      // RFC 9112 section 9.3: a 1.0 client must be told.
      output.append("\r\nConnection: keep-alive")
    }
    output.append("\r\n\r\n")
    return hasNoBody || framing.isHead ? 0 : response.body.count
  }

  /// Appends an interim `100 Continue` (RFC 9110 section 15.2.1).
  public static func appendContinue(to output: inout ByteBuffer) {
    output.append("HTTP/1.1 100 Continue\r\n\r\n")
  }

  /// A control byte in a value would split the answer (RFC 9112 section 11.1); a space takes its place.
  private static func append(_ field: Response.Field, to output: inout ByteBuffer) {
    output.append("\r\n")
    output.append(field.name)
    output.append(": ")
    let start = output.count
    output.append(text: field.value)
    for index in start..<output.count where output.base[index] < 0x20 || output.base[index] == 0x7F {
      output.base[index] = Bytes.space
    }
  }
}
