public import Convolution

/// What exact probes show of one formulation for one geometry, for all images, filters and biases at once.
///
/// Nothing is compared within a tolerance (but where a probe says so): each probe chooses numbers with which the arithmetic
/// of the formulation is exact. `combs`, `integers` and `precision` run the very code that serves floating-point problems;
/// `field` runs the same algorithm over the integers modulo 2⁶¹ − 1. What is shown is said in each outcome's `statement`, and
/// holds for this geometry alone.
public struct Proof: Sendable {
  /// The geometry for which it holds.
  public let geometry: ConvolutionGeometry
  /// The formulation.
  public let formulation: Formulation
  /// Its storage.
  public let storage: Storage
  /// What it was told.
  public let options: FormulationOptions
  /// The floating-point type that was computed in.
  public let dataType: DataType
  /// How much was tried.
  public let settings: ProofSettings
  /// All probes, in the order of `Probe.allCases`.
  public let probes: [ProbeOutcome]

  /// Whether some probe applied and none failed.
  public var holds: Bool {
    failure == nil && probes.contains { $0.verdict == .passed }
  }
  /// The first probe that failed.
  public var failure: ProbeOutcome? { probes.first { $0.counterexample != nil } }

  /// Probes a formulation.
  ///
  /// - Parameter dataType: The problem's type; short ones are computed in float32, and so are they here.
  /// - Throws: what `Formulation.check` throws, for the formulation or for the definition beside it.
  public init(
    of formulation: Formulation, storage: Storage, geometry: ConvolutionGeometry,
    options: FormulationOptions = FormulationOptions(), dataType: DataType = .float32,
    settings: ProofSettings = ProofSettings()
  ) throws(ConvolutionError) {
    try Self.check(formulation, storage: storage, geometry: geometry, options: options, settings: settings)
    let isSingle = dataType.precision == .single
    let cost = formulation.cost(of: geometry, storage: storage, options: options, scalarByteCount: 8)
    // Some probes prepare an operator for each application.
    let prover = Prover(
      geometry,
      multiplyAdds: saturatingSum(
        cost.multiplyAdds, saturatingSum(cost.storedEntries, cost.setupMultiplyAdds)),
      settings: settings)
    let exactness = Exactness(formulation, geometry, options)
    var probes =
      isSingle
      ? try Self.floating(
        prover, exactness,
        Implementation<Float>(formulation, storage, geometry, options, memoryLimit: settings.memoryLimit))
      : try Self.floating(
        prover, exactness,
        Implementation<Double>(formulation, storage, geometry, options, memoryLimit: settings.memoryLimit))
    probes.append(
      try prover.field(
        Implementation(
          overField: formulation, storage, geometry, options, memoryLimit: settings.memoryLimit),
        besides: Self.instead(formulation),
        // Of factors, factors and pixels; elimination divides by as many pivots as there are terms.
        degree: formulation == .separable ? 3 + min(geometry.filter.height, geometry.filter.width) : 2))
    self.geometry = geometry
    self.formulation = formulation
    self.storage = storage
    self.options = options
    self.dataType = isSingle ? .float32 : .float64
    self.settings = settings
    self.probes = probes
  }

  /// Checks that a formulation can be probed within the limits of `settings`; nothing is allocated.
  ///
  /// - Throws: what `Formulation.check` throws, for the formulation or for the definition beside it.
  public static func check(
    _ formulation: Formulation, storage: Storage, geometry: ConvolutionGeometry,
    options: FormulationOptions = FormulationOptions(), settings: ProofSettings
  ) throws(ConvolutionError) {
    try formulation.check(
      storage: storage, geometry: geometry, options: options, scalarByteCount: 8,
      memoryLimit: settings.memoryLimit, workLimit: settings.workLimit)
    try Formulation.direct.check(
      storage: .sparse, geometry: geometry, scalarByteCount: 8, memoryLimit: settings.memoryLimit,
      workLimit: settings.workLimit)
    try checkMemory(formulation, storage, geometry, limit: settings.memoryLimit)
  }

  /// What stands in the field for what only real numbers have.
  private static func instead(_ formulation: Formulation) -> String {
    switch formulation {
    case .fft: ", with the roots of unity of the field's extension by a root of −1 for cosines and sines"
    case .separable: ", with the filter decomposed by elimination instead of its singular values"
    default: ""
    }
  }

  private static func floating<Scalar: TensorScalar>(
    _ prover: Prover, _ exactness: Exactness, _ implementation: Implementation<Scalar>
  ) throws(ConvolutionError) -> [ProbeOutcome] {
    [
      try prover.combs(implementation, exactness), try prover.integers(implementation, exactness),
      try prover.precision(implementation, exactness),
    ]
  }

  /// Refuses geometries whose meetings and elements, in exact numbers beside floating-point ones, do not fit.
  private static func checkMemory(
    _ formulation: Formulation, _ storage: Storage, _ geometry: ConvolutionGeometry, limit: Int
  ) throws(ConvolutionError) {
    let elements = Double(geometry.imageElementCount) + Double(geometry.resultElementCount)
    let given = Double(geometry.outputElementCount) + Double(geometry.weights)
    let meetings = [geometry.rows, geometry.columns].reduce(0.0) {
      $0 + Double($1.output) * Double($1.filter) + Double($1.image)
    }
    let bytes = 64 * (elements + given + meetings)
    if bytes > Double(limit) {
      throw .operatorTooLarge(
        formulation: formulation, storage: storage, bytes: bytes < 0x1p62 ? Int(bytes) : .max, limit: limit,
        fits: nil)
    }
  }
}
