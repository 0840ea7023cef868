import ArgumentParser
import Serving
import Sockets
import TLS

/// `convcheck health`: asks a running server for its health, so that a container needs no other client.
struct HealthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Ask a running server whether it lives.",
    discussion: """
      Exit status 0 if GET /healthz answers 200 in time, 1 if not. Host and port are set as for serve. A server that asks its \
      clients for certificates is asked at its admin port.
      """)

  private static let hostSetting = Setting(
    "host", ServerSettings.hostSetting.fallback, "address",
    "The numeric address that the server listens at, or localhost.")
  private static let portSetting = Setting(
    "port", ServerSettings.portSetting.fallback, "port", in: 1...65_535,
    "The port that the server listens at."
  )

  @Option(help: Self.hostSetting.help) var host: String?
  @Option(help: Self.portSetting.help) var port: String?
  @Option(help: ArgumentHelp("Seconds to wait for the answer.", valueName: "seconds")) var timeout = 3
  @Flag(
    help: """
      The port speaks TLS, which is so too where CONVCHECK_TLS_CERTIFICATE is set and CONVCHECK_TLS_PORT is not. The \
      certificate is not examined.
      """) var tls = false

  func validate() throws {
    guard (1...3600).contains(timeout) else {
      throw ValidationError("--timeout is \(timeout), but must be a whole number from 1 to 3600.")
    }
  }

  func run() throws {
    let host = try Self.reachable(Self.hostSetting.resolve(flag: host))
    let port = UInt16(try Self.portSetting.resolve(flag: port))
    let statusLine: String
    do {
      let address = try SocketAddress(host: host, port: port)
      let isSecure = try tls || TLSSettings.isMainPortSecure
      statusLine = try Self.statusLine(of: address, isSecure: isSecure, timeoutSeconds: timeout)
    } catch {
      throw Failure("no answer from \(host) port \(port): \(error)")
    }
    guard statusLine.hasPrefix("HTTP/1.1 200 ") else {
      throw Failure("\(host) port \(port) answers '\(statusLine)'")
    }
    print("ok")
  }

  /// The address at which a server that listens everywhere can be reached from here.
  private static func reachable(_ host: String) -> String {
    switch host {
    case "0.0.0.0": "127.0.0.1"
    case "::": "::1"
    default: host
    }
  }

  private static func statusLine(
    of address: SocketAddress, isSecure: Bool, timeoutSeconds: Int
  ) throws -> String {
    let client = try Client(to: address, timeoutSeconds: timeoutSeconds)
    let request = Array("GET /healthz HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\r\n".utf8)
    if isSecure {
      var client = try TLSClient(client, within: TLSContext(client: TLSClientOptions()))
      try request.withUnsafeBytes { try client.send($0) }
      return try firstLine { try client.receive(into: $0) }
    }
    try request.withUnsafeBytes { try client.send($0) }
    return try firstLine { try client.receive(into: $0) }
  }

  /// What stands before the first CR; a peer that is no HTTP server gets no more than 1024 bytes to show one.
  private static func firstLine(
    receive: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> String {
    var answer: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1024)
    while !answer.contains(0x0D), answer.count < room.count {
      let count = try room.withUnsafeMutableBytes(receive)
      if count == 0 { break }
      answer += room[..<count]
    }
    return String(decoding: answer.prefix { $0 != 0x0D }, as: UTF8.self)
  }
}
