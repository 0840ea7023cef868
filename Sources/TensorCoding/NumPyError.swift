/// Why bytes are no array in NumPy's file format, or one that is not taken.
public enum NumPyError: Error, Equatable, Sendable {
  /// The parts of a file, named as NumPy names them.
  public enum Part: String, Sendable {
    case magic = "magic string"
    case version
    case headerLength = "header length"
    case header
    /// The type of the elements.
    case elementType = "descr"
    /// Whether columns stand together instead of rows.
    case fortranOrder = "fortran_order"
    case shape
    case data
  }

  /// The bytes break the format: what stands at byte `offset` is wrong.
  case malformed(Part, message: String, offset: Int)
  /// They are an array, but not one that is wanted. Where a limit was passed, `limit` names it and `actual` what was met, if
  /// it is known.
  case refused(Part, message: String, limit: Int? = nil, actual: Int? = nil)
}

extension NumPyError: CustomStringConvertible {
  /// The part at fault and what is wrong with it.
  public var description: String {
    switch self {
    case .malformed(let part, let message, _), .refused(let part, let message, _, _):
      "\(part.rawValue): \(message)"
    }
  }
}
