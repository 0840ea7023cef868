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

  /// Reads all settings once for their errors: thrown from here, they come with the usage.
  func validate() throws {
    _ = try server.options()
    _ = try server.logger(label: "echo")
  }

  func run() throws {
    try serve(
      try server.options(), handler: EchoHandler(), logger: try server.logger(label: "echo"),
      ready: { address in
        print("echo serves on http://\(address)")
        fflush(nil)
      },
      draining: {})
  }
}
