import Convolution
import Equivalence
import TestSupport
import Testing

/// The bound on Winograd results holds on data made to break it, and it is no empty promise.
@Suite struct WinogradBoundTests {
  static let tiles = [(tile: 2, taps: 3), (4, 3), (6, 3), (2, 5)]

  @Test("no result lies beyond its bound, whatever the data", arguments: tiles)
  func holds(tile: Int, taps: Int) throws {
    let told = FormulationOptions(tile: tile)
    try checkBounds(.winograd, filter: Extent(taps, taps), told: told, as: Float.self)
    try checkBounds(.winograd, filter: Extent(taps, taps), told: told, as: Double.self)
  }

  func randomResult(
    tile: Int, taps: Int, _ random: inout SeededNumbers, changed: Float = 0
  ) throws -> BoundedResult<Float> {
    let (image, filter) = (Shape(1, 4, 24, 24), Shape(2, 4, taps, taps))
    let numbers: (image: [Float], filter: [Float]) = Adversary.random.numbers(
      (4 * 576, 8 * taps * taps), taps: taps * taps, &random)
    return try BoundedResult(
      .winograd, image, filter, ConvolutionOptions(), numbers, bias: nil, told: FormulationOptions(tile: tile))
  }

  @Test("errors of random data come within a factor of the bound", arguments: tiles)
  func isNotVacuous(tile: Int, taps: Int) throws {
    var random = SeededNumbers(seed: 11)
    let largest = try (0..<20).map { _ in try randomResult(tile: tile, taps: taps, &random).ratios.max() ?? 0 }.sorted()
    print("F(\(tile), \(taps)): median \(largest[10]), max \(largest[19])")
    // Rounding errors of random signs add up like their root: of k ≈ 20 … 40 roundings some √k/k remain, and less since
    // the terms of the majorant, thousands at F(6, 3), have random signs too.
    #expect(largest[19] <= 1)
    #expect(largest[0] > 0.001)
  }
}
