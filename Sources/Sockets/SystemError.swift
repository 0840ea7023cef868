import Glibc

/// Why something asked of the operating system failed.
public enum SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `call` failed with `errno`.
  case call(String, errno: Int32)
  /// `host` is neither a numeric address nor `localhost`.
  case unknownHost(String)
  /// The peer did not answer in the time it was given.
  case timedOut

  /// The failure in words, with the text that strerror gives.
  public var description: String {
    switch self {
    case .call(let name, let number): "\(name): \(Self.text(of: number)) (errno \(number))"
    case .unknownHost(let host): "“\(host)” is neither a numeric address nor localhost"
    case .timedOut: "no answer in time"
    }
  }

  /// What strerror says about an errno.
  package static func text(of number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress else { return "error" }
      base.initialize(repeating: 0, count: buffer.count)
      // The POSIX variant: strerror itself is not safe with several threads.
      _ = strerror_r(number, base, buffer.count - 1)
      return String(cString: base)
    }
  }
}
