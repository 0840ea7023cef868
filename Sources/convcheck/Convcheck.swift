import ArgumentParser

@main
struct Convcheck: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "convcheck")
}
