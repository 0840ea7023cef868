public import Convolution

/// What to measure: every image size with every filter size by every formulation and storage.
public struct BenchmarkPlan: Sendable {
  /// Image sizes.
  public var images: [Extent]
  /// Filter sizes.
  public var filters: [Extent]
  /// The element type.
  public var dataType: DataType
  /// Formulations with their storages.
  public var formulations: [(Formulation, Storage)]
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
    images: [Extent], filters: [Extent], dataType: DataType = .float32,
    formulations: [(Formulation, Storage)] = BenchmarkPlan.everyFormulation, maximumIterations: Int = 1000,
    secondsPerCase: Double = 0.2, memoryLimit: Int = 1 << 30, workLimit: Int = .max
  ) {
    self.images = images
    self.filters = filters
    self.dataType = dataType
    self.formulations = formulations
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
        formulations.map {
          BenchmarkCase(image: image, filter: filter, dataType: dataType, formulation: $0.0, storage: $0.1)
        }
      }
    }
  }
}

/// One line of the table to come.
public struct BenchmarkCase: Hashable, Sendable {
  /// The image's size.
  public let image: Extent
  /// The filter's size.
  public let filter: Extent
  /// The element type.
  public let dataType: DataType
  /// The formulation.
  public let formulation: Formulation
  /// Its storage.
  public let storage: Storage
}
