import ArgumentParser
import Benchmarking
import Convolution
import Glibc

/// `convcheck bench`: the table of GET /benchmark in the terminal, and the speed of the number coding.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time every formulation and storage, and the coding of numbers.",
    discussion: """
      Each case is set up once, warmed up, and applied until the iterations or the seconds are used up; then the coding \
      of the first image as JSON and as base64 is timed. Progress goes to standard error, the tables to standard \
      output.
      """)

  @Option(help: ArgumentHelp("Image sizes, height x width, joined by commas.", valueName: "sizes"))
  var image = "256x256"
  @Option(help: ArgumentHelp("Filter sizes, height x width, joined by commas.", valueName: "sizes"))
  var filter = "3x3"
  @Option(help: "The element type: float32 (default) or float64.", transform: Self.dataType)
  var dtype = DataType.float32
  @Option(help: ArgumentHelp("At most so many timed applications a case.", valueName: "count"))
  var iterations = 1000
  @Option(help: "At most so many seconds a case.") var seconds = 0.5
  @Option(help: ArgumentHelp("The most bytes the matrices of one case may take.", valueName: "bytes"))
  var maxOperator = 1 << 30

  func validate() throws {
    guard iterations >= 1 else { throw ValidationError("--iterations must be at least 1.") }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0, at most 3600.")
    }
    guard maxOperator >= 1 else { throw ValidationError("--max-operator must be at least 1.") }
  }

  func run() throws {
    let images = try Self.extents(image, flag: "--image")
    let filters = try Self.extents(filter, flag: "--filter")
    let runner = BenchmarkRunner(
      BenchmarkPlan(
        images: images, filters: filters, dataType: dtype, maximumIterations: iterations,
        secondsPerCase: seconds, memoryLimit: maxOperator))
    let rows = runner.run(progress: { row, finished, total in
      let subject = row.subject
      Self.progress(
        "[\(finished)/\(total)] \(subject.image) by \(subject.filter), \(subject.formulation) \(subject.storage)"
      )
    })
    Self.progress(nil)
    BenchTable(rows).lines.forEach { print($0) }
    print("")
    let coding =
      switch dtype.precision {
      case .single: CodingBenchmark.run(image: images[0], in: Float.self, seconds: seconds)
      case .double: CodingBenchmark.run(image: images[0], in: Double.self, seconds: seconds)
      }
    coding.lines.forEach { print($0) }
  }

  /// Sizes such as `64x64,256x256`.
  private static func extents(_ text: String, flag: String) throws -> [Extent] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { size in
      guard let extent = Extent(size), extent.height > 0, extent.width > 0 else {
        throw ValidationError("\(flag) has '\(size)', but must be height x width, such as 256x256.")
      }
      return extent
    }
  }

  private static func dataType(_ text: String) throws -> DataType {
    guard let dataType = DataType(rawValue: text), [.float32, .float64].contains(dataType) else {
      throw ValidationError("'\(text)' is no element type; there are float32 and float64.")
    }
    return dataType
  }

  /// Shows a line that replaces the one before it, or nil to clear it; only where a person watches.
  private static func progress(_ text: String?) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    let line = Array("\r\u{1B}[K\(text ?? "")".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
