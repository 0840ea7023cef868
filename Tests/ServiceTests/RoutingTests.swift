import HTTP
import Metrics
import Service
import Testing

private let service = ConvolutionService()
private let posting = ["/convolve", "/compare", "/gradients"]
private let reading = ["/formulations", "/benchmark", "/healthz", "/readyz", "/openapi.yaml"]

/// Metrics that say nothing.
private struct Nothing: MetricsSource {
  func append(to writer: inout MetricsWriter) {}
}

@Suite struct RoutingTests {
  @Test(
    "every path answers its methods, and 405 with the right ones to all others",
    arguments: HTTP.Method.allCases)
  func methods(method: HTTP.Method) throws {
    // CONNECT names no path (RFC 9110 section 9.3.6), so that no request for one comes this far.
    if method == .connect { return }
    for path in reading + posting {
      let allowed = posting.contains(path) ? "POST, OPTIONS" : "GET, HEAD, OPTIONS"
      let answer = try service.answer(method, path)
      if method == .options {
        #expect(answer.status == .noContent && answer.fields["Allow"] == allowed && answer.text.isEmpty)
      } else if allowed.split(separator: ", ").contains(Substring(method.rawValue)) {
        #expect(answer.status != .methodNotAllowed && answer.status != .notFound, "\(method) \(path)")
      } else {
        #expect(answer.status == .methodNotAllowed && answer.fields["Allow"] == allowed)
        let detail = "\(method.rawValue) is not allowed on \(path), but \(allowed) are."
        #expect(try answer.json["detail"] == .string(detail))
      }
    }
  }

  @Test("OPTIONS of the whole server lists the methods it knows")
  func serverOptions() throws {
    let answer = try service.answer(.options, "*")
    #expect(answer.status == .noContent && answer.text.isEmpty && answer.contentType == nil)
    #expect(answer.fields["Allow"] == "GET, HEAD, POST, OPTIONS")
  }

  @Test(
    "an unknown path is answered with 404, whatever the method, and with the paths there are",
    arguments: ["/nothing", "/convolve/", "/Convolve", "//convolve", "/convolve/extra", "/%63onvolve"])
  func unknownPath(path: String) throws {
    for method in [HTTP.Method.get, .post, .put, .options] {
      let answer = try service.answer(method, path)
      #expect(answer.status == .notFound && answer.contentType == "application/problem+json")
      let problem = try answer.json
      #expect(problem.keys == ["type", "title", "status", "detail"])
      #expect(problem["type"] == "about:blank" && problem["title"] == "Not Found" && problem["status"] == 404)
      let detail = try #require(problem["detail"]?.string)
      #expect(detail.hasPrefix("There is no \(path) here; there are "))
      for known in reading + posting { #expect(detail.contains(known)) }
    }
  }

  @Test(
    "an Accept field admits JSON by its most specific range",
    arguments: [
      ("*/*", true), ("application/json", true), ("Application/JSON", true), ("application/*", true),
      ("text/html, */*;q=0.1", true), ("text/html,application/json;q=0.001", true),
      ("*/*;q=0, application/json", true), ("application/*;q=0, application/json;q=0.5, */*;q=0", true),
      ("application/json; q=1.000", true), ("text/html", false), ("text/*", false),
      ("application/jsonx", false),
      ("application/json;q=0, */*", false), ("application/json;q=0.000, application/*", false),
      ("*/*;q=0", false), ("application/*; q=0, */*", false), ("json", false),
    ])
  func accept(field: String, admitted: Bool) throws {
    let answer = try service.answer(.get, "/healthz", fields: ["Accept": field])
    #expect(answer.status == (admitted ? .ok : .notAcceptable), "\(field)")
    let post = try service.answer(.post, "/compare", Notebook.problem(), fields: ["Accept": field])
    #expect(post.status == (admitted ? .ok : .notAcceptable), "\(field)")
    if !admitted {
      let detail: JSON = "/healthz answers with application/json, which the Accept field excludes."
      #expect(try answer.json["detail"] == detail)
    }
  }

  @Test("the description is YAML, and an Accept field that asks for JSON alone excludes it")
  func acceptYAML() throws {
    let refused = try service.answer(.get, "/openapi.yaml", fields: ["Accept": "application/json"])
    #expect(refused.status == .notAcceptable)
    let answer = try service.answer(.get, "/openapi.yaml", fields: ["Accept": "application/yaml"])
    #expect(answer.status == .ok && answer.contentType == "application/yaml")
    #expect(answer.text.hasPrefix("openapi: 3.1"))
  }

  @Test(
    "a body is taken as JSON or as a type with the suffix +json, with any parameters, or without a type",
    arguments: [
      ("application/json", true), ("application/json; charset=utf-8", true), ("APPLICATION/JSON ;a=b", true),
      ("application/problem+json", true), ("application/vnd.a.b+JSON; q=1", true), ("text/plain", false),
      ("application/x-www-form-urlencoded", false), ("application/jsonx", false), ("image/svg+json", false),
      ("json", false), ("text/plain; a=application/json", false), ("application/xml", false),
    ])
  func contentType(type: String, taken: Bool) throws {
    for path in posting {
      let more = path == "/gradients" ? #""upstream":[[1,1,1,1],[1,1,1,1],[1,1,1,1],[1,1,1,1]]"# : ""
      let answer = try service.answer(.post, path, Notebook.problem(more), fields: ["Content-Type": type])
      #expect(answer.status == (taken ? .ok : .unsupportedMediaType), "\(path) \(type)")
      if !taken {
        let known = path == "/convolve" ? "application/json, application/x-npy" : "application/json"
        #expect(answer.fields["Accept"] == known)
        #expect(try answer.json["detail"]?.string?.contains("--json") == true)
      }
    }
    #expect(try service.answer(.post, "/convolve", Notebook.problem()).status == .ok)
  }

  @Test("the status paths say ok and ready, and HEAD has the very answer of GET")
  func status() throws {
    #expect(try service.answer(.get, "/healthz").text == "{\"status\":\"ok\"}\n")
    #expect(try service.answer(.get, "/readyz").text == "{\"status\":\"ready\"}\n")
    for path in ["/healthz", "/readyz", "/formulations", "/openapi.yaml"] {
      let (get, head) = (try service.answer(.get, path), try service.answer(.head, path))
      #expect(get.status == .ok && get.text == head.text && get.contentType == head.contentType)
    }
  }

  @Test("metrics are a path where there are any, and what has been judged is among them")
  func metrics() throws {
    #expect(try service.answer(.get, "/metrics").status == .notFound)
    let service = ConvolutionService(metrics: Nothing())
    #expect(try service.convolve(Notebook.problem()).status == .ok)
    let answer = try service.answer(.get, "/metrics")
    #expect(answer.status == .ok && answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
    #expect(
      answer.text.contains("\nconvcheck_verdicts_total{route=\"/convolve\",outcome=\"equivalent\"} 1\n"))
    #expect(try service.answer(.post, "/metrics").fields["Allow"] == "GET, HEAD, OPTIONS")
  }

  @Test("those who run the service see its health and its metrics, and nothing else")
  func administration() throws {
    let service = ConvolutionService()
    let administration = service.administration(metrics: Nothing())
    for path in ["/healthz", "/readyz", "/metrics"] {
      #expect(try administration.answer(.get, path).status == .ok)
    }
    for path in posting + ["/formulations", "/openapi.yaml"] {
      #expect(try administration.answer(.get, path).status == .notFound)
    }
    #expect(try administration.answer(.options, "*").fields["Allow"] == "GET, HEAD, OPTIONS")
    service.drain()
    #expect(try administration.answer(.get, "/readyz").status == .serviceUnavailable)
  }

  @Test("each path is counted under its own name")
  func routes() throws {
    let names = ConvolutionService(metrics: Nothing()).routes
    #expect(Set(names).count == names.count && names[0] == "other")
    let service = ConvolutionService()
    for path in posting + reading {
      #expect(service.routes[service.route(of: try RequestHead(.get, path))] == path)
    }
    for path in ["/nothing", "/metrics", "/convolve/"] {
      #expect(service.route(of: try RequestHead(.get, path)) == 0)
    }
  }

  @Test("while draining the service is alive, not ready, and answers what it is asked")
  func draining() throws {
    let service = ConvolutionService()
    #expect(try service.answer(.get, "/readyz").status == .ok)
    service.drain()
    let answer = try service.answer(.get, "/readyz")
    #expect(answer.status == .serviceUnavailable && answer.fields["Retry-After"] == "1")
    #expect(try answer.json["detail"] == "The server is shutting down.")
    #expect(try service.answer(.get, "/healthz").status == .ok)
    #expect(try service.solve(Notebook.problem())["result"] == Notebook.result)
  }

  @Test("a refusal of the server's own is worded with its limit, and 503 says when to come again")
  func refusals() throws {
    let tooLarge = Answer(
      service.response(
        for: Refusal(status: .contentTooLarge, detail: "The body is too large.", limit: 10, actual: 11)))
    #expect(tooLarge.status == .contentTooLarge && tooLarge.fields.isEmpty)
    #expect(tooLarge.contentType == "application/problem+json")
    let head =
      #"{"type":"about:blank","title":"Content Too Large","status":413,"detail":"The body is too large.""#
    #expect(tooLarge.text == head + ",\"limit\":10,\"actual\":11}\n")
    let full = Answer(service.response(for: Refusal(status: .serviceUnavailable, detail: "Full.")))
    #expect(full.status == .serviceUnavailable && full.fields == ["Retry-After": "1"])
    #expect(try full.json.keys == ["type", "title", "status", "detail"])
  }
}
