import Buffers
import Compression
import HTTP

/// Codes the bodies of answers as their clients like them (RFC 9110 section 12.5.3). Each thread has its own, since a
/// deflater's memory, made at the first use, serves one answer after the other.
struct ResponseCoder: ~Copyable {
  private let minimum: Int
  private var gzip: Deflater?
  private var zlib: Deflater?

  /// A coder for bodies of at least `minimum` bytes; a smaller one gains nothing, and is coded only for those who take nothing
  /// else.
  init(minimum: Int) {
    self.minimum = minimum
  }

  /// Codes the body of `response` to `head`, where it is large enough, becomes smaller, and the client wants that; or where
  /// the client wants it in no other way.
  mutating func code(_ response: inout Response, for head: RequestHead) {
    if response.body.count == 0 { return }
    let accepted = head.acceptEncoding
    guard response.body.count >= minimum || accepted.refusesIdentity else { return }
    // RFC 9110 section 12.5.5: caches have to know, whatever was chosen.
    response.fields.append(Response.Field("Vary", "Accept-Encoding"))
    // A client that refuses everything gets the body as it is, which section 12.5.3 prefers to no answer.
    let coding = accepted.preferred(of: [.gzip, .deflate]) ?? .identity
    var coded = ByteBuffer()
    switch coding {
    case .identity: return
    case .gzip: Self.run(&gzip, .gzip, response.body.bytes, &coded)
    case .deflate: Self.run(&zlib, .zlib, response.body.bytes, &coded)
    }
    guard coded.count > 0, coded.count < response.body.count || accepted.refusesIdentity else { return }
    swap(&response.body, &coded)
    response.fields.append(Response.Field("Content-Encoding", coding.rawValue))
  }

  /// Leaves `output` empty where there is no memory for a deflater.
  private static func run(
    _ deflater: inout Deflater?, _ format: CompressionFormat, _ input: UnsafeRawBufferPointer,
    _ output: inout ByteBuffer
  ) {
    if deflater == nil { deflater = try? Deflater(format) }
    deflater?.deflate(input, into: &output)
    deflater?.finish(into: &output)
  }
}
