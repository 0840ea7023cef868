import HTTP

/// The paths this service answers, each with its methods and what it answers with.
enum Route: String, CaseIterable {
  case convolve = "/convolve"
  case compare = "/compare"
  case gradients = "/gradients"
  case verify = "/verify"
  case formulations = "/formulations"
  case benchmark = "/benchmark"
  case healthz = "/healthz"
  case readyz = "/readyz"
  case openapi = "/openapi.yaml"

  /// The methods as the Allow field lists them.
  var allowedMethods: String {
    switch self {
    case .convolve, .compare, .gradients, .verify: "POST, OPTIONS"
    case .formulations, .benchmark, .healthz, .readyz, .openapi: "GET, HEAD, OPTIONS"
    }
  }

  /// Whether the route answers `method`. HEAD goes where GET goes (RFC 9110 section 9.3.2).
  func allows(_ method: Method) -> Bool {
    switch method {
    case .options: true
    case .post: takesBody
    case .get, .head: !takesBody
    case .put, .delete, .connect, .trace, .patch: false
    }
  }

  /// Whether it is posted a problem, and not just asked.
  var takesBody: Bool {
    switch self {
    case .convolve, .compare, .gradients, .verify: true
    case .formulations, .benchmark, .healthz, .readyz, .openapi: false
    }
  }

  /// The media type of a successful answer where nothing else is asked for.
  var mediaType: StaticString {
    switch self {
    case .openapi: "application/yaml"
    case .convolve, .compare, .gradients, .verify, .formulations, .benchmark, .healthz, .readyz:
      "application/json"
    }
  }

  /// The media type of an answer as a picture; nil where there is none.
  var pictureType: StaticString? { self == .verify ? "image/svg+xml" : nil }

  /// Whether an Accept field admits an answer of this route.
  func answers(_ accept: String) -> Bool {
    if accepts(accept, mediaType) { return true }
    guard let pictureType else { return false }
    return accepts(accept, pictureType)
  }
}
