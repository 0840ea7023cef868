public import Buffers

/// What a request is called, in its answer and in the log: a name of its own, and its place in a trace.
public struct RequestIdentity: Sendable {
  /// The longest name that is taken from a client.
  public static let longestName = 128

  /// Where the client's name stands in the head.
  private let given: Range<Int32>?
  /// What stands in its place.
  private let made: (UInt64, UInt64)
  /// The client's place in a trace, where it has a valid one.
  public let trace: TraceParent?
  /// The number of this request in that trace.
  public let span: UInt64

  /// The identity of the request with `head`, nil where none could be read.
  ///
  /// An `X-Request-Id` is taken over where there is exactly one and it is a token (RFC 9110 section 5.6.2) of at most 128
  /// bytes, so that nobody can write whatever they like into the log.
  public init(of head: RequestHead?, _ numbers: inout RequestNumbers) {
    made = (numbers.next(), numbers.next())
    guard let head else {
      (given, trace, span) = (nil, nil, 0)
      return
    }
    given = head.onlyRange(of: "x-request-id") { name in
      name.count <= Self.longestName && Bytes.isToken(name)
    }
    var trace: TraceParent?
    _ = head.onlyRange(of: "traceparent") { value in
      trace = TraceParent(value)
      return true
    }
    self.trace = trace
    // Section 3.2.2.4 of Trace Context: never zero.
    span = trace == nil ? 0 : numbers.next() | 1
  }

  /// Shows `use` the name; `head` is that of the same request.
  public func withName(_ head: RequestHead?, _ use: (UnsafeRawBufferPointer) -> Void) {
    if let given, let head {
      head.bytes.withUnsafeBytes { use($0[within: given]) }
      return
    }
    var name = ByteBuffer(capacity: 32)
    name.append(hexadecimal: made.0)
    name.append(hexadecimal: made.1)
    use(name.bytes)
  }

  private func appendName(_ head: RequestHead?, to output: inout ByteBuffer) {
    if let given, let head {
      head.bytes.withUnsafeBytes { bytes in
        output.append(contentsOf: bytes[within: given].assumingMemoryBound(to: UInt8.self))
      }
    } else {
      output.append(hexadecimal: made.0)
      output.append(hexadecimal: made.1)
    }
  }

  /// Appends the fields that tell the client: `X-Request-Id`, and `traceparent` where there is a trace.
  public func appendFields(_ head: RequestHead?, to output: inout ByteBuffer) {
    output.append("\r\nX-Request-Id: ")
    appendName(head, to: &output)
    if let trace {
      output.append("\r\ntraceparent: ")
      trace.append(span: span, to: &output)
    }
  }
}

/// Numbers for requests and spans, each its own; they are no secrets, and anybody may guess the next.
public struct RequestNumbers: Sendable {
  private var state: UInt64

  /// Numbers that start somewhere else in each process and each loop.
  public init() {
    var system = SystemRandomNumberGenerator()
    state = system.next()
  }

  /// The next number: splitmix64 (S. Vigna, public domain), which passes through all 2⁶⁴ before it repeats one.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var number = state
    number = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
    number = (number ^ number >> 27) &* 0x94D0_49BB_1331_11EB
    return number ^ number >> 31
  }
}
