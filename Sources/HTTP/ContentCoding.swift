/// A content coding that is known here (RFC 9110 section 8.4.1).
public enum ContentCoding: String, CaseIterable, Sendable {
  /// None at all. The name belongs to Accept-Encoding only (RFC 9110 section 8.4.1).
  case identity
  /// RFC 1952.
  case gzip
  /// RFC 1950, which holds RFC 1951.
  case deflate

  /// The coding called `name`, in any case; `x-gzip` is gzip (RFC 9110 section 8.4.1.3).
  init?(_ name: UnsafeRawBufferPointer) {
    switch name.count {
    case 4 where Bytes.equal(name, ignoringCase: "gzip"): self = .gzip
    case 6 where Bytes.equal(name, ignoringCase: "x-gzip"): self = .gzip
    case 7 where Bytes.equal(name, ignoringCase: "deflate"): self = .deflate
    case 8 where Bytes.equal(name, ignoringCase: "identity"): self = .identity
    default: return nil
    }
  }

  /// What the body of a request is coded with.
  public enum OfBody: Equatable, Sendable {
    /// This one coding, or none.
    case known(ContentCoding)
    /// A coding that is not known here, or more than one of those that are: nobody sends that but to multiply what comes
    /// out. To be answered with 415 and an Accept-Encoding field that names the known ones (RFC 9110 section
    /// 15.5.16).
    case unknown
  }
}

extension RequestHead {
  /// What the Content-Encoding fields say (RFC 9110 section 8.4). `identity` should not stand there, and says nothing
  /// where it does.
  public var contentCoding: ContentCoding.OfBody {
    var found = ContentCoding.identity
    var isUnknown = false
    forEachValue(of: "content-encoding") { value in
      Bytes.forEachElement(of: value) { element in
        guard let coding = ContentCoding(element) else {
          isUnknown = true
          return
        }
        if coding == .identity { return }
        if found != .identity { isUnknown = true }
        found = coding
      }
    }
    return isUnknown ? .unknown : .known(found)
  }
}
