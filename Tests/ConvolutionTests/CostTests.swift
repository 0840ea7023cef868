import Convolution
import TestSupport
import Testing

@Suite struct CostTests {
  @Test("costs are those of the theory")
  func theory() throws {
    let geometry = try ConvolutionGeometry(image: Extent(256, 256), filter: Extent(3, 3))
    let matrix = Formulation.toeplitz.cost(of: geometry, storage: .dense, scalarByteCount: 4)
    #expect(matrix.storedEntries == 4_228_120_576)
    #expect(matrix.bytes == 16_912_482_304 && matrix.heldBytes == 16_912_482_304)
    let stencil = Formulation.toeplitz.cost(of: geometry, storage: .sparse, scalarByteCount: 4)
    #expect(stencil.storedEntries == 9 && stencil.multiplyAdds == 580_644)
    let bands = Formulation.banded.cost(of: geometry, storage: .dense, scalarByteCount: 4)
    #expect(bands.storedEntries == 195_072 && bands.multiplyAdds == 195_072 * 254)
    #expect(Formulation.direct.cost(of: geometry, storage: .sparse, scalarByteCount: 8).bytes == 72)
    let patches = Formulation.im2col.cost(of: geometry, storage: .sparse, scalarByteCount: 4)
    #expect(patches.storedEntries == 580_644 + 9 && patches.bytes == 4 * 580_653)
  }

  @Test("what an operator holds is what its cost says, in every problem")
  func heldBytes() throws {
    var random = SeededNumbers(seed: 17)
    var checked = 0
    while checked < 300 {
      let p = random.parameters(upTo: 6)
      guard
        let geometry = try? ConvolutionGeometry(
          image: p.imageShape, filter: p.filterShape, options: p.options)
      else { continue }
      checked += 1
      let filter = Tensor<Double>(shape: p.filterShape, repeating: 1)
      for (formulation, storage) in dotProductForms {
        let prepared = try formulation.makeOperator(storage: storage, geometry: geometry, filter: filter)
        let cost = formulation.cost(of: geometry, storage: storage, scalarByteCount: 8)
        #expect(prepared.heldBytes == cost.heldBytes, "\(formulation) \(storage) \(p)")
        // Without a zero among the weights, sparse storage holds as many numbers as the filter has.
        if storage == .sparse && formulation != .im2col { #expect(cost.storedEntries == geometry.weights) }
      }
    }
  }

  @Test("the stored entries and multiply-adds are those that are counted one by one")
  func counts() throws {
    var random = SeededNumbers(seed: 18)
    var checked = 0
    while checked < 200 {
      var p = random.parameters(upTo: 6)
      p.transposed = false
      guard
        let geometry = try? ConvolutionGeometry(
          image: p.imageShape, filter: p.filterShape, options: p.options)
      else { continue }
      checked += 1
      let filter = Tensor<Int>(shape: p.filterShape, repeating: 1)
      func prepared(_ formulation: Formulation) throws -> ConvolutionOperator<Int> {
        try formulation.makeRingOperator(storage: .dense, geometry: geometry, filter: filter)
      }
      let matrix = Formulation.toeplitz.cost(of: geometry, storage: .dense, scalarByteCount: 8)
      let entries = try prepared(.toeplitz).matrix(at: 0)?.values.count
      #expect(matrix.storedEntries == entries && matrix.multiplyAdds == p.batch * matrix.storedEntries)
      let bands = Formulation.banded.cost(of: geometry, storage: .dense, scalarByteCount: 8)
      let bandMatrices = try prepared(.banded)
      var stored = 0
      var index = 0
      while let count = bandMatrices.matrix(at: index)?.values.count {
        stored += count
        index += 1
      }
      #expect(bands.storedEntries == stored)
      #expect(bands.multiplyAdds == stored * geometry.output.width * p.batch)
      // Padding that repeats pixels leaves out no product, and zeros only leave some out.
      let products = try #require(terms(p)).terms.count
      let direct = Formulation.direct.cost(of: geometry, storage: .sparse, scalarByteCount: 8).multiplyAdds
      #expect(p.mode == .zeros && p.padding != .none ? products <= direct : products == direct)
    }
  }

  @Test("counts that don't fit an Int stand at its end, and every operator of them is refused")
  func saturation() throws {
    var image = Shape(1 << 30, 1 << 20, 1 << 15, 1 << 15)
    image[0] = 1 << 40
    let filter = Shape(1, 1 << 20, 1, 1)
    let geometry = try ConvolutionGeometry(image: image, filter: filter, maximumOutputElements: .max)
    for (formulation, storage) in dotProductForms {
      let cost = formulation.cost(of: geometry, storage: storage, scalarByteCount: 8)
      #expect(cost.multiplyAdds == .max)
      if storage == .dense {
        #expect(throws: ConvolutionError.self) {
          try formulation.check(
            storage: storage, geometry: geometry, scalarByteCount: 8, memoryLimit: 1 << 50)
        }
      }
      #expect(throws: ConvolutionError.self) {
        try formulation.check(storage: storage, geometry: geometry, scalarByteCount: 8, workLimit: 1 << 60)
      }
    }
  }

  @Test("the matrix of a grouped, padded problem has weights that meet added and zeros between groups")
  func matrices() throws {
    // One row of three pixels, one tap of three, replicated by one: the outer outputs read their pixel twice.
    var p = Parameters(
      image: Extent(1, 3), filter: Extent(1, 3), stride: Extent(1, 1),
      padding: Padding(vertical: 0, horizontal: 1), dilation: Extent(1, 1))
    p.mode = .replicate
    p.groups = 2
    p.inputs = 2
    p.outputs = 2
    p.imageRank = 3
    p.filterRank = 4
    let geometry = try ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
    let filter = Tensor([1, 2, 3, 10, 20, 30], p.filterShape)
    let matrix = try Formulation.toeplitz.makeRingOperator(
      storage: .dense, geometry: geometry, filter: filter
    )
    .matrix(at: 0)?.rows
    #expect(
      matrix == [
        [3, 3, 0, 0, 0, 0], [1, 2, 3, 0, 0, 0], [0, 1, 5, 0, 0, 0], [0, 0, 0, 30, 30, 0],
        [0, 0, 0, 10, 20, 30],
        [0, 0, 0, 0, 10, 50],
      ])
    let bands = try Formulation.banded.makeRingOperator(storage: .dense, geometry: geometry, filter: filter)
    let all = (0..<6).map { bands.matrix(at: $0)?.rows }
    #expect(all == [[[1]], [[2]], [[3]], [[10]], [[20]], [[30]]])
  }
}
