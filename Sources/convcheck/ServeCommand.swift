import ArgumentParser
import Glibc
import Service
import Serving
import Sockets

/// `convcheck serve`: listens until a signal says otherwise.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve HTTP until SIGTERM or SIGINT.",
    discussion: """
      Every option can also be set by the environment variable named beside it; the flag wins. The first SIGTERM \
      or SIGINT drains: no new connections, requests in flight finish, or are cut when the drain time is over; exit \
      status 0. The second one ends at once. SIGHUP ends nothing.
      """)

  @OptionGroup(title: "Server") var server: ServerSettings
  @OptionGroup(title: "Limits of a request") var settings: ServeSettings

  /// Reads all settings once for their errors: thrown from here, they come with the usage of this command.
  func validate() throws {
    _ = try server.options()
    _ = try server.logger(label: "convcheck")
    _ = try settings.limits()
  }

  func run() throws {
    let service = ConvolutionService(limits: try settings.limits())
    try serve(
      try server.options(), handler: service, logger: try server.logger(label: "convcheck"),
      ready: announce, draining: service.drain)
  }

  /// Says where the server is and what to try, to standard output.
  private func announce(_ address: SocketAddress) {
    print("convcheck serves on http://\(address)")
    print(
      """

      Try:  curl --json '{"image": [[1,2,3],[4,5,6],[7,8,9]], "filter": [[1,2],[3,4]]}' http://\(address)/convolve
      """)
    fflush(nil)
  }
}
