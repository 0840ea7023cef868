import Convolution
import TestSupport
import Testing

/// The separable formulation: what its decomposition keeps of a filter, and its passes against the
/// definition.
@Suite(.serialized) struct SeparableTests {
  /// An operator for one filter plane, or several of the same size.
  func separable<Scalar: TensorScalar>(
    _ filter: [Scalar], _ size: Extent, planes: Int = 1, rank: Int? = nil
  ) throws -> SeparableOperator<Scalar> {
    let geometry = try ConvolutionGeometry(
      image: Shape(1, 1, size.height, size.width), filter: Shape(planes, 1, size.height, size.width))
    return SeparableOperator(geometry: geometry, filter: filter, rank: rank)
  }

  /// `Σ_r p_r[u] · q_r[v]` of a plane, in float64.
  func sum<Scalar: TensorScalar>(_ map: SeparableOperator<Scalar>, _ size: Extent, plane: Int = 0) -> [Double]
  {
    var sum = [Double](repeating: 0, count: size.elementCount)
    for term in map.terms(plane: plane) {
      for u in 0..<size.height {
        for v in 0..<size.width {
          sum[u * size.width + v] += Double(term[u]) * Double(term[size.height + v])
        }
      }
    }
    return sum
  }

  /// Sums of two passes with the factors of `map` in float64, and of their magnitudes.
  func passes<Scalar: TensorScalar>(
    _ map: SeparableOperator<Scalar>, _ image: [Scalar], _ geometry: ConvolutionGeometry
  ) -> [(sum: Double, magnitudes: Double)] {
    let (rows, columns) = (geometry.rows, geometry.columns)
    let terms = map.terms(plane: 0)
    var results: [(sum: Double, magnitudes: Double)] = []
    for a in 0..<rows.output {
      for b in 0..<columns.output {
        var (sum, magnitudes) = (0.0, 0.0)
        for u in rows.taps(of: a) {
          for v in columns.taps(of: b) {
            let pixel = rows.pixel(output: a, tap: u) * columns.image + columns.pixel(output: b, tap: v)
            for term in terms {
              let product = Double(term[u]) * Double(term[rows.filter + v]) * Double(image[pixel])
              sum += product
              magnitudes += product.magnitude
            }
          }
        }
        results.append((sum, magnitudes))
      }
    }
    return results
  }

  @Test("every instruction set passes images of several tiles as the definition of the passes says")
  func tiles() throws {
    func check<Scalar: TensorScalar>(_: Scalar.Type, _ image: Extent, _ options: ConvolutionOptions) throws {
      var random = SeededNumbers(seed: UInt64(image.width))
      let geometry = try ConvolutionGeometry(image: image, filter: Extent(3, 5), options: options)
      let filter = (0..<15).map { _ in Scalar(random.integer(-99...99)) / 16 }
      let map = SeparableOperator(geometry: geometry, filter: filter, rank: 2)
      let pixels = (0..<image.elementCount).map { _ in Scalar(random.integer(-999...999)) / 64 }
      let guards = [Scalar](repeating: 77, count: 16)
      var output = guards + [Scalar](repeating: .nan, count: geometry.output.elementCount) + guards
      output.withUnsafeMutableBufferPointer { room in
        map.apply(to: pixels, bias: [0.5], into: room.baseAddress.unsafelyUnwrapped + 16)
      }
      #expect(Array(output.prefix(16)) == guards && Array(output.suffix(16)) == guards)
      // Of kw, kh, T = 2 and a bias: γ₁₁, and the float64 sums' own error.
      let unit = 12 * Scalar.dataType.unitRoundoff + 32 * 0x1p-53
      for (index, pass) in passes(map, pixels, geometry).enumerated()
      where (Double(output[16 + index]) - pass.sum - 0.5).magnitude > unit * (pass.magnitudes + 0.5) {
        Issue.record("\(KernelVariant.selected) \(Scalar.dataType) \(image) \(options) at \(index)")
        return
      }
    }
    try withEveryVariant { _ in
      for image in [Extent(7, 9), Extent(40, 33), Extent(31, 4099), Extent(300, 1030)] {
        for options in [
          ConvolutionOptions(), ConvolutionOptions(padding: .sides(Padding(vertical: 2, horizontal: 3))),
          ConvolutionOptions(
            stride: Extent(2, 2), padding: .sides(Padding(vertical: 1, horizontal: 1)), dilation: Extent(2, 1)
          ),
        ] {
          try check(Float.self, image, options)
          try check(Double.self, image, options)
        }
      }
    }
  }

  static let sizes = [
    Extent(1, 1), Extent(1, 7), Extent(7, 1), Extent(2, 2), Extent(3, 3), Extent(5, 2), Extent(2, 5),
    Extent(8, 9),
    Extent(33, 5), Extent(64, 64),
  ]

  @Test("all terms together are the filter, whatever its size and magnitude", arguments: sizes)
  func reconstruction(size: Extent) throws {
    var random = SeededNumbers(seed: UInt64(size.height * 100 + size.width))
    for exponent in [0, -1000, 1000, -60, 61] {
      let filter = (0..<size.elementCount).map { _ in
        Double(sign: .plus, exponent: exponent, significand: Double(random.integer(-1000...1000)) / 1000)
      }
      let map = try separable(filter, size)
      #expect(map.factors.fullRank == min(size.height, size.width))
      let largest = filter.map(\.magnitude).max() ?? 0
      let error = zip(sum(map, size), filter).map { ($0 - $1).magnitude }.max() ?? 0
      // σ₁ ≤ √(kh·kw)·max|w|; each of some hundred rotations of a vector costs a few roundings.
      let scale = Double(size.elementCount).squareRoot() * largest
      #expect(error <= 1000 * 0x1p-53 * scale, "\(size), 2^\(exponent): \(error / scale)")
    }
  }

  @Test("filters whose rank is known have that rank")
  func knownRanks() throws {
    let cases: [(name: String, size: Extent, filter: [Float], rank: Int)] = [
      ("Sobel", Extent(3, 3), [1, 0, -1, 2, 0, -2, 1, 0, -1], 1),
      ("box", Extent(3, 3), [Float](repeating: 1 / 9, count: 9), 1),
      ("Laplacian", Extent(3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], 2),
      ("identity", Extent(3, 3), [0, 0, 0, 0, 1, 0, 0, 0, 0], 1),
      ("diagonal", Extent(3, 3), [1, 0, 0, 0, 2, 0, 0, 0, 3], 3),
      ("zero", Extent(3, 3), [Float](repeating: 0, count: 9), 0),
      ("zero columns", Extent(2, 3), [0, 1, 0, 0, 2, 0], 1),
      ("smallest number", Extent(2, 2), [.leastNonzeroMagnitude, 0, 0, 0], 1),
      ("largest numbers", Extent(2, 2), [Float](repeating: .greatestFiniteMagnitude, count: 4), 1),
      ("row", Extent(1, 4), [1, 2, 3, 4], 1),
      ("binomial outer product", Extent(4, 3), [1, 2, 1, 3, 6, 3, 3, 6, 3, 1, 2, 1], 1),
    ]
    for (name, size, filter, rank) in cases {
      let map = try separable(filter, size)
      #expect(map.factors.rank == rank, "\(name)")
      #expect(map.factors.fullRank == rank, "\(name)")
      #expect(map.terms(plane: 0).allSatisfy { $0.allSatisfy { $0.isFinite } }, "\(name)")
    }
  }

  @Test("the kept terms are the best approximation of their rank")
  func truncation() throws {
    // Singular values 4, 2 and 1: the Frobenius norm of what one term leaves is √5, of what two leave 1.
    let (a, b) = (1 / 3.0, 2 / 3.0)
    let left = [[a, b, b], [b, a, -b], [b, -b, a]]
    let right = [[b, b, a], [-b, a, b], [a, -b, b]]
    let values: [Double] = [4, 2, 1]
    var filter = [Double](repeating: 0, count: 9)
    for (index, value) in values.enumerated() {
      for place in 0..<9 { filter[place] += value * left[index][place / 3] * right[index][place % 3] }
    }
    let distances: [Double] = [Double(5).squareRoot(), 1, 0]
    for (rank, distance) in zip(1...3, distances) {
      let map = try separable(filter, Extent(3, 3), rank: rank)
      #expect(map.factors.rank == rank)
      #expect(map.factors.fullRank == 3)
      let kept = sum(map, Extent(3, 3))
      let squares: [Double] = zip(kept, filter).map { ($0 - $1) * ($0 - $1) }
      #expect((squares.reduce(0, +).squareRoot() - distance).magnitude < 1e-14)
      let truncated = map.truncated
      #expect((truncated == nil) == (rank == 3))
      if let truncated { #expect(zip(truncated, kept).allSatisfy { ($0 - $1).magnitude < 1e-14 }) }
    }
  }

  @Test("planes of different ranks each keep their own terms")
  func planes() throws {
    let filter: [Float] = [
      1, 0, -1, 2, 0, -2, 1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, -4, 1, 0, 1, 0,
    ]
    let map = try separable(filter, Extent(3, 3), planes: 3)
    #expect((0..<3).map { map.terms(plane: $0).count } == [1, 0, 2])
    let limited = try separable(filter, Extent(3, 3), planes: 3, rank: 1)
    #expect((0..<3).map { limited.terms(plane: $0).count } == [1, 0, 1])
    // Where nothing was dropped, the truncated filter is the filter to the last bit.
    #expect(limited.truncated.map { Array($0[0..<18]) } == filter[0..<18].map(Double.init))
  }

  @Test("a filter that is not finite gives no number, soon", arguments: [Float.nan, .infinity, -.infinity])
  func nonfinite(tap: Float) throws {
    var filter = [Float](repeating: 1, count: 9)
    filter[4] = tap
    let problem = try ConvolutionProblem(
      image: Tensor(Shape(4, 4), [Float](repeating: 1, count: 16)), filter: Tensor(Shape(3, 3), filter))
    var result = problem.makeOutput()
    let prepared = try Formulation.separable.makeOperator(
      storage: .sparse, geometry: problem.geometry, filter: problem.filter, options: FormulationOptions())
    prepared.apply(to: problem.image, into: &result)
    #expect(result.values.allSatisfy { $0.isNaN })
  }

  @Test("the passes are the definition and its adjoint, for the whole problem")
  func passes() throws {
    var random = SeededNumbers(seed: 33)
    var checked = 0
    while checked < 300 {
      let groups = random.integer(1...2)
      let filter = Shape(
        groups * random.integer(1...2), random.integer(1...2), random.integer(1...5), random.integer(1...5))
      let transposed = random.integer(0...1) == 1
      let options = ConvolutionOptions(
        stride: Extent(random.integer(1...3), random.integer(1...3)),
        padding: .sides(
          Padding(
            top: random.integer(0...4), left: random.integer(0...4), bottom: random.integer(0...4),
            right: random.integer(0...4))),
        dilation: Extent(random.integer(1...3), random.integer(1...3)), groups: groups, transposed: transposed
      )
      let image = Shape(
        random.integer(1...2), transposed ? filter[0] : groups * filter[1], random.integer(1...12),
        random.integer(1...20))
      guard let geometry = try? ConvolutionGeometry(image: image, filter: filter, options: options) else {
        continue
      }
      checked += 1
      func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in Double(random.integer(-9...9)) } }
      let weights = numbers(geometry.weights)
      let pixels = numbers(geometry.imageElementCount)
      let outputs = numbers(geometry.outputElementCount)
      let biases = [numbers(geometry.channels.output), numbers(geometry.channels.image)]
      let map = SeparableOperator<Double>(geometry: geometry, filter: weights, rank: nil)
      var forward = outputs
      var adjoint = pixels
      map.apply(to: pixels, bias: biases[0], into: &forward)
      map.applyAdjoint(to: outputs, bias: biases[1], into: &adjoint)
      let meetings = Meetings(geometry)
      func deviation(_ computed: [Double], _ plain: [Double], _ bias: [Double]) -> Double {
        let plane = plain.count / (geometry.channels.batch * bias.count)
        return plain.indices.map { (computed[$0] - plain[$0] - bias[$0 / plane % bias.count]).magnitude }
          .max() ?? 0
      }
      // At most 100 products of two factors up to 9·5, in float64: 10⁻¹⁰ is beyond all rounding and below any
      // mistake.
      let distance = max(
        deviation(forward, meetings.forward(pixels, weights), biases[0]),
        deviation(adjoint, meetings.adjoint(outputs, weights), biases[1]))
      #expect(distance < 1e-10, "\(geometry)")
      if distance >= 1e-10 { return }
    }
  }

  @Test("the costs are the worst case for all ranks, and no less than what is held")
  func costs() throws {
    let geometry = try ConvolutionGeometry(
      image: Shape(2, 6, 14, 15), filter: Shape(9, 2, 5, 3),
      options: ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 2)), groups: 3))
    let filter = [Float](repeating: 1, count: geometry.weights)
    for rank in [nil, 1, 2] {
      let cost = Formulation.separable.cost(
        of: geometry, storage: .sparse, options: FormulationOptions(rank: rank), scalarByteCount: 4)
      #expect(cost.storedEntries == 18 * (rank ?? 3) * 8)
      #expect(cost.bytes == 4 * cost.storedEntries)
      #expect(cost.multiplyAdds == 2 * 18 * (rank ?? 3) * 17 * (14 * 3 + 12 * 5))
      #expect(
        cost.heldBytes >= SeparableOperator<Float>(geometry: geometry, filter: filter, rank: rank).heldBytes)
    }
  }

  @Test("a decomposition that would take too long is refused")
  func tooMuchWork() throws {
    let geometry = try ConvolutionGeometry(image: Extent(4096, 4096), filter: Extent(4096, 4096))
    do throws(ConvolutionError) {
      try Formulation.separable.check(
        storage: .sparse, geometry: geometry, scalarByteCount: 4, workLimit: 100_000_000_000)
      Issue.record("4096³ operations in no time")
    } catch {
      guard case .tooMuchWork(.separable, .sparse, let work, _) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(work > 1_000_000_000_000)
    }
  }
}
