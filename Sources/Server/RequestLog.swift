public import HTTP
public import Sockets

/// What became of one request.
public struct RequestRecord: Sendable {
  /// Its head; nil where none could be read.
  public let head: RequestHead?
  /// What it is called.
  public let identity: RequestIdentity
  /// Who asked.
  public let peer: PeerAddress
  /// The status of the answer; nil where the client left before there was one.
  public let status: Status?
  /// The bytes of the answer, head and body.
  public let byteCount: Int
  /// How long it took from its first byte until its answer was made, in nanoseconds.
  public let nanoseconds: Int
}

/// Where a server notes each request that it has dealt with; called from all event loops.
public protocol RequestLog: Sendable {
  /// Notes `record`, without waiting for anybody.
  func note(_ record: RequestRecord)
}
