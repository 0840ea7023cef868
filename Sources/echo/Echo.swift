import ArgumentParser
import Glibc
import Serving

/// The program: the server of this package with nothing behind it, for those who examine how it speaks HTTP.
@main
struct Echo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "echo",
    abstract: "Serve HTTP, and answer every body on / with itself.",
    discussion: "Options and signals are those of convcheck serve, variables CONVCHECK_… among them.")

  @OptionGroup(title: "Server") var server: ServerSettings
  @OptionGroup(title: "TLS") var tls: TLSSettings
  @OptionGroup(title: "Who may come in") var access: AccessSettings
  @OptionGroup(title: "Logs") var logs: LogSettings

  private var settings: ServingSettings { ServingSettings(server, tls, access, logs) }

  /// Reads all settings once for their errors: thrown from here, they come with the usage.
  func validate() throws { try settings.check() }

  func run() throws {
    try serve(
      settings, handler: EchoHandler(),
      ready: { addresses in
        print("echo serves on \(addresses.urls)")
        fflush(nil)
      },
      draining: {})
  }
}
