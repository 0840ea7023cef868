/// The parsed head of a request. (To be finished by the parser's author: framing fields, raw fields.)
public struct RequestHead: Sendable {
  /// The method.
  public let method: Method
  /// The path of the target, percent-decoding not applied, as in `/convolve`.
  public let path: String
  /// The query of the target behind `?`, raw, or nil where there is none.
  public let query: String?

  /// The value of the field called `name` (lower case, compared without case); several lines of one name
  /// are joined with `, ` as RFC 9110 section 5.3 says. Nil where the field is absent.
  public func value(of name: StaticString) -> String? { nil }
}
