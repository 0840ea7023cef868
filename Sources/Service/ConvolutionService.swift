import Buffers
import Convolution
public import HTTP
public import Metrics
import Synchronization

/// The service: which path answers what. It holds no state but whether it takes new requests, and what it has judged.
public final class ConvolutionService: RequestHandler {
  let limits: ServiceLimits
  let verdicts: VerdictCounters
  private let life: Life
  /// The paths that are answered; all others are unknown.
  private let offered: [Route]
  /// The same, as they stand in a request.
  private let paths: [String]
  private let metrics: (any MetricsSource)?

  /// Whether new requests are welcome, which all who answer for one service agree on.
  private final class Life: Sendable {
    let isDraining = Atomic<Bool>(false)
  }

  /// A service that is ready and answers within `limits`. With `metrics` it answers `/metrics` too: with those, and with
  /// what it has judged.
  public convenience init(limits: ServiceLimits = ServiceLimits(), metrics: (any MetricsSource)? = nil) {
    self.init(
      limits, VerdictCounters(), Life(), Route.allCases.filter { $0 != .metrics || metrics != nil }, metrics)
  }

  private init(
    _ limits: ServiceLimits, _ verdicts: VerdictCounters, _ life: Life, _ offered: [Route],
    _ metrics: (any MetricsSource)?
  ) {
    self.limits = limits
    self.verdicts = verdicts
    self.life = life
    self.offered = offered
    paths = offered.map(\.rawValue)
    self.metrics = metrics
  }

  /// What answers for this service to those who run it: its health and `/metrics`, and nothing else.
  public func administration(metrics: any MetricsSource) -> ConvolutionService {
    ConvolutionService(limits, verdicts, life, [.healthz, .readyz, .metrics], metrics)
  }

  /// From now on `/readyz` says that new requests should go elsewhere.
  public func drain() {
    life.isDraining.store(true, ordering: .relaxed)
  }

  /// The methods that some path has.
  private var serverMethods: String {
    "GET, HEAD, \(offered.contains { $0.takesBody } ? "POST, " : "")OPTIONS"
  }

  private func route(at path: String) -> Route? { index(of: path).map { offered[$0] } }

  /// Asked three times a request: only strings of one length are compared, which are few.
  private func index(of path: String) -> Int? {
    let count = path.utf8.count
    return paths.firstIndex { $0.utf8.count == count && $0 == path }
  }

  /// Whether somebody asks how the server is: that must be answered most of all when it is not well.
  public func isUrgent(_ head: RequestHead) -> Bool {
    head.path == Route.healthz.rawValue || head.path == Route.readyz.rawValue
  }

  /// The paths, and `other` for all that is none.
  public var routes: [String] { ["other"] + offered.map(\.rawValue) }

  /// Which of them `head` asks for.
  public func route(of head: RequestHead) -> Int {
    index(of: head.path).map { $0 + 1 } ?? 0
  }

  /// Refuses what can be refused without the body: an unknown path, a wrong method, an Accept or a Content-Type
  /// that does not fit.
  public func refusal(for head: RequestHead) -> Response? {
    guard let route = route(at: head.path) else {
      if head.path == "*" { return nil }
      if head.method == .connect {
        return Problem(.methodNotAllowed, "CONNECT is for proxies, and this is none.")
          .response(fields: [Response.Field("Allow", serverMethods)])
      }
      let paths = offered.map(\.rawValue).joined(separator: ", ")
      return Problem(.notFound, "There is no \(head.path) here; there are \(paths).").response()
    }
    guard route.allows(head.method) else {
      return Problem(
        .methodNotAllowed,
        "\(head.method.rawValue) is not allowed on \(head.path), but \(route.allowedMethods) are."
      ).response(fields: [Response.Field("Allow", route.allowedMethods)])
    }
    if head.method == .options { return nil }
    if let accept = head.value(of: "accept"), preferred(accept, among: route.mediaTypes) == nil {
      let types = route.mediaTypes.map { "\($0)" }.joined(separator: " or ")
      return Problem(
        .notAcceptable, "\(head.path) answers with \(types), which the Accept field excludes."
      ).response()
    }
    if route.takesBody, let type = head.value(of: "content-type"), !route.takes(contentType: type) {
      let types = route.bodyTypes.map { "\($0)" }
      return Problem(
        .unsupportedMediaType,
        """
        The body must be \(types.joined(separator: " or ")), and its Content-Type says otherwise; with curl, use --json or \
        -H 'Content-Type: \(types[types.count - 1])'.
        """
      ).response(fields: [Response.Field("Accept", types.joined(separator: ", "))])
    }
    return nil
  }

  /// Answers a request that `refusal(for:)` let in; on the loop nil sends it to a worker.
  public func response(to request: borrowing Request, on place: Place) -> Response? {
    guard place == .worker else { return answer(to: request, on: place) }
    Parallel.enter()
    defer { Parallel.leave() }
    return answer(to: request, on: place)
  }

  private func answer(to request: borrowing Request, on place: Place) -> Response? {
    guard let route = route(at: request.head.path) else {
      // `OPTIONS *` is all that passes `refusal(for:)` without being a route.
      return Response(.noContent, fields: [Response.Field("Allow", serverMethods)])
    }
    if request.head.method == .options {
      return Response(.noContent, fields: [Response.Field("Allow", route.allowedMethods)])
    }
    do {
      switch route {
      case .convolve:
        return try convolve(request, on: place, asArray: prefers(Route.array, request.head, of: route))
      case .compare: return place == .loop ? nil : try compare(request.body)
      case .gradients: return place == .loop ? nil : try gradients(request.body)
      case .verify:
        return place == .loop
          ? nil : try verify(request.body, asPicture: prefers(Route.picture, request.head, of: route))
      case .prove: return place == .loop ? nil : try prove(request.body)
      case .operator:
        return place == .loop
          ? nil
          : try operatorMatrices(request.body, wantsPicture: prefers(Route.picture, request.head, of: route))
      case .recognize: return place == .loop ? nil : try recognize(request)
      case .formulations: return try formulations(Query(request.head.query))
      case .benchmark: return place == .loop ? nil : try benchmark(Query(request.head.query))
      case .healthz: return statusAnswer("ok")
      case .readyz: return readiness()
      case .metrics: return exposition()
      // Long enough that it is worth compressing, which is no loop's work.
      case .openapi: return place == .loop ? nil : contract()
      }
    } catch {
      return Problem(error).response()
    }
  }

  /// Words what the server itself refuses.
  public func response(for refusal: Refusal) -> Response {
    var problem = Problem(refusal.status, refusal.detail)
    problem.limit = refusal.limit
    problem.actual = refusal.actual
    return problem.response(
      fields: refusal.status == .serviceUnavailable ? [Response.Field("Retry-After", "1")] : [])
  }

  /// Whether the request would rather have an answer of `route` as `type` than in any other of its types.
  private func prefers(_ type: StaticString, _ head: RequestHead, of route: Route) -> Bool {
    guard let accept = head.value(of: "accept"), accept != "*/*" else { return false }
    return preferred(accept, among: route.mediaTypes).map { "\($0)" } == "\(type)"
  }

  private func readiness() -> Response {
    if life.isDraining.load(ordering: .relaxed) {
      return Problem(.serviceUnavailable, "The server is shutting down.")
        .response(fields: [Response.Field("Retry-After", "1")])
    }
    return statusAnswer("ready")
  }

  private func statusAnswer(_ word: StaticString) -> Response {
    var body = ByteBuffer(capacity: 32)
    body.append("{\"status\":\"")
    body.append(word)
    body.append("\"}\n")
    return Response(.ok, contentType: Route.healthz.mediaType, body: body)
  }

  private func exposition() -> Response {
    var writer = MetricsWriter()
    metrics?.append(to: &writer)
    verdicts.append(to: &writer)
    return Response(.ok, contentType: MetricsWriter.mediaType, body: writer.finish())
  }

  private func contract() -> Response {
    var body = ByteBuffer()
    PackageResources.openapi_yaml.withUnsafeBufferPointer { body.append(contentsOf: $0) }
    return Response(.ok, contentType: Route.openapi.mediaType, body: body)
  }
}
