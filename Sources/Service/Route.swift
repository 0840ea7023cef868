import HTTP

/// The paths this service answers, each with its methods and what it answers with.
enum Route: String, CaseIterable {
  case convolve = "/convolve"
  case compare = "/compare"
  case gradients = "/gradients"
  case verify = "/verify"
  case prove = "/prove"
  case `operator` = "/operator"
  case recognize = "/recognize"
  case formulations = "/formulations"
  case benchmark = "/benchmark"
  case healthz = "/healthz"
  case readyz = "/readyz"
  case metrics = "/metrics"
  case openapi = "/openapi.yaml"

  /// The methods as the Allow field lists them.
  var allowedMethods: String {
    switch self {
    case .convolve, .compare, .gradients, .verify, .prove, .operator, .recognize: "POST, OPTIONS"
    case .formulations, .benchmark, .healthz, .readyz, .metrics, .openapi: "GET, HEAD, OPTIONS"
    }
  }

  /// Whether the route answers `method`. HEAD goes where GET goes (RFC 9110 section 9.3.2).
  func allows(_ method: Method) -> Bool {
    switch method {
    case .options: true
    case .post: takesBody
    case .get, .head: !takesBody
    case .put, .delete, .connect, .trace, .patch, .query: false
    }
  }

  /// Whether it is posted a problem, and not just asked.
  var takesBody: Bool {
    switch self {
    case .convolve, .compare, .gradients, .verify, .prove, .operator, .recognize: true
    case .formulations, .benchmark, .healthz, .readyz, .metrics, .openapi: false
    }
  }

  /// The media types of a body that it takes.
  var bodyTypes: [StaticString] {
    switch self {
    case .convolve, .recognize: ["application/json", Self.array]
    case .compare, .gradients, .verify, .prove, .operator: ["application/json"]
    case .formulations, .benchmark, .healthz, .readyz, .metrics, .openapi: []
    }
  }

  /// Whether it takes a body of this Content-Type.
  func takes(contentType: String) -> Bool {
    isJSON(contentType: contentType)
      || (isNumPy(contentType: contentType) && bodyTypes.contains { "\($0)" == "\(Self.array)" })
  }

  /// The media types of a successful answer, the one for who does not mind first.
  var mediaTypes: [StaticString] {
    switch self {
    case .openapi: ["application/yaml"]
    case .metrics: ["text/plain"]
    case .verify, .operator: ["application/json", Self.picture]
    case .convolve: ["application/json", Self.array]
    case .compare, .gradients, .prove, .recognize, .formulations, .benchmark, .healthz, .readyz:
      ["application/json"]
    }
  }

  /// The media type of an answer that nobody asked to have another one.
  var mediaType: StaticString { mediaTypes[0] }

  /// The media type of pictures.
  static var picture: StaticString { "image/svg+xml" }
  /// The media type of an array in NumPy's file format.
  static var array: StaticString { "application/x-npy" }
}
