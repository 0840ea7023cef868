import ArgumentParser
import Service
import Serving

/// What one request may ask of the service, set by flag or by environment.
struct ServeSettings: ParsableArguments {
  private static let service = ServiceLimits()

  private static let maxElements = Setting(
    "max-elements", service.tensorElements, "elements", in: 1...(1 << 32),
    "The most elements of a tensor, sent or computed.")
  private static let maxOperator = Setting(
    "max-operator", service.operatorBytes, "bytes", in: 1...(1 << 48),
    "The most bytes the matrices of one request take.")
  private static let maxWork = Setting(
    "max-work", service.multiplyAdds, "multiply-adds", in: 1...(1 << 60),
    "The most multiply-adds of one request.")

  private static let computeThreads = Setting(
    "compute-threads", ServerSettings.cores, "threads", in: 1...256,
    "Threads that one large computation may use where no other request needs them.")

  @Option(help: Self.maxElements.help) var maxElements: String?
  @Option(help: Self.maxOperator.help) var maxOperator: String?
  @Option(help: Self.maxWork.help) var maxWork: String?
  @Option(help: Self.computeThreads.help) var computeThreads: String?

  /// What the service needs to know of it.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func limits() throws -> ServiceLimits {
    ServiceLimits(
      operatorBytes: try Self.maxOperator.resolve(flag: maxOperator),
      tensorElements: try Self.maxElements.resolve(flag: maxElements),
      multiplyAdds: try Self.maxWork.resolve(flag: maxWork))
  }

  /// How many threads may share one computation.
  ///
  /// - Throws: `ValidationError` naming the flag or variable whose value is none.
  func threads() throws -> Int { try Self.computeThreads.resolve(flag: computeThreads) }
}
