import ArgumentParser

/// The program: `serve` unless told otherwise.
@main
struct Convcheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convcheck",
    abstract: "Checks whether convolutions are equivalent.",
    discussion: """
      Runs a 2-D convolution directly, as a doubly blocked Toeplitz matrix, or as a sum of banded matrices, and \
      answers with the result, its deviation from the direct computation, a certified verdict, and the timing.

      Try:  convcheck serve
            curl --json '{"image":[[1,2],[3,4]],"filter":[[5,6]]}' \\
              127.0.0.1:8080/convolve
      """,
    version: version,
    subcommands: [ServeCommand.self, HealthCommand.self, BenchCommand.self],
    defaultSubcommand: ServeCommand.self)

  static let version = "0.1.0"
}
