/// Why the program ends with status 1, as one sentence for standard error.
public struct Failure: Error, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// A failure for the reason `description`.
  public init(_ description: String) {
    self.description = description
  }
}
