import HTTP
public import TLS

/// Where a server listens and what it allows.
public struct ServerOptions: Sendable {
  /// The numeric host to listen at, or `localhost`.
  public var host = "127.0.0.1"
  /// The port; 0 lets the kernel choose.
  public var port: UInt16 = 8080
  /// Whether other processes may listen at the same place, each serving a part of the connections: so a new
  /// process can take over from an old one with no connection lost.
  public var sharesPort = false
  /// The keys and certificates to speak TLS with; nil speaks in the clear.
  public var tls: TLSContextSource?
  /// The port for TLS, where the other is to be in the clear; nil speaks nothing but TLS.
  public var securePort: UInt16?
  /// From which size on, in bytes, the body of an answer is compressed for those who want that.
  public var minimumCodedBytes = 1024
  /// How many event loops, each on its own thread with its own listener.
  public var eventLoops: Int
  /// How many worker threads.
  public var workers: Int
  /// The longest body after transfer decoding, in bytes.
  public var maximumBodyBytes = 64 << 20
  /// How many times as long a body may become when its content coding is undone, behind the first megabyte. Deflate
  /// reaches 1032, so that this bounds nothing unless it is lowered: images of one colour are honest.
  public var maximumRatio = 1100
  /// The longest request head, in bytes.
  public var maximumHeadBytes = 16 << 10
  /// The most field lines of a request.
  public var maximumFields = 100
  /// The longest request target, in bytes.
  public var maximumTargetBytes = 8000
  /// The most connections at a time, over all loops. A few more are let in to hear so, or to ask what is urgent.
  public var maximumConnections = 10_000
  /// The most requests that wait for a worker.
  public var queueLength = 256
  /// The bound, in bytes, on what all requests in flight hold together: bodies on their way in, answers on their
  /// way out, and bytes that wait for their turn.
  public var maximumBytesInFlight = 1 << 30
  /// The most requests of one connection that are answered in one go; those behind them wait until the other
  /// connections have had their turn, and nothing more is read from that client meanwhile.
  public var pipelineDepth = 32
  /// How long a head may take from its first byte on.
  public var headSeconds = 10
  /// How long a request may take from its first byte until its answer is made.
  public var requestSeconds = 60
  /// How long a connection may wait for a next request.
  public var idleSeconds = 60
  /// How long a body, or an answer on its way out, may stand still; also the time before the rate counts.
  public var stallSeconds = 20
  /// The least average rate, in bytes a second, of a body or of an answer on its way out.
  public var minimumBytesPerSecond = 512
  /// How long the server goes on reading after an answer that ends a connection, so that the client, which may
  /// still be sending, can read the answer before a reset destroys it.
  public var lingerSeconds = 5
  /// How many bytes are thrown away in that time at most.
  public var lingerBytes = 256 << 20
  /// How long whoever runs the server should go on taking connections after it was told to end, so that those who
  /// send clients here hear of it first.
  public var drainDelaySeconds = 0
  /// How long `drain` waits for requests in flight.
  public var drainSeconds = 30

  /// The defaults, for a machine of `cores` cores.
  public init(cores: Int) {
    eventLoops = max(1, cores)
    workers = max(1, cores)
  }

  var headLimits: HeadLimits {
    HeadLimits(bytes: maximumHeadBytes, fields: maximumFields, target: maximumTargetBytes)
  }
}
