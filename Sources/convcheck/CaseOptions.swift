import ArgumentParser
import Benchmarking
import Convolution

/// Which cases are measured and for how long: the options of `convcheck bench`, and the fields of a line of its session.
struct CaseOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Images, joined by commas: height x width, or with channels, or with batch and channels before them.",
      valueName: "shapes"))
  var image = "256x256"
  @Option(
    help: ArgumentHelp(
      "Filters, joined by commas: height x width, or output channels x channels of a group before them.",
      valueName: "shapes"))
  var filter = "3x3"
  @Option(help: ArgumentHelp("Pixels from one output to the next: 2 or 2x1.", valueName: "steps"))
  var stride = "1"
  @Option(help: ArgumentHelp("Zeros on each side of the image: 1, or rows x columns.", valueName: "zeros"))
  var padding = "0"
  @Option(help: ArgumentHelp("Pixels from one tap to the next: 2 or 2x1.", valueName: "steps"))
  var dilation = "1"
  @Option(help: "Groups that keep channels apart.") var groups = 1
  @Option(help: "The element type: float32 (default) or float64.", transform: Self.dataType)
  var dtype = DataType.float32
  @Option(
    help: ArgumentHelp(
      """
      Formulations, joined by commas, of one storage where it is named (toeplitz:dense), else of all it has; without \
      this, every one.
      """, valueName: "names"))
  var formulation: String?
  @Option(
    help: ArgumentHelp(
      """
      What is timed, joined by commas: result, image-gradient, filter-gradient, or call, which has geometry, operator \
      and result made anew each time.
      """, valueName: "names"))
  var measure = BenchmarkQuantity.result.rawValue
  @Option(help: ArgumentHelp("At most so many timed applications a case.", valueName: "count"))
  var iterations = 1000
  @Option(help: "At most so many seconds a case.") var seconds = 0.5

  func validate() throws {
    guard iterations >= 1 else { throw ValidationError("--iterations must be at least 1.") }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0, at most 3600.")
    }
    _ = try plan(memoryLimit: 0)
  }

  /// Every image with every filter by every formulation.
  ///
  /// - Throws: `ValidationError` naming the option whose value is none.
  func plan(memoryLimit: Int) throws -> BenchmarkPlan {
    BenchmarkPlan(
      images: try Self.shapes(image, flag: "--image"), filters: try Self.shapes(filter, flag: "--filter"),
      options: ConvolutionOptions(
        stride: try Self.extent(stride, from: 1, flag: "--stride"),
        padding: .sides(try Self.sides(padding)),
        dilation: try Self.extent(dilation, from: 1, flag: "--dilation"),
        groups: groups),
      dataType: dtype, formulations: try Self.formulations(formulation),
      quantities: try Self.words(measure, flag: "--measure"), maximumIterations: iterations,
      secondsPerCase: seconds, memoryLimit: memoryLimit)
  }

  private static func parts(_ text: String, by separator: Character) -> [String] {
    text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }

  /// Whole numbers joined by `x`, such as `64x56x56`; nil where they are none, or below `least`.
  private static func numbers(_ text: String, from least: Int) -> [Int]? {
    var numbers: [Int] = []
    for part in parts(text, by: "x") {
      guard part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(part), number >= least else {
        return nil
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Shapes such as `64x64,256x256`.
  private static func shapes(_ text: String, flag: String) throws -> [Shape] {
    try parts(text, by: ",").map { part in
      guard let numbers = numbers(part, from: 1), (2...Shape.maximumRank).contains(numbers.count) else {
        throw ValidationError(
          "\(flag) has '\(part)', but must be height x width, such as 256x256, or a shape of up to four extents."
        )
      }
      var shape = Shape()
      for number in numbers { shape.append(number) }
      return shape
    }
  }

  private static func extent(_ text: String, from least: Int, flag: String) throws -> Extent {
    guard let numbers = numbers(text, from: least), numbers.count <= 2 else {
      throw ValidationError(
        "\(flag) is '\(text)', but must be a whole number from \(least), or two joined by x, such as 2x1.")
    }
    return Extent(numbers[0], numbers[numbers.count - 1])
  }

  private static func sides(_ text: String) throws -> Padding {
    let extent = try extent(text, from: 0, flag: "--padding")
    return Padding(vertical: extent.height, horizontal: extent.width)
  }

  private static func formulations(_ text: String?) throws -> [(Formulation, Storage)] {
    guard let text else { return BenchmarkPlan.everyFormulation }
    return try parts(text, by: ",").flatMap { word in
      let named = BenchmarkPlan.everyFormulation.filter { formulation, storage in
        word == formulation.rawValue || word == "\(formulation.rawValue):\(storage.rawValue)"
      }
      guard !named.isEmpty else {
        let names = Formulation.allCases.flatMap { formulation in
          formulation.storages.count == 1
            ? [formulation.rawValue]
            : [formulation.rawValue] + formulation.storages.map { "\(formulation.rawValue):\($0.rawValue)" }
        }
        throw ValidationError(
          "--formulation has '\(word)', but must be one of \(names.joined(separator: ", ")).")
      }
      return named
    }
  }

  private static func words<Word: RawRepresentable<String> & CaseIterable>(
    _ text: String, flag: String
  ) throws -> [Word] {
    try parts(text, by: ",").map { part in
      guard let word = Word(rawValue: part) else {
        let names = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("\(flag) has '\(part)', but must be one of \(names).")
      }
      return word
    }
  }

  private static func dataType(_ text: String) throws -> DataType {
    guard let dataType = DataType(rawValue: text), [.float32, .float64].contains(dataType) else {
      throw ValidationError("'\(text)' is no element type; there are float32 and float64.")
    }
    return dataType
  }
}
