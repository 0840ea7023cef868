public import Convolution

/// What to measure: every image with every filter by every formulation and storage.
public struct BenchmarkPlan: Sendable {
  /// Shapes of images.
  public var images: [Shape]
  /// Shapes of filters.
  public var filters: [Shape]
  /// Stride, padding, dilation and groups of all of them.
  public var options: ConvolutionOptions
  /// The element type.
  public var dataType: DataType
  /// Formulations with their storages.
  public var formulations: [(Formulation, Storage)]
  /// What is timed of each.
  public var quantities: [BenchmarkQuantity]
  /// The most timed applications a case.
  public var maximumIterations: Int
  /// When a case stops before that; one application is always timed.
  public var secondsPerCase: Double
  /// The most bytes an operator may hold.
  public var memoryLimit: Int
  /// The most multiply-adds one application may take.
  public var workLimit: Int

  /// A plan; the defaults are the classic table's: every formulation in every storage.
  public init(
    images: [Shape], filters: [Shape], options: ConvolutionOptions = ConvolutionOptions(),
    dataType: DataType = .float32, formulations: [(Formulation, Storage)] = BenchmarkPlan.everyFormulation,
    quantities: [BenchmarkQuantity] = [.result], maximumIterations: Int = 1000, secondsPerCase: Double = 0.2,
    memoryLimit: Int = 1 << 30, workLimit: Int = .max
  ) {
    self.images = images
    self.filters = filters
    self.options = options
    self.dataType = dataType
    self.formulations = formulations
    self.quantities = quantities
    self.maximumIterations = maximumIterations
    self.secondsPerCase = secondsPerCase
    self.memoryLimit = memoryLimit
    self.workLimit = workLimit
  }

  /// Every formulation in every storage it has, in the order of the list.
  public static var everyFormulation: [(Formulation, Storage)] {
    Formulation.allCases.flatMap { formulation in formulation.storages.map { (formulation, $0) } }
  }

  /// The cases in the order in which they run.
  public var cases: [BenchmarkCase] {
    images.flatMap { image in
      filters.flatMap { filter in
        formulations.flatMap { formulation, storage in
          quantities.map {
            BenchmarkCase(
              image: image, filter: filter, options: options, dataType: dataType, formulation: formulation,
              storage: storage, quantity: $0)
          }
        }
      }
    }
  }
}
