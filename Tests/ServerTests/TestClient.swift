import Sockets

/// One answer as a client reads it.
struct Answer: Equatable {
  var status: Int
  var fields: [String: String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }
  var isLast: Bool { fields["connection"] == "close" }
}

/// What can go wrong for a test's client.
enum ClientError: Error {
  case ended
  case malformed(String)
}

/// An HTTP client that reads answers one by one and knows nothing of the server's code.
struct TestClient: ~Copyable {
  private let client: Client
  private var unread: [UInt8] = []

  init(_ address: SocketAddress, receiveRoom: Int? = nil) throws {
    client = try Client(to: address, timeoutSeconds: 60, receiveRoom: receiveRoom)
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(SystemError) in try client.send(bytes) }
    }
    try result.get()
  }

  func shutdownWriting() throws { try client.shutdownWriting() }

  func resetWhenClosed() throws { try client.resetWhenClosed() }

  /// Reads once; false at the end of the stream, be it polite or a reset.
  mutating func fill(_ room: Int = 64 << 10) throws -> Bool {
    var bytes = [UInt8](repeating: 0, count: room)
    let result = bytes.withUnsafeMutableBytes { bytes in
      Result { () throws(SystemError) in try client.receive(into: bytes) }
    }
    switch result {
    case .success(let count):
      unread.append(contentsOf: bytes[..<count])
      return count > 0
    case .failure(.timedOut): throw SystemError.timedOut
    case .failure: return false
    }
  }

  /// Whether the server ends the connection without another byte.
  mutating func isEnded() throws -> Bool {
    if !unread.isEmpty { return false }
    return try !fill()
  }

  /// Reads one line without its CRLF.
  private mutating func line() throws -> String {
    var searched = 0
    while true {
      if let end = unread[searched...].firstIndex(of: 10) {
        guard end > 0, unread[end - 1] == 13 else { throw ClientError.malformed("bare LF") }
        let line = String(decoding: unread[..<(end - 1)], as: UTF8.self)
        unread.removeFirst(end + 1)
        return line
      }
      searched = unread.count
      guard try fill() else { throw ClientError.ended }
    }
  }

  /// The next answer; `isHead` where it answers HEAD.
  mutating func answer(isHead: Bool = false) throws -> Answer {
    let parts = try line().split(separator: " ", maxSplits: 2)
    guard parts.count == 3, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
      throw ClientError.malformed("status line \(parts)")
    }
    var answer = Answer(status: status, fields: [:], body: [])
    while true {
      let line = try line()
      if line.isEmpty { break }
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw ClientError.malformed(line) }
      answer.fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
    }
    if status < 200 || isHead { return answer }
    guard let count = answer.fields["content-length"].flatMap({ Int($0) }) else { return answer }
    while unread.count < count { guard try fill() else { throw ClientError.ended } }
    answer.body = Array(unread[..<count])
    unread.removeFirst(count)
    return answer
  }

  /// Sends a request with a body and reads its answer.
  mutating func exchange(_ path: String, _ body: [UInt8] = []) throws -> Answer {
    try send(Array("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
    return try answer()
  }
}
