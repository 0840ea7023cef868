/// Why a document was refused: it is no JSON at all, or it is JSON that does not say what is wanted.
public enum JSONError: Error, Equatable, Sendable {
  /// The bytes break the grammar of RFC 8259.
  ///
  /// `offset` counts bytes from 0; `line` counts line feeds from 1; `column` counts Unicode scalars from 1.
  case malformed(message: String, offset: Int, line: Int, column: Int)
  /// The value at `pointer` (RFC 6901), which starts at byte `offset`, is well-formed but wrong.
  ///
  /// Where a limit was passed, `limit` names it and `actual` what was met, if it is known.
  case invalid(message: String, pointer: String, offset: Int, limit: Int? = nil, actual: Int? = nil)
}

/// The kinds of value JSON knows.
public enum JSONKind: String, Sendable {
  case object, array, string, number, boolean, null

  /// The kind with its article, as it stands in a message.
  var phrase: String {
    switch self {
    case .object: "an object"
    case .array: "an array"
    case .string: "a string"
    case .number: "a number"
    case .boolean: "a boolean"
    case .null: "null"
    }
  }
}
