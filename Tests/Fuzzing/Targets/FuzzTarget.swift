/// What is fuzzed. Each target takes any bytes and says what is wrong with how the code under test took them; that it neither
/// traps nor reads beside its memory is for the process, and the address sanitizer, to find out.
public enum FuzzTarget: String, CaseIterable, Sendable {
  case request, chunked, compressed, json, base64, npy
  case convolve, compare, gradients, verify, prove, `operator`, recognize

  /// The corpus's longest input in bytes: longer ones cost time and find nothing that a shorter one does not.
  public var longestInput: Int {
    switch self {
    case .request, .chunked, .compressed: 1024
    case .json, .base64: 512
    case .npy, .convolve, .compare, .gradients, .verify, .prove, .operator, .recognize: 2048
    }
  }

  /// Shows `input` to the code under test.
  ///
  /// - Returns: a sentence about the invariant that does not hold, nil where all do.
  public func flaw(in input: [UInt8]) -> String? {
    switch self {
    case .request: requestFlaw(in: input)
    case .chunked: chunkedBodyFlaw(in: input)
    case .compressed: compressedBodyFlaw(in: input)
    case .json: documentFlaw(in: input)
    case .base64: base64Flaw(in: input)
    case .npy: arrayFlaw(in: input)
    case .convolve, .compare, .gradients, .verify, .prove, .operator, .recognize:
      answerFlaw("/" + rawValue, to: input)
    }
  }
}
