import Convolution
import TestSupport
import Testing

/// The Winograd formulation as a bilinear map: on a prime field, where its equality with the definition is a proof.
@Suite struct WinogradTests {
  static let tiles = [(outputs: 2, taps: 3), (4, 3), (6, 3), (2, 5)]

  @Test("the three transforms together are the correlation", arguments: tiles)
  func identity(outputs: Int, taps: Int) {
    let matrices = WinogradMatrices(outputs: outputs, taps: taps)
    let pixels = outputs + taps - 1
    func entry(_ matrix: RationalMatrix, _ row: Int, _ column: Int) -> PrimeField {
      matrix.scalar(row, column, of: PrimeField.self)
    }
    // The unit vectors of taps and pixels decide a bilinear map completely.
    for k in 0..<taps {
      for j in 0..<pixels {
        for i in 0..<outputs {
          var sum = PrimeField.zero
          for point in 0..<pixels {
            let product = entry(matrices.filter, point, k) * entry(matrices.data, point, j)
            sum += entry(matrices.output, i, point) * product
          }
          #expect(sum == PrimeField(i + k == j ? 1 : 0), "F(\(outputs), \(taps)): output \(i), tap \(k), pixel \(j)")
        }
      }
    }
  }

  @Test("F(4, 3) has the matrices that Lavin and Gray print")
  func published() {
    let matrices = WinogradMatrices(outputs: 4, taps: 3)
    let data: [[Double]] = [
      [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ]
    let filter: [[Double]] = [
      [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
    ]
    let output: [[Double]] = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
    for (matrix, rows) in [(matrices.data, data), (matrices.filter, filter), (matrices.output, output)] {
      for i in 0..<matrix.rows {
        #expect((0..<matrix.columns).map { matrix[i, $0] } == rows[i])
      }
    }
  }

  @Test("only the filter's transform is inexact, and F(2, 3) not even that")
  func exactness() {
    for (outputs, taps) in Self.tiles {
      let matrices = WinogradMatrices(outputs: outputs, taps: taps)
      #expect(matrices.output.isDyadic && matrices.data.isDyadic)
      #expect(matrices.filter.isDyadic == (outputs == 2 && taps == 3))
    }
  }

  /// Both directions of a random problem against the definition; false where they differ.
  func check(_ geometry: ConvolutionGeometry, tile: Int, _ random: inout SeededNumbers) -> Bool {
    func elements(_ count: Int) -> [PrimeField] { (0..<count).map { _ in PrimeField(random.next()) } }
    let filter = elements(geometry.weights)
    let image = elements(geometry.imageElementCount)
    let output = elements(geometry.outputElementCount)
    let biases = [elements(geometry.channels.output), elements(geometry.channels.image)]
    let prepared = WinogradOperator<PrimeField>(geometry: geometry, filter: filter, tile: tile)
    let meetings = Meetings(geometry)
    // What stood in the result before must not matter.
    var forward = elements(output.count)
    var adjoint = elements(image.count)
    prepared.apply(to: image, bias: biases[0], into: &forward)
    prepared.applyAdjoint(to: output, bias: biases[1], into: &adjoint)
    func biased(_ plain: [PrimeField], _ bias: [PrimeField]) -> [PrimeField] {
      let plane = plain.count / (geometry.channels.batch * bias.count)
      return plain.indices.map { plain[$0] + bias[$0 / plane % bias.count] }
    }
    let isRight =
      forward == biased(meetings.forward(image, filter), biases[0])
      && adjoint == biased(meetings.adjoint(output, filter), biases[1])
    #expect(isRight, "F(\(tile), \(geometry.filter.height)) of \(geometry)")
    return isRight
  }

  @Test("images around multiples of the tile are exact on a prime field, forwards and backwards", arguments: tiles)
  func tails(outputs: Int, taps: Int) throws {
    var random = SeededNumbers(seed: UInt64(outputs * 10 + taps))
    try withEvery(around: [outputs + taps - 1, 2 * outputs + taps - 1, 3 * outputs + taps - 1]) { height in
      try withEvery(around: [outputs + taps - 1, 4 * outputs + taps - 1]) { width in
        for padding in [0, 1, taps - 1, taps + 1] {
          for transposed in [false, true] {
            if !transposed && min(height, width) + 2 * padding < taps { continue }
            // A transposed problem keeps what its padding leaves.
            if transposed && min(height, width) + taps - 1 <= 2 * padding { continue }
            let geometry = try ConvolutionGeometry(
              image: Extent(height, width), filter: Extent(taps, taps),
              options: ConvolutionOptions(
                padding: .sides(Padding(vertical: padding, horizontal: padding)), transposed: transposed))
            if !check(geometry, tile: outputs, &random) { return }
          }
        }
      }
    }
  }

  @Test("batches, channels, groups and uneven padding are exact on a prime field", arguments: tiles)
  func channels(outputs: Int, taps: Int) throws {
    var random = SeededNumbers(seed: 7)
    for _ in 0..<60 {
      let groups = random.integer(1...3)
      let (image, output) = (groups * random.integer(1...5), groups * random.integer(1...3))
      let transposed = random.integer(0...1) == 1
      let batch = random.integer(1...3)
      let side = { (random: inout SeededNumbers) in random.integer(0...taps + 2) }
      let padding = Padding(top: side(&random), left: side(&random), bottom: side(&random), right: side(&random))
      let least = transposed ? 2 * taps + 6 : taps
      let shape = Shape(
        batch, transposed ? output : image, random.integer(least...least + 9), random.integer(least...least + 20))
      let geometry = try ConvolutionGeometry(
        image: shape, filter: Shape(output, image / groups, taps, taps),
        options: ConvolutionOptions(padding: .sides(padding), groups: groups, transposed: transposed))
      if !check(geometry, tile: outputs, &random) { return }
    }
  }

  @Test("a plane of more tiles than a block holds is exact on a prime field")
  func blocks() throws {
    var random = SeededNumbers(seed: 8)
    // 9×9 and 3×70 tiles: blocks that end within a row of tiles, and rows that are longer than a block.
    for (height, width) in [(38, 37), (13, 281)] {
      let geometry = try ConvolutionGeometry(image: Extent(height, width), filter: Extent(3, 3))
      if !check(geometry, tile: 4, &random) { return }
    }
  }

  @Test("the costs are what the operator holds, and the products are those of whole tiles")
  func costs() throws {
    let geometry = try ConvolutionGeometry(
      image: Shape(2, 6, 14, 15), filter: Shape(9, 2, 3, 3), options: ConvolutionOptions(groups: 3))
    let filter = [Float](repeating: 1, count: geometry.weights)
    for (tile, tiles) in [(2, 42), (4, 12), (6, 6)] {
      let cost = Formulation.winograd.cost(
        of: geometry, storage: .sparse, options: FormulationOptions(tile: tile), scalarByteCount: 4)
      let entries = 18 * (tile + 2) * (tile + 2)
      #expect(cost.storedEntries == entries)
      #expect(cost.bytes == 4 * entries)
      #expect(cost.multiplyAdds == 2 * tiles * entries)
      let held = WinogradOperator<Float>(geometry: geometry, filter: filter, tile: tile).heldBytes
      #expect(cost.heldBytes >= held && held > 4 * entries)
    }
  }

  @Test("what it can't do is refused before anything is made")
  func refusals() throws {
    func refusal(_ filter: Extent, _ options: ConvolutionOptions, tile: Int? = nil) -> ConvolutionError? {
      do throws(ConvolutionError) {
        let geometry = try ConvolutionGeometry(image: Extent(20, 20), filter: filter, options: options)
        try Formulation.winograd.checkSupport(of: geometry, options: FormulationOptions(tile: tile))
        return nil
      } catch { return error }
    }
    let plain = ConvolutionOptions()
    #expect(
      refusal(Extent(3, 3), ConvolutionOptions(stride: Extent(1, 2)))
        == .unsupported(formulation: .winograd, .stride(Extent(1, 2))))
    #expect(
      refusal(Extent(3, 3), ConvolutionOptions(dilation: Extent(2, 1)))
        == .unsupported(formulation: .winograd, .dilation(Extent(2, 1))))
    #expect(refusal(Extent(3, 5), plain) == .unsupported(formulation: .winograd, .filter(Extent(3, 5))))
    #expect(refusal(Extent(3, 3), plain, tile: 3) == .noSuchTile(3, sizes: [2, 4, 6], filter: Extent(3, 3)))
    #expect(refusal(Extent(5, 5), plain, tile: 4) == .noSuchTile(4, sizes: [2], filter: Extent(5, 5)))
    for tile in [nil, 2, 4, 6] { #expect(refusal(Extent(3, 3), plain, tile: tile) == nil) }
    for tile in [nil, 2] { #expect(refusal(Extent(5, 5), plain, tile: tile) == nil) }
  }
}
