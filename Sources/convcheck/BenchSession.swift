import ArgumentParser
import Benchmarking
import Buffers
import Convolution
import TensorCoding

/// Cases read from standard input and answered one by one, so that another program can measure something else in between.
struct BenchSession {
  /// What a line may ask: fields are options.
  private struct Line: ParsableArguments {
    @OptionGroup var cases: CaseOptions
    @Flag var tensors = false
    @Flag var limits = false
  }

  private var limits: MachineLimits
  private let memoryLimit: Int
  /// The cases whose operators are kept, the one used last at the end.
  private var kept: [any PreparedBenchmark] = []

  /// A session that keeps operators and numbers of at most `memoryLimit` bytes together.
  init(kernels: KernelVariant, memoryLimit: Int) {
    limits = MachineLimits(measuring: kernels)
    self.memoryLimit = memoryLimit
  }

  /// Answers each line of standard input with one of standard output, until it ends.
  mutating func run() {
    while let line = readLine() { BenchDocument.print(answer(line)) }
  }

  private mutating func answer(_ text: String) -> JSONWriter {
    var text = text
    var writer = JSONWriter()
    writer.beginObject()
    do {
      let arguments = try text.withUTF8 { bytes in
        try decodeDocument(UnsafeRawBufferPointer(bytes)) { (reader) throws(JSONError) in
          try Self.arguments(&reader)
        }
      }
      let line = try Line.parse(arguments)
      if line.limits {
        limits.raise(to: MachineLimits(measuring: limits.kernels))
        writer.key("limits")
        writer.limits(limits)
      } else {
        try answer(line, into: &writer)
      }
    } catch {
      // Nothing was written yet: all that can fail comes first.
      writer.key("error")
      writer.string(Self.message(of: error))
    }
    writer.endObject()
    return writer
  }

  private mutating func answer(_ line: Line, into writer: inout JSONWriter) throws {
    let plan = try line.cases.plan(memoryLimit: memoryLimit)
    let cases = plan.cases
    guard cases.count == 1 else {
      throw ValidationError("a line names one case, and these are \(cases.count)")
    }
    let prepared = try prepare(cases[0])
    guard
      let timing = prepared.time(
        iterations: plan.maximumIterations, seconds: plan.secondsPerCase, isCancelled: { false })
    else { preconditionFailure("nobody cancels") }
    writer.key("kernels")
    writer.string(limits.kernels.rawValue)
    writer.key("together")
    writer.integer(timing.together)
    writer.key("seconds")
    writer.beginArray()
    for seconds in timing.seconds { writer.number(seconds) }
    writer.endArray()
    writer.numbers([("setup_seconds", prepared.setup), ("max_deviation", prepared.maxDeviation)])
    writer.key("multiply_adds")
    writer.integer(prepared.subject.multiplyAdds(prepared.geometry, prepared.cost))
    writer.limit(limits.limit(of: prepared.subject, geometry: prepared.geometry, cost: prepared.cost))
    if line.tensors { Self.tensors(of: prepared, into: &writer) }
  }

  /// The case with its operator: that of an earlier line, or a new one in place of those that were not used for longest.
  private mutating func prepare(_ subject: BenchmarkCase) throws -> any PreparedBenchmark {
    let prepared: any PreparedBenchmark
    if let index = kept.firstIndex(where: { $0.subject == subject }) {
      prepared = kept.remove(at: index)
    } else {
      prepared = try subject.prepare(memoryLimit: memoryLimit)
    }
    while !kept.isEmpty, kept.reduce(prepared.bytes, { saturatingSum($0, $1.bytes) }) > memoryLimit {
      kept.removeFirst()
    }
    kept.append(prepared)
    return prepared
  }

  private static func tensors(of prepared: any PreparedBenchmark, into writer: inout JSONWriter) {
    if let it = prepared as? PreparedCase<Float> { writer.tensors(of: it) }
    if let it = prepared as? PreparedCase<Double> { writer.tensors(of: it) }
  }

  /// The fields of an object as the arguments that a command line would have.
  private static func arguments(_ reader: inout JSONReader) throws(JSONError) -> [String] {
    var arguments: [String] = []
    try reader.beginObject()
    while let field = try reader.nextKey() {
      let flag = "--\(field)"
      switch try reader.kind() {
      case .boolean:
        if try reader.boolean() { arguments.append(flag) }
      case .number:
        let number: Double = try reader.number()
        arguments += [flag, Int(exactly: number).map { "\($0)" } ?? "\(number)"]
      default: arguments += [flag, try reader.string()]
      }
    }
    return arguments
  }

  private static func message(of error: any Error) -> String {
    switch error {
    case JSONError.malformed(let message, _, _, let column): "\(message), at column \(column)"
    case JSONError.invalid(let message, let pointer, _, _, _):
      pointer.isEmpty ? message : "\(pointer.dropFirst()): \(message)"
    case let error as ConvolutionError: error.description
    default: Line.message(for: error)
    }
  }
}

extension PreparedBenchmark {
  /// The bytes of the operator, and of all images and results.
  fileprivate var bytes: Int {
    let pixels = saturatingSum(geometry.imageElementCount, 3 * geometry.outputElementCount)
    return saturatingSum(heldBytes, saturatingProduct(pixels, subject.dataType.byteCount))
  }
}

extension JSONWriter {
  /// What a case was computed from, and what came of it.
  fileprivate mutating func tensors<Scalar: TensorScalar>(of prepared: PreparedCase<Scalar>) {
    key("image")
    object(prepared.image)
    key("filter")
    object(prepared.filter)
    if prepared.upstream.elements.count > 0 {
      key("upstream")
      object(prepared.upstream)
    }
    key("result")
    object(prepared.output)
  }
}
