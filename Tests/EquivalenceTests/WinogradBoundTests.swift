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

  func randomResult(tile: Int, taps: Int, _ random: inout SeededNumbers) throws -> BoundedResult<Float> {
    let (image, filter) = (Shape(1, 4, 24, 24), Shape(2, 4, taps, taps))
    let numbers: (image: [Float], filter: [Float]) = Adversary.random.numbers(
      (4 * 576, 8 * taps * taps), taps: taps * taps, &random)
    return try BoundedResult(
      .winograd, image, filter, ConvolutionOptions(), numbers, bias: nil, told: FormulationOptions(tile: tile)
    )
  }

  @Test("errors of random data come within a factor of the bound", arguments: tiles)
  func isNotVacuous(tile: Int, taps: Int) throws {
    var random = SeededNumbers(seed: 11)
    let largest = try (0..<20).map { _ in
      try randomResult(tile: tile, taps: taps, &random).ratios.max() ?? 0
    }
    // Of N products with k roundings each, their signs random, about √(N·k)/(N·k) of the bound remains, and
    // three times that at the worst of some hundred elements. F(6, 3) has N = 4·9·36·64 products, very
    // unequal ones, and k = 36; the largest ratios that were seen were 0.018, 0.006, 0.004 and 0.004.
    #expect(largest.max() ?? 0 <= 1)
    #expect(largest.min() ?? 0 > 0.001)
  }

  @Test(
    "pixels that are not finite leave no bound that is no number", arguments: [Float.infinity, .nan, 0x1p127])
  func nonfinite(pixel: Float) throws {
    var random = SeededNumbers(seed: 12)
    var numbers: (image: [Float], filter: [Float]) = Adversary.random.numbers((400, 9), taps: 9, &random)
    numbers.image[45] = pixel
    for tile in [2, 4, 6] {
      let bounded = try BoundedResult(
        .winograd, Shape(20, 20), Shape(3, 3), ConvolutionOptions(), numbers, bias: nil,
        told: FormulationOptions(tile: tile))
      #expect(bounded.bounds.allSatisfy { !$0.isNaN && $0 > 0 })
      // Five times the largest pixel, as the larger tiles need it, is infinite. An element that has met
      // something infinite has become so itself: no finite one is beyond its bound.
      #expect(bounded.refuted == nil)
      #expect(bounded.result.contains { !$0.isFinite } == (tile != 2 || !pixel.isFinite))
    }
  }
}
