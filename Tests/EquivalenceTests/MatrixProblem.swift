import Convolution
import Equivalence
import TestSupport

/// A convolution's parameters as plain numbers, from which the definition writes its matrix without any part of the
/// library.
struct MatrixProblem {
  var channels = (image: 1, output: 1)
  var groups = 1
  var image: (Int, Int)
  var filter: (Int, Int)
  var stride = (1, 1)
  var dilation = (1, 1)
  /// Top, left, bottom, right.
  var padding = (0, 0, 0, 0)
  var mode = PaddingMode.zeros

  var output: (Int, Int) {
    (
      (image.0 + padding.0 + padding.2 - (filter.0 - 1) * dilation.0 - 1) / stride.0 + 1,
      (image.1 + padding.1 + padding.3 - (filter.1 - 1) * dilation.1 - 1) / stride.1 + 1
    )
  }
  var fits: Bool {
    image.0 + padding.0 + padding.2 > (filter.0 - 1) * dilation.0
      && image.1 + padding.1 + padding.3 > (filter.1 - 1) * dilation.1
  }
  var weightCount: Int { channels.output * (channels.image / groups) * filter.0 * filter.1 }

  var imageShape: Shape { shape(channels.image, image) }
  var outputShape: Shape { shape(channels.output, output) }
  private func shape(_ channels: Int, _ plane: (Int, Int)) -> Shape {
    var shape = Shape(channels)
    shape.append(plane.0)
    shape.append(plane.1)
    return shape
  }

  var options: ConvolutionOptions {
    ConvolutionOptions(
      stride: Extent(stride.0, stride.1),
      padding: .sides(Padding(top: padding.0, left: padding.1, bottom: padding.2, right: padding.3)),
      paddingMode: mode, dilation: Extent(dilation.0, dilation.1), groups: groups)
  }
  var filterShape: Shape { Shape(channels.output, channels.image / groups, filter.0, filter.1) }
  var geometry: ConvolutionGeometry {
    get throws { try ConvolutionGeometry(image: imageShape, filter: filterShape, options: options) }
  }

  /// Where a position outside of `0..<size` takes its value from.
  private func source(_ position: Int, _ size: Int) -> Int? {
    if (0..<size).contains(position) { return position }
    switch mode {
    case .zeros: return nil
    case .circular: return (position + size) % size
    case .replicate: return min(max(position, 0), size - 1)
    case .reflect: return position < 0 ? -position : 2 * size - 2 - position
    }
  }

  /// The matrix, one sum of taps an entry.
  func matrix(_ weights: [Double]) -> [[Double]] {
    let (height, width) = output
    let planes = channels.image / groups
    return (0..<channels.output * height * width).map { row in
      let (k, a, b) = (row / (height * width), row / width % height, row % width)
      var line = [Double](repeating: 0, count: channels.image * image.0 * image.1)
      for plane in 0..<planes {
        let c = k / (channels.output / groups) * planes + plane
        for u in 0..<filter.0 {
          for v in 0..<filter.1 {
            guard let i = source(a * stride.0 + u * dilation.0 - padding.0, image.0),
              let j = source(b * stride.1 + v * dilation.1 - padding.1, image.1)
            else { continue }
            line[(c * image.0 + i) * image.1 + j] +=
              weights[((k * planes + plane) * filter.0 + u) * filter.1 + v]
          }
        }
      }
      return line
    }
  }

  /// Along each axis, the taps that some output reaches: the kernel that the matrix shows.
  func reached(_ axis: Axis) -> ClosedRange<Int>? {
    let (size, taps, step, gap, before, outputs) =
      axis == .height
      ? (image.0, filter.0, stride.0, dilation.0, padding.0, output.0)
      : (image.1, filter.1, stride.1, dilation.1, padding.1, output.1)
    let seen = (0..<taps).filter { tap in
      (0..<outputs).contains { (0..<size).contains($0 * step + tap * gap - before) }
    }
    return seen.first.map { $0...(seen.last ?? $0) }
  }

  /// A problem of random numbers; weights are distinct and never zero.
  static func random(_ random: inout SeededNumbers, channels: Bool) -> (MatrixProblem, [Double]) {
    while true {
      let groups = channels ? random.integer(1...3) : 1
      var problem = MatrixProblem(
        image: (random.integer(4...9), random.integer(4...9)),
        filter: (random.integer(1...5), random.integer(1...5)))
      if channels {
        problem.channels = (groups * random.integer(1...2), groups * random.integer(1...2))
        problem.groups = groups
      }
      problem.stride = (random.integer(1...3), random.integer(1...3))
      problem.dilation = (random.integer(1...3), random.integer(1...3))
      problem.padding = (
        random.integer(0...3), random.integer(0...3), random.integer(0...3), random.integer(0...3)
      )
      if !problem.fits { continue }
      return (problem, weights(problem.weightCount, &random))
    }
  }

  static func weights(_ count: Int, _ random: inout SeededNumbers) -> [Double] {
    (1...count).map { Double($0) * (random.next() & 1 == 0 ? 0.5 : -0.5) }.shuffled(using: &random)
  }
}

extension SparseMatrix where Scalar == Double {
  init(_ rows: [[Double]]) throws { try self.init(Tensor(rows)) }
}

extension Recognition {
  /// The matrix of what was recognised.
  func regenerated() throws -> [[Double]] {
    try OperatorMatrix(geometry).matrix(filter: filter).dense().rows
  }
}
