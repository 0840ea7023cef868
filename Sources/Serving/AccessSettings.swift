public import ArgumentParser
import Glibc

/// Who may come in, and where those who run the server look, set by flag or by environment.
public struct AccessSettings: ParsableArguments {
  private static let tokenFile = Setting(
    "token-file", "", "path",
    """
    A file of bearer tokens, one a line; with it every request but those for health needs one. Read again at SIGHUP. Without \
    it everybody comes in.
    """)
  private static let corsOrigin = Setting(
    "cors-origin", "", "origin",
    "An origin, scheme://host:port, whose pages may read answers; may be repeated, in the variable with spaces between; * "
      + "alone allows every page. Without it none may.")
  private static let adminHost = Setting(
    "admin-host", "127.0.0.1", "address", "The numeric address of the admin port, or localhost.")
  private static let adminPort = Setting<Int?>(
    name: "admin-port", fallback: nil, unit: "port",
    purpose:
      "A second port, for /metrics, /healthz and /readyz without a token; /metrics then is there alone. 0 takes a free one.",
    read: { text in
      guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(text) else { return nil }
      return .some(Int(port))
    },
    expected: "a whole number from 0 to 65535")

  @Option(help: Self.tokenFile.help(default: "none")) var tokenFile: String?
  @Option(help: Self.corsOrigin.help(default: "none")) var corsOrigin: [String] = []
  @Option(help: Self.adminHost.help) var adminHost: String?
  @Option(help: Self.adminPort.help(default: "none")) var adminPort: String?

  /// Settings that nobody has set yet.
  public init() {}

  /// Where the admin port is; nil where there is none.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  public func administration() throws -> (host: String, port: UInt16)? {
    let host = try Self.adminHost.resolve(flag: adminHost)
    return try Self.adminPort.resolve(flag: adminPort).map { (host, UInt16($0)) }
  }

  /// The tokens, read from their file; nil where everybody may come in.
  ///
  /// - Throws: why the file can't be read or used.
  func tokens() throws -> TokenFile? {
    guard let path = try Self.tokenFile.resolveOptional(flag: tokenFile) else { return nil }
    return try TokenFile(path)
  }

  /// The origins whose pages may read answers.
  ///
  /// - Throws: `ValidationError` naming what is no origin.
  func origins() throws -> AllowedOrigins {
    var origins = corsOrigin
    var source = "--\(Self.corsOrigin.name)"
    if origins.isEmpty, let pointer = getenv(Self.corsOrigin.variable) {
      origins = String(cString: pointer).split(separator: " ").map(String.init)
      source = Self.corsOrigin.variable
    }
    do throws(Failure) {
      return try AllowedOrigins(origins)
    } catch {
      throw ValidationError("\(source): \(error).")
    }
  }

  /// Reads what can be wrong without touching a file.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  public func check() throws {
    _ = try administration()
    _ = try origins()
    _ = try Self.tokenFile.resolveOptional(flag: tokenFile)
  }
}
