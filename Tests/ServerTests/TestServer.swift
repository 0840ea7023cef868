import Logging
import Server
import Sockets

/// Runs a server on a free port while `use` talks to it, and stops it afterwards.
func withServer<Result>(
  _ change: (inout ServerOptions) -> Void = { _ in }, log: (any RequestLog)? = nil,
  _ use: (Server, TestHandler) throws -> Result
) throws -> Result {
  var options = ServerOptions(cores: 2)
  options.port = 0
  change(&options)
  let handler = TestHandler()
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  let server = try Server(options: options, handler: handler, logger: logger, log: log)
  try server.start()
  defer {
    handler.open()
    server.stopNow()
    _ = server.wait()
  }
  return try use(server, handler)
}

/// Runs `body` for each number on a thread of its own and returns what went wrong.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws -> [String] {
  let failures = Monitor<[String]>([])
  var threads: [Thread] = []
  for number in 0..<count {
    threads.append(
      try Thread(name: "client-\(number)") {
        do { try body(number) } catch { failures.withLock { $0.append("client \(number): \(error)") } }
      })
  }
  for thread in threads { thread.join() }
  return failures.withLock { $0 }
}
