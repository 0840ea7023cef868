/// Why compressed bytes do not become the bytes they stand for.
public enum CompressionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes are no stream of their format; `at` is how many of them had been taken when that was noticed, and
  /// `reason` what zlib says.
  case malformed(reason: String, at: Int)
  /// The bytes end within a stream, or are none at all.
  case truncated
  /// Something that is no further member of the stream stands behind its end, `at` bytes from its beginning.
  case trailingGarbage(at: Int)
  /// Inflated, the bytes are more than `limit`.
  case tooLarge(limit: Int)
  /// Inflated, the bytes are more than `limit` times as many.
  case ratioTooHigh(limit: Int)
  /// There is no memory for zlib's own state.
  case outOfMemory

  /// One sentence that says what was wrong.
  public var description: String {
    switch self {
    case .malformed(let reason, let at): "The compressed bytes are malformed at byte \(at): \(reason)."
    case .truncated: "The compressed bytes end too early."
    case .trailingGarbage(let at): "The compressed bytes end at byte \(at), and something else follows."
    case .tooLarge(let limit): "Inflated, the bytes are more than \(limit)."
    case .ratioTooHigh(let limit): "Inflated, the bytes are more than \(limit) times as many."
    case .outOfMemory: "There is no memory to inflate or deflate with."
    }
  }
}
