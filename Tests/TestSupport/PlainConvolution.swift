public import Convolution

/// A float64 number and what its rounding left out.
public struct DoubledSum: Sendable {
  /// The sum as float64 has it.
  public private(set) var high = 0.0
  /// The rest.
  public private(set) var low = 0.0

  /// Zero.
  public init() {}

  /// Adds a product, with errors of about 2⁻¹⁰⁶ of the magnitudes that were added.
  public mutating func add(_ a: Double, times b: Double) {
    let product = a * b
    let sum = high + product
    let part = sum - high
    low += ((high - (sum - part)) + (product - part)) + (-product).addingProduct(a, b)
    high = sum
  }
}

/// The whole operator by its definition, written without any part of the library but the numbers of the geometry: one sum
/// for each element of the result, over every image, channel, tap and output.
public func plainConvolution<Scalar: TensorScalar>(
  _ problem: borrowing ConvolutionProblem<Scalar>
) -> [DoubledSum] {
  let geometry = problem.geometry
  let channels = geometry.channels
  let (given, made) = (channels.image / channels.groups, channels.output / channels.groups)
  var sums = [DoubledSum](repeating: DoubledSum(), count: geometry.resultElementCount)
  let plane = sums.count / channels.batch / geometry.resultChannels
  for index in sums.indices {
    sums[index].add(Double(problem.bias.values[index / plane % geometry.resultChannels]), times: 1)
  }
  func pixel(_ axis: AxisGeometry, _ output: Int, _ tap: Int) -> Int? {
    let position = output * axis.stride + tap * axis.dilation - axis.before
    let count = axis.image
    if position >= 0 && position < count { return position }
    switch axis.mode {
    case .zeros: return nil
    case .replicate: return min(max(position, 0), count - 1)
    case .circular: return (position + count) % count
    case .reflect: return position < 0 ? -position : 2 * count - 2 - position
    }
  }
  for n in 0..<channels.batch {
    for k in 0..<channels.output {
      for c in 0..<given {
        let channel = n * channels.image + k / made * given + c
        for u in 0..<geometry.filter.height {
          for v in 0..<geometry.filter.width {
            let tap = ((k * given + c) * geometry.filter.height + u) * geometry.filter.width + v
            let weight = Double(problem.filter.values[tap])
            for a in 0..<geometry.output.height {
              guard let i = pixel(geometry.rows, a, u) else { continue }
              for b in 0..<geometry.output.width {
                guard let j = pixel(geometry.columns, b, v) else { continue }
                let image = (channel * geometry.image.height + i) * geometry.image.width + j
                let output =
                  ((n * channels.output + k) * geometry.output.height + a) * geometry.output.width + b
                let (from, to) = geometry.isTransposed ? (output, image) : (image, output)
                sums[to].add(weight, times: Double(problem.image.values[from]))
              }
            }
          }
        }
      }
    }
  }
  return sums
}
