import ArgumentParser
import Benchmarking
import Convolution
import Glibc
import Serving

/// `convcheck bench`: every formulation timed, and held against the limits of the machine; the speed of the number coding.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time formulations, and the coding of numbers.",
    discussion: """
      Each case is set up once, warmed up, and applied until the iterations or the seconds are used up; then the coding \
      of the first image as JSON and as base64 is timed. Progress goes to standard error, the tables to standard output.

      Before that the limits of one core are measured: its peak of multiply-adds, and how fast it reads and copies in each \
      cache and in memory. The limit of a case is the larger of two times: its multiply-adds at the peak, those on padding \
      not counted, and its bytes (image and result copied, stored matrices read) at the rate of the smallest cache in \
      three quarters of which they fit. Its share is the limit over the minimum.

      With --serve-cases, cases are read from standard input and answered one by one, so that another program can measure \
      something else in between. A line is a JSON object whose fields are options of this command without their dashes, and \
      names one case: {"image":"64x56x56","filter":"64x64x3x3","padding":1,"formulation":"direct","seconds":0.01}. \
      The answer is a line with the seconds an application, or with an error. A case asked for again finds its operator \
      prepared. With "tensors":true the answer has image, filter, result and, for gradients, upstream. {"limits":true} \
      measures the limits anew; the highest count.
      """)

  /// How the rows are written.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  @OptionGroup(title: "Cases") var cases: CaseOptions
  @OptionGroup(title: "Kernels") var kernels: KernelSettings
  @Option(help: ArgumentHelp("The most bytes the matrices of one case may take.", valueName: "bytes"))
  var maxOperator = 1 << 30
  @Option(help: "Threads that may share a large case.") var threads = 1
  @Option(help: "How rows are written: table (default) or json.") var format = Format.table
  @Flag(help: "Answer cases from standard input, line by line.") var serveCases = false

  func validate() throws {
    guard maxOperator >= 1 else { throw ValidationError("--max-operator must be at least 1.") }
    guard (1...256).contains(threads) else { throw ValidationError("--threads must be from 1 to 256.") }
  }

  func run() throws {
    let variant = try kernels.variant()
    variant.select()
    if threads > 1 { Parallel.install(try ThreadTeam(threads: threads)) }
    if serveCases {
      var session = BenchSession(kernels: variant, memoryLimit: maxOperator)
      session.run()
      return
    }
    let plan = try cases.plan(memoryLimit: maxOperator)
    Self.progress("the limits of the machine")
    var limits = KernelVariant.available.map { MachineLimits(measuring: $0) }
    // Twice, each variant at two moments: whatever else runs on the machine would lower them.
    for index in limits.indices { limits[index].raise(to: MachineLimits(measuring: limits[index].kernels)) }
    let runner = BenchmarkRunner(plan, limits: limits.first { $0.kernels == variant })
    let rows = runner.run(progress: { row, finished, total in
      let subject = row.subject
      Self.progress(
        "[\(finished)/\(total)] \(subject.image) by \(subject.filter), \(subject.formulation) \(subject.storage)"
      )
    })
    Self.progress("the coding of numbers")
    let coding = coding(of: plan.images[0])
    Self.progress(nil)
    switch format {
    case .json: BenchDocument.write(rows, kernels: variant, limits: limits, coding: coding)
    case .table:
      let tables = [
        BenchTable.limits(limits, selected: variant), BenchTable(rows).lines, BenchTable.coding(coding),
      ]
      print(tables.map { $0.joined(separator: "\n") }.joined(separator: "\n\n"))
    }
  }

  /// The coding of an image; of none that is too large for the cases, too.
  private func coding(of image: Shape) -> [CodingBenchmark] {
    guard let elements = image.elementCount, elements <= maxOperator / cases.dtype.byteCount else {
      return []
    }
    return switch cases.dtype.precision {
    case .single: CodingBenchmark.run(image: image, in: Float.self, seconds: cases.seconds)
    case .double: CodingBenchmark.run(image: image, in: Double.self, seconds: cases.seconds)
    }
  }

  /// Shows a line that replaces the one before it, or nil to clear it; only where a person watches.
  private static func progress(_ text: String?) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    let line = Array("\r\u{1B}[K\(text ?? "")".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
