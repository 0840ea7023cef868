import Convolution
import Glibc
import TestSupport
import Testing

// What stands between the two marks is the example of docs/layer.md, word for word.
// example begins
/// Trains a layer of zeros on what a known filter and bias make of random images.
func train(
  _ formulation: Formulation, _ storage: Storage, steps: Int
) throws -> ConvolutionLayer<Float> {
  let teacher = try ConvolutionLayer(
    filter: Tensor<Float>([[1, 0, -1], [2, 0.5, -2], [1, 0, -1]]),
    bias: Tensor<Float>(shape: Shape(1), repeating: 0.25))
  var random = SeededNumbers(seed: 1)
  var images = Tensor<Float>(shape: Shape(4, 1, 8, 8), repeating: 0)
  for index in images.mutableValues.indices {
    images.mutableValues[index] = Float.random(in: -1...1, using: &random)
  }
  let wanted = try teacher.forward(images)

  var layer = try ConvolutionLayer(
    filter: Tensor<Float>(shape: Shape(3, 3), repeating: 0), formulation: formulation, storage: storage)
  for _ in 0..<steps {
    // The loss is the mean of (result − wanted)² / 2; its derivative by each result is their difference over the count.
    var upstream = try layer.forward(images)
    let count = Float(upstream.values.count)
    for index in upstream.mutableValues.indices {
      upstream.mutableValues[index] = (upstream.values[index] - wanted.values[index]) / count
    }
    layer.step(try layer.back(images, upstream: upstream), rate: 1)
  }
  return layer
}

/// The matrix `A` of a layer for an 8×8 image: 36 outputs × 64 pixels.
func matrix(of layer: borrowing ConvolutionLayer<Float>) throws -> [[Float]] {
  let geometry = try ConvolutionGeometry(
    image: Shape(8, 8), filter: layer.filter.shape, options: layer.options)
  let prepared = try Formulation.toeplitz.makeOperator(
    storage: .dense, geometry: geometry, filter: layer.filter)
  return prepared.matrix(at: 0)?.rows ?? []
}
// example ends

@Suite struct LayerExample {
  static let forms = dotProductForms.filter { $0.formulation.hasGradients }

  @Test("a layer recovers a known filter and bias by every formulation, and keeps its zeros and ties")
  func recovery() throws {
    let known: [Float] = [1, 0, -1, 2, 0.5, -2, 1, 0, -1]
    let p = Parameters(
      image: Extent(8, 8), filter: Extent(3, 3), stride: Extent(1, 1), padding: .none, dilation: Extent(1, 1))
    let places = try #require(terms(p)?.terms)
    for (formulation, storage) in Self.forms {
      for steps in [0, 1, 200] {
        let layer = try train(formulation, storage, steps: steps)
        let learnt = Array(layer.filter.values)
        // A by its definition: the weight at each of its places, zero at all others.
        var expected = [[Float]](repeating: [Float](repeating: 0, count: 64), count: 36)
        for place in places { expected[place.result][place.pixel] = learnt[place.weight] }
        let matrix = try matrix(of: layer)
        #expect(matrix == expected, "\(formulation) \(storage) after \(steps) steps")
        #expect(matrix.joined().count { $0 != 0 } == (steps == 0 ? 0 : 36 * 9))
        #expect(layer.parameterCount == 10)
        if steps < 200 { continue }
        let furthest = zip(learnt, known).map { abs($0 - $1) }.max() ?? .infinity
        #expect(furthest < 1e-4, "\(formulation) \(storage): \(learnt)")
        #expect(abs(layer.bias.values[0] - 0.25) < 1e-4)
      }
    }
  }

  @Test("a layer of many channels recovers its filters where groups, flip, padding and transposition meet")
  func wholeProblem() throws {
    var random = SeededNumbers(seed: 3)
    for transposed in [false, true] {
      let options = ConvolutionOptions(
        stride: Extent(1, 2), padding: .sides(Padding(top: 1, left: 0, bottom: 1, right: 1)),
        paddingMode: transposed ? .zeros : .circular, groups: 2, flip: true, transposed: transposed)
      func tensor(_ shape: Shape) -> Tensor<Float> {
        var tensor = Tensor<Float>(shape: shape, repeating: 0)
        for index in tensor.mutableValues.indices {
          tensor.mutableValues[index] = Float.random(in: -1...1, using: &random)
        }
        return tensor
      }
      let filter = Shape(4, 2, 3, 2)
      let channels = 4
      let teacher = try ConvolutionLayer(
        filter: tensor(filter), bias: tensor(Shape(channels)), options: options)
      let images = tensor(Shape(6, 4, 7, 7))
      let wanted = try teacher.forward(images)
      for (formulation, storage) in Self.forms {
        var layer = try ConvolutionLayer(
          filter: Tensor<Float>(shape: filter, repeating: 0), options: options, formulation: formulation,
          storage: storage)
        for _ in 0..<150 {
          var upstream = try layer.forward(images)
          // Over the results of one channel: each channel has weights of its own.
          let count = Float(upstream.values.count / channels)
          for index in upstream.mutableValues.indices {
            upstream.mutableValues[index] = (upstream.values[index] - wanted.values[index]) / count
          }
          layer.step(try layer.back(images, upstream: upstream), rate: 1)
        }
        let furthest = zip(layer.filter.values, teacher.filter.values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(furthest < 1e-4, "\(formulation) \(storage) transposed: \(transposed)")
        let bias = zip(layer.bias.values, teacher.bias.values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(bias < 1e-4)
      }
    }
  }

  @Test(
    "a layer refuses what fits no image, a bias of another length, and to learn where there are no gradients")
  func refusals() throws {
    func layer(
      _ filter: Shape, bias: Int? = nil, _ options: ConvolutionOptions = ConvolutionOptions(),
      _ formulation: Formulation = .direct, _ storage: Storage = .sparse
    ) throws(ConvolutionError) -> ConvolutionLayer<Float> {
      let numbers: Tensor<Float>? = bias.map { Tensor(shape: Shape($0), repeating: 2) }
      return try ConvolutionLayer(
        filter: Tensor<Float>(shape: filter, repeating: 1), bias: numbers, options: options,
        formulation: formulation, storage: storage)
    }
    #expect(throws: ConvolutionError.wrongRank(field: .filter, rank: 1)) { _ = try layer(Shape(3)) }
    #expect(throws: ConvolutionError.biasLength(2, channels: 3)) { _ = try layer(Shape(3, 1, 2, 2), bias: 2) }
    #expect(throws: ConvolutionError.biasLength(3, channels: 2)) {
      _ = try layer(Shape(3, 2, 2, 2), bias: 3, ConvolutionOptions(transposed: true))
    }
    #expect(throws: ConvolutionError.groupsDoNotDivide(filters: 3, groups: 2)) {
      _ = try layer(Shape(3, 1, 2, 2), ConvolutionOptions(groups: 2))
    }
    #expect(throws: ConvolutionError.notPositive(field: .groups, axis: nil, value: 0)) {
      _ = try layer(Shape(3, 1, 2, 2), ConvolutionOptions(groups: 0))
    }
    #expect(throws: ConvolutionError.unsupportedStorage(formulation: .direct, storage: .dense)) {
      _ = try layer(Shape(2, 2), ConvolutionOptions(), .direct, .dense)
    }
    let one = try layer(Shape(3, 1, 2, 2), bias: 1, ConvolutionOptions(), .im2col)
    let bias = Array(one.bias.values)
    #expect(bias == [2, 2, 2] && one.parameterCount == 15)
    let image = Tensor<Float>([[1, 2], [3, 4]])
    let result = try one.forward(image)
    #expect(result.shape.description == "3×1×1" && result.values.allSatisfy { $0 == 12 })
    #expect(throws: ConvolutionError.unsupported(formulation: .im2col, .gradients)) {
      _ = try one.back(image, upstream: result)
    }
  }

  @Test("docs/layer.md shows this example")
  func documentation() throws {
    let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let source = try #require(text(of: #filePath))
    let page = try #require(text(of: tests.dropLast(2).joined(separator: "/") + "/docs/layer.md"))
    let example = source.components(between: "// example begins\n", and: "// example ends\n")
    let shown = page.components(between: "```swift\n", and: "```\n")
    #expect(!example.isEmpty && example == shown)
  }
}

/// The text of a small file.
private func text(of path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes[..<count], as: UTF8.self)
}

extension String {
  /// What stands between the first `start` that begins a line and the next `end`.
  fileprivate func components(between start: String, and end: String) -> String {
    guard let begin = firstRange(of: "\n" + start),
      let stop = self[begin.upperBound...].firstRange(of: end)
    else { return "" }
    return String(self[begin.upperBound..<stop.lowerBound])
  }
}
