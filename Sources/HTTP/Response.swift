public import Buffers

/// An answer before it is framed: the status, its fields and the whole body.
///
/// Content-Length, Date and Connection are the encoder's business and never stand in `fields`.
public struct Response: ~Copyable, Sendable {
  /// One header field. Names are known at compile time; values are ours and hold no CR, LF or NUL.
  public struct Field: Sendable {
    /// The field's name, in the customary spelling.
    public let name: StaticString
    /// The field's value.
    public let value: String

    /// A field of `name` and `value`.
    public init(_ name: StaticString, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The status of the answer.
  public var status: Status
  /// The media type of the body; nil where there is no body.
  public var contentType: StaticString?
  /// Further fields, in the order in which they are sent.
  public var fields: [Field]
  /// The body, whole.
  public var body: ByteBuffer

  /// An answer of `status`; without a `contentType` it has no body.
  public init(
    _ status: Status, contentType: StaticString? = nil, fields: [Field] = [],
    body: consuming ByteBuffer = ByteBuffer()
  ) {
    self.status = status
    self.contentType = contentType
    self.fields = fields
    self.body = body
  }
}
