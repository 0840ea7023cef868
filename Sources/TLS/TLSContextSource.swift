import Synchronization

/// The context that a server's new sessions use, which can be made anew from its files while the server runs.
public final class TLSContextSource: Sendable {
  private let options: TLSOptions
  private let context: Mutex<TLSContext>

  /// A source of contexts of `options`.
  ///
  /// - Throws: which of the files cannot be used, and what OpenSSL says about it.
  public init(_ options: TLSOptions) throws(TLSError) {
    self.options = options
    context = Mutex(try TLSContext(server: options))
  }

  /// What a session that begins now is to use.
  public var current: TLSContext { context.withLock { $0 } }

  /// Reads the files again. Sessions that are open go on with what they began with; those of before cannot be resumed.
  ///
  /// - Throws: which of the files cannot be used; everything stays as it was then.
  public func reload() throws(TLSError) {
    let next = try TLSContext(server: options)
    context.withLock { $0 = next }
  }
}
