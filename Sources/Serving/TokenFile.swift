import Sockets

/// The tokens in a file, read again when asked to.
package final class TokenFile: Sendable {
  private let path: String
  private let tokens: Monitor<BearerTokens>

  /// The tokens in the file at `path`.
  ///
  /// - Throws: `Failure`, which names the file and what is wrong with it, and nothing of what it holds.
  package init(_ path: String) throws(Failure) {
    self.path = path
    tokens = Monitor(try Self.read(path))
  }

  /// Reads the file again. Requests see the old tokens or the new ones, never none.
  ///
  /// - Throws: as `init`; the old tokens stay.
  package func reload() throws(Failure) {
    let read = try Self.read(path)
    tokens.withLock { $0 = read }
  }

  /// Whether an Authorization field with `credentials` shows one of the tokens.
  package func admit(_ credentials: UnsafeRawBufferPointer) -> Bool {
    tokens.withLock { $0 }.admit(credentials)
  }

  private static func read(_ path: String) throws(Failure) -> BearerTokens {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try File.read(path, limit: BearerTokens.fileLimit)
    } catch {
      throw Failure("cannot read the token file \(path): \(error)")
    }
    do throws(BearerTokens.Flaw) {
      return try BearerTokens(bytes)
    } catch {
      throw Failure("cannot use the token file \(path): \(error)")
    }
  }
}
