/// The request methods of RFC 9110 section 9, of RFC 5789, and QUERY, which the HTTP working group defines for safe
/// requests with a body.
public enum Method: String, CaseIterable, Sendable {
  case get = "GET"
  case head = "HEAD"
  case post = "POST"
  case put = "PUT"
  case delete = "DELETE"
  case connect = "CONNECT"
  case options = "OPTIONS"
  case trace = "TRACE"
  case patch = "PATCH"
  case query = "QUERY"

  /// The method as it stands in a request line, without a string to be made.
  public var name: StaticString {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .connect: "CONNECT"
    case .options: "OPTIONS"
    case .trace: "TRACE"
    case .patch: "PATCH"
    case .query: "QUERY"
    }
  }
}

extension Method {
  /// The method that `bytes` spell, exactly and in this case (RFC 9110 section 9.1); nil for any other.
  @inline(__always)
  init?(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count > 7 { return nil }
    var word: UInt64 = 0
    for byte in bytes { word = word << 8 | UInt64(byte) }
    switch word {
    case 0x47_45_54: self = .get
    case 0x48_45_41_44: self = .head
    case 0x50_4F_53_54: self = .post
    case 0x50_55_54: self = .put
    case 0x44_45_4C_45_54_45: self = .delete
    case 0x43_4F_4E_4E_45_43_54: self = .connect
    case 0x4F_50_54_49_4F_4E_53: self = .options
    case 0x54_52_41_43_45: self = .trace
    case 0x50_41_54_43_48: self = .patch
    case 0x51_55_45_52_59: self = .query
    default: return nil
    }
  }
}
