import HTTP
import Testing

@Suite struct ContentCodingTests {
  /// A field value, and the answer's coding where gzip and deflate are offered in this order: by RFC 9110 section
  /// 12.5.3, "none" where nothing is acceptable.
  static let negotiations: [(String, String)] = [
    // The examples of the section.
    ("compress, gzip", "gzip"), ("", "identity"), ("*", "gzip"), ("compress;q=0.5, gzip;q=1.0", "gzip"),
    ("gzip;q=1.0, identity; q=0.5, *;q=0", "gzip"),
    // What browsers, curl and Python send.
    ("gzip, deflate, br, zstd", "gzip"), ("deflate, gzip, br", "gzip"), ("gzip, deflate", "gzip"),
    ("identity", "identity"), ("br", "identity"),
    // Weights decide, then the server's order.
    ("deflate", "deflate"), ("gzip;q=0.5, deflate", "deflate"), ("gzip;q=0.5, deflate;q=0.5", "gzip"),
    ("deflate;q=0.501, gzip;q=0.5", "deflate"), ("gzip;q=0.001", "gzip"), ("gzip;q=1.000", "gzip"),
    ("gzip;q=1.", "gzip"), ("gzip;q=0., deflate", "deflate"), ("gzip;Q=0, deflate", "deflate"),
    // Refusals.
    ("gzip;q=0", "identity"), ("gzip;q=0, deflate;q=0.000", "identity"), ("gzip;q=0, *", "deflate"),
    ("*;q=0", "none"), ("*;q=0, gzip", "gzip"), ("*;q=0, identity", "identity"),
    ("*;q=0, identity;q=0.5", "identity"), ("identity;q=0", "none"), ("identity;q=0, gzip", "gzip"),
    ("identity;q=0, *", "gzip"), ("identity;q=0, br", "none"), ("gzip;q=0, identity;q=0, *", "deflate"),
    // Doing without can be preferred.
    ("identity, gzip;q=0.5", "identity"), ("identity;q=0.5, gzip;q=0.5", "gzip"),
    ("identity;q=0.2, *;q=0.1", "identity"),
    // Names are compared without case, x-gzip is gzip, and white space may stand around the semicolon.
    ("GZip", "gzip"), ("x-gzip", "gzip"), ("X-GZIP;q=0.1", "gzip"), ("x-gzip;q=0, gzip", "identity"),
    ("gzip ; q=0, deflate", "deflate"), ("gzip\t;\tq=0.4 ,\tdeflate;q=0.3", "gzip"), (",, gzip ,", "gzip"),
    // What breaks the grammar says nothing at all.
    ("gzip;q=2", "identity"), ("gzip;q=1.001", "identity"), ("gzip;q=0.0001", "identity"),
    ("identity;q=0.0000", "identity"),
    ("gzip;q=", "identity"),
    ("gzip;q", "identity"), ("gzip;q=-1", "identity"), ("gzip;q=+1", "identity"), ("gzip;q=.5", "identity"),
    ("gzip;q=01", "identity"), ("gzip;level=1", "identity"), ("gzip;q=1;q=0", "identity"),
    ("gzip;", "identity"),
    ("gzip q=1", "identity"), (";q=1", "identity"), ("gzip;q=1,0", "gzip"), ("identity;q=0;", "identity"),
    ("gzip;q = 1", "identity"), ("gz\"ip", "identity"), ("identity;q=0.0x", "identity"),
  ]

  @Test("the answer's coding is the one that the client likes best", arguments: negotiations)
  func negotiates(_ field: String, _ expected: String) throws {
    let chosen = AcceptEncoding(field).preferred(of: [.gzip, .deflate])
    #expect(chosen?.rawValue ?? "none" == expected)
    let head = try RequestHead(.get, "/", fields: ["Accept-Encoding": field])
    #expect(head.acceptEncoding.preferred(of: [.gzip, .deflate]) == chosen)
  }

  @Test("without the field no coding is used")
  func absentField() throws {
    let head = try RequestHead(.get, "/")
    #expect(head.acceptEncoding.preferred(of: [.gzip, .deflate]) == .identity)
  }

  @Test("several fields count as one list")
  func severalFields() throws {
    let head = try RequestHead(
      .get, "/", fields: ["Accept-Encoding": "identity;q=0", "accept-encoding": "deflate"])
    #expect(head.acceptEncoding.preferred(of: [.gzip, .deflate]) == .deflate)
    #expect(head.acceptEncoding.preferred(of: [.gzip]) == nil)
  }

  @Test("a server that offers nothing answers as it is, or not at all")
  func nothingOffered() {
    #expect(AcceptEncoding("gzip").preferred(of: []) == .identity)
    #expect(AcceptEncoding("gzip, identity;q=0").preferred(of: []) == nil)
  }

  static let bodies: [([String], ContentCoding.OfBody)] = [
    ([], .known(.identity)), ([""], .known(.identity)), (["gzip"], .known(.gzip)),
    (["X-Gzip"], .known(.gzip)),
    (["Deflate"], .known(.deflate)), (["identity"], .known(.identity)), (["identity, gzip"], .known(.gzip)),
    (["gzip, gzip"], .unknown), (["gzip", "deflate"], .unknown), (["br"], .unknown), (["gzip, br"], .unknown),
    (["gzip;q=1"], .unknown), (["*"], .unknown), (["gzip x"], .unknown), (["gzi"], .unknown),
  ]

  @Test("a request's body has one coding that is known, or is refused", arguments: bodies)
  func codingOfBody(_ fields: [String], _ expected: ContentCoding.OfBody) throws {
    let head =
      switch fields.count {
      case 0: try RequestHead(.post, "/")
      case 1: try RequestHead(.post, "/", fields: ["Content-Encoding": fields[0]])
      default:
        try RequestHead(.post, "/", fields: ["Content-Encoding": fields[0], "content-encoding": fields[1]])
      }
    #expect(head.contentCoding == expected)
  }
}
