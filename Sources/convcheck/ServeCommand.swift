import ArgumentParser
import Convolution
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
      status 0. The second one ends at once. SIGHUP has tokens, certificate and key read again and ends nothing.
      """)

  @OptionGroup(title: "Server") var server: ServerSettings
  @OptionGroup(title: "TLS") var tls: TLSSettings
  @OptionGroup(title: "Who may come in") var access: AccessSettings
  @OptionGroup(title: "Logs") var logs: LogSettings
  @OptionGroup(title: "Limits of a request") var settings: ServeSettings
  @OptionGroup(title: "Kernels") var kernels: KernelSettings

  private var serving: ServingSettings { ServingSettings(server, tls, access, logs) }

  /// Reads all settings once for their errors: thrown from here, they come with the usage of this command.
  func validate() throws {
    try serving.check()
    _ = try settings.limits()
    _ = try settings.threads()
  }

  func run() throws {
    try kernels.variant().select()
    Parallel.install(try ThreadTeam(threads: settings.threads()))
    let meter = Meter(program: "convcheck", version: Convcheck.version)
    let hasAdminPort = try access.administration() != nil
    let service = ConvolutionService(limits: try settings.limits(), metrics: hasAdminPort ? nil : meter)
    try serve(
      serving, handler: service, administration: service.administration(metrics: meter), meter: meter,
      ready: announce, draining: service.drain)
  }

  /// Says where the server is and what to try, to standard output.
  private func announce(_ addresses: ServingAddresses) {
    print("convcheck serves on \(addresses.urls)")
    if let address = addresses.administration { print("metrics and health on http://\(address)") }
    print(
      """

      Try:  curl --json '{"image": [[1,2,3],[4,5,6],[7,8,9]], "filter": [[1,2],[3,4]]}' \(addresses.isSecure ? "https" : "http")://\(addresses.main)/convolve
      """)
    fflush(nil)
  }
}
