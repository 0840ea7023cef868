import COpenSSL
import Sockets

/// The calling thread's queue of errors, in which OpenSSL tells what went wrong. Whoever calls OpenSSL leaves it empty, for
/// what stands in it would be taken for the reason of a later failure.
enum ErrorQueue {
  static func clear() {
    ERR_clear_error()
  }

  /// Whether the newest error is the one of OpenSSL's TLS with this number.
  static func newestIs(_ reason: Int32) -> Bool {
    let error = ERR_peek_last_error()
    return copenssl_library(error) == ERR_LIB_SSL && copenssl_reason(error) == reason
  }

  static var isEmpty: Bool { ERR_peek_error() == 0 }

  /// Empties the queue.
  ///
  /// - Returns: the oldest error in words: with files it is the one that caused the others.
  static func takeOldest() -> String {
    defer { clear() }
    return text(of: ERR_peek_error())
  }

  /// Empties the queue.
  ///
  /// - Returns: the newest error in words: within a session it is the one that the session failed with, while those before
  ///   it tell which function of which library noticed.
  static func takeNewest() -> String {
    defer { clear() }
    return text(of: ERR_peek_last_error())
  }

  private static func text(of error: UInt) -> String {
    if error == 0 { return "no reason given" }
    if copenssl_is_system_error(error) != 0 { return SystemError.text(of: copenssl_reason(error)) }
    let reason = ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
    guard let library = ERR_lib_error_string(error) else { return reason }
    return "\(reason) (\(String(cString: library)))"
  }
}
