public import ArgumentParser
import TLS

/// How the server speaks TLS, set by flag or by environment.
public struct TLSSettings: ParsableArguments {
  private static let certificate = Setting(
    "tls-certificate", "", "path",
    "The server's certificate and those that lead from it to a root, in PEM; with it the server speaks TLS. Read again, with "
      + "the key, at SIGHUP.")
  private static let key = Setting(
    "tls-key", "", "path", "The certificate's private key, in PEM, without a passphrase.")
  private static let minimum = Setting<TLSVersion>(
    name: "tls-minimum", fallback: .v12, unit: "version",
    purpose: "The oldest version of TLS that is spoken: 1.2 or 1.3.",
    read: { TLSVersion(rawValue: $0) }, expected: "1.2 or 1.3")
  private static let clientAuthorities = Setting(
    "tls-client-ca", "", "path",
    "Certificates, in PEM, of those who vouch for clients; then only clients that show a certificate come in."
  )
  private static let port = Setting<Int?>(
    name: "tls-port", fallback: nil, unit: "port",
    purpose:
      "A port for TLS, besides the other, which then is in the clear; without it the other port speaks TLS.",
    read: { text in
      guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(text) else { return nil }
      return .some(Int(port))
    },
    expected: "a whole number from 0 to 65535")

  private static let strictTransport = Setting<Int?>(
    name: "tls-hsts", fallback: nil, unit: "seconds",
    purpose:
      "Has browsers reach this host by TLS only, on every port, for so long (HSTS); not beside --tls-port.",
    read: { text in
      guard let seconds = Int(text), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), seconds <= 1 << 31
      else { return nil }
      return .some(seconds)
    },
    expected: "a whole number from 0 to 2147483648")

  @Option(help: Self.certificate.help(default: "none")) var tlsCertificate: String?
  @Option(help: Self.key.help(default: "none")) var tlsKey: String?
  @Option(help: Self.minimum.help(default: Self.minimum.fallback.rawValue)) var tlsMinimum: String?
  @Option(help: Self.clientAuthorities.help(default: "none")) var tlsClientCa: String?
  @Option(help: Self.port.help(default: "none")) var tlsPort: String?
  @Option(help: Self.strictTransport.help(default: "none")) var tlsHsts: String?

  /// Settings that nobody has set yet.
  public init() {}

  /// Reads all of them once for their errors, without touching a file.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none, or that is missing.
  func check() throws {
    let given = (
      try Self.certificate.resolveOptional(flag: tlsCertificate), try Self.key.resolveOptional(flag: tlsKey)
    )
    _ = try Self.minimum.resolve(flag: tlsMinimum)
    let authorities = try Self.clientAuthorities.resolveOptional(flag: tlsClientCa)
    let port = try securePort()
    let seconds = try secureForSeconds()
    switch given {
    case (.some, .some):
      // RFC 6797 section 7.2: it must not be said in the clear.
      guard seconds == nil || port == nil else {
        throw ValidationError("--\(Self.strictTransport.name) cannot stand beside --\(Self.port.name).")
      }
    case (.some, nil): throw ValidationError("--\(Self.certificate.name) needs --\(Self.key.name) as well.")
    case (nil, .some): throw ValidationError("--\(Self.key.name) needs --\(Self.certificate.name) as well.")
    case (nil, nil):
      let others = [
        authorities == nil ? nil : Self.clientAuthorities.name, port == nil ? nil : Self.port.name,
        seconds == nil ? nil : Self.strictTransport.name,
      ]
      guard let name = others.lazy.compactMap(\.self).first else { return }
      throw ValidationError("--\(name) needs --\(Self.certificate.name) and --\(Self.key.name).")
    }
  }

  /// What the server speaks TLS with, made from its files; nil where it does not.
  ///
  /// - Throws: what `check` throws, and `Failure` naming a file that cannot be used, and why.
  func source() throws -> TLSContextSource? {
    try check()
    guard let certificate = try Self.certificate.resolveOptional(flag: tlsCertificate),
      let key = try Self.key.resolveOptional(flag: tlsKey)
    else { return nil }
    var options = TLSOptions(certificateFile: certificate, keyFile: key)
    options.minimumVersion = try Self.minimum.resolve(flag: tlsMinimum)
    options.clientAuthoritiesFile = try Self.clientAuthorities.resolveOptional(flag: tlsClientCa)
    do throws(TLSError) {
      return try TLSContextSource(options)
    } catch {
      throw Failure("cannot speak TLS: \(error)")
    }
  }

  /// The port for TLS besides the one in the clear; nil where there is none.
  func securePort() throws -> UInt16? {
    try Self.port.resolve(flag: tlsPort).map { UInt16($0) }
  }

  /// For how long browsers are to come by TLS only; nil where nothing is said of it.
  func secureForSeconds() throws -> Int? { try Self.strictTransport.resolve(flag: tlsHsts) }

  /// Whether, by the environment alone, the main port speaks TLS: for those who only ask a server.
  public static var isMainPortSecure: Bool {
    get throws {
      guard try certificate.resolveOptional(flag: nil) != nil else { return false }
      return try port.resolve(flag: nil) == nil
    }
  }
}
