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

  @Option(help: Self.certificate.help) var tlsCertificate: String?
  @Option(help: Self.key.help) var tlsKey: String?
  @Option(help: Self.minimum.help) var tlsMinimum: String?
  @Option(help: Self.clientAuthorities.help) var tlsClientCa: String?
  @Option(help: Self.port.help) var tlsPort: String?

  /// Settings that nobody has set yet.
  public init() {}

  /// What the server speaks TLS with, made from its files; nil where it does not.
  ///
  /// - Throws: `ValidationError` naming a flag or variable whose value is none, or that is missing; `Failure` naming a file that cannot
  ///   be used, and why.
  func source() throws -> TLSContextSource? {
    let certificate = try Self.certificate.resolve(flag: tlsCertificate)
    let key = try Self.key.resolve(flag: tlsKey)
    var options = TLSOptions(certificateFile: certificate, keyFile: key)
    options.minimumVersion = try Self.minimum.resolve(flag: tlsMinimum)
    let authorities = try Self.clientAuthorities.resolve(flag: tlsClientCa)
    if !authorities.isEmpty { options.clientAuthoritiesFile = authorities }
    if certificate.isEmpty && key.isEmpty {
      let port = try securePort()
      if !authorities.isEmpty || port != nil {
        throw ValidationError(
          "--\(authorities.isEmpty ? Self.port.name : Self.clientAuthorities.name) needs --tls-certificate and --tls-key."
        )
      }
      return nil
    }
    if certificate.isEmpty || key.isEmpty {
      let (given, missing) = key.isEmpty ? (Self.certificate, Self.key) : (Self.key, Self.certificate)
      throw ValidationError("--\(given.name) needs --\(missing.name) as well.")
    }
    do throws(TLSError) { return try TLSContextSource(options) } catch {
      throw Failure("cannot speak TLS: \(error)")
    }
  }

  /// The port for TLS besides the one in the clear; nil where there is none.
  func securePort() throws -> UInt16? {
    try Self.port.resolve(flag: tlsPort).map { UInt16($0) }
  }
}
