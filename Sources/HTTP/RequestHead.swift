/// How the end of a request's body is found (RFC 9112 section 6.3).
public enum BodyFraming: Equatable, Sendable {
  /// There is no body.
  case none
  /// The body has exactly this many bytes; never 0, which is `none`.
  case contentLength(Int)
  /// The body comes in chunks.
  case chunked
}

/// The parsed head of a request: the bytes as they came, once, and where its parts stand in them.
///
/// Strings are made only when asked for; copies share the bytes.
public struct RequestHead: Sendable {
  /// One field line: where its name and its value, without the white space around it, stand in the head.
  struct FieldRange: Sendable {
    let name: Range<Int32>
    let value: Range<Int32>
  }

  /// The method.
  public let method: Method
  /// The path of the target, percent-decoding not applied, as in `/convolve`; `*` for OPTIONS of the server,
  /// and for CONNECT the host and port.
  public let path: String
  /// The minor version of HTTP/1 that the client speaks; 1 stands for everything above 1 too.
  public let minorVersion: Int
  /// How the end of the body is found.
  public let framing: BodyFraming
  /// Whether the client wants to go on using the connection (RFC 9112 section 9.3).
  public let keepAlive: Bool
  /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
  public let expectsContinue: Bool

  let bytes: [UInt8]
  let queryRange: Range<Int32>?
  let fields: [FieldRange]

  /// How many bytes the head had, which are kept as long as this value is.
  public var byteCount: Int { bytes.count }

  /// The query of the target behind `?`, raw, or nil where there is none.
  public var query: String? {
    queryRange.map { range in text(range) }
  }

  /// The value of the field called `name` (lower case, compared without case); several lines of one name
  /// are joined with `, ` as RFC 9110 section 5.3 says. Nil where the field is absent.
  ///
  /// Bytes that are no UTF-8 come out as replacement characters.
  public func value(of name: StaticString) -> String? {
    var joined: String?
    bytes.withUnsafeBytes { bytes in
      for field in fields where field.name.count == name.utf8CodeUnitCount {
        if !Bytes.equal(bytes[within: field.name], ignoringCase: name) { continue }
        let value = String(decoding: bytes[within: field.value], as: UTF8.self)
        joined = joined.map { $0 + ", " + value } ?? value
      }
    }
    return joined
  }

  /// The values of the field called `name`, one for each of its lines, as bytes.
  public func forEachValue(of name: StaticString, _ visit: (UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { bytes in
      for field in fields where field.name.count == name.utf8CodeUnitCount {
        if Bytes.equal(bytes[within: field.name], ignoringCase: name) { visit(bytes[within: field.value]) }
      }
    }
  }

  /// Where the value of the field called `name` stands, if there is exactly one such line and `isValid` likes its value.
  func onlyRange(of name: StaticString, if isValid: (UnsafeRawBufferPointer) -> Bool) -> Range<Int32>? {
    bytes.withUnsafeBytes { bytes in
      var found: Range<Int32>?
      for field in fields where field.name.count == name.utf8CodeUnitCount {
        if !Bytes.equal(bytes[within: field.name], ignoringCase: name) { continue }
        if found != nil { return nil }
        found = field.value
      }
      guard let found, isValid(bytes[within: found]) else { return nil }
      return found
    }
  }

  private func text(_ range: Range<Int32>) -> String {
    bytes.withUnsafeBytes { String(decoding: $0[within: range], as: UTF8.self) }
  }

  /// A head made from its parts, parsed like one from a socket; a Host field is added where none is given.
  ///
  /// - Throws: what the parser would refuse.
  public init(
    _ method: Method, _ target: String, fields: KeyValuePairs<String, String> = [:]
  ) throws(HTTPError) {
    var text = "\(method.rawValue) \(target) HTTP/1.1\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    if !fields.contains(where: { $0.key.lowercased() == "host" }) { text += "Host: localhost\r\n" }
    text += "\r\n"
    let bytes = Array(text.utf8)
    var parser = RequestParser()
    let parsed = bytes.withUnsafeBytes { bytes in
      Result { () throws(HTTPError) in try parser.parse(bytes) }
    }
    guard case .head(let head, let length) = try parsed.get(), length == bytes.count else {
      throw .malformed(.fieldValue, at: 0)
    }
    self = head
  }

  init(
    method: Method, path: String, minorVersion: Int, framing: BodyFraming, keepAlive: Bool,
    expectsContinue: Bool, bytes: [UInt8], queryRange: Range<Int32>?, fields: [FieldRange]
  ) {
    self.method = method
    self.path = path
    self.minorVersion = minorVersion
    self.framing = framing
    self.keepAlive = keepAlive
    self.expectsContinue = expectsContinue
    self.bytes = bytes
    self.queryRange = queryRange
    self.fields = fields
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  subscript(within range: Range<Int32>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[Int(range.lowerBound)..<Int(range.upperBound)])
  }
}
