import Convolution
import Equivalence
import TestSupport

/// A convolution written from the definition in float32, in which everything can be done wrong on purpose; no part of the
/// library computes it.
struct FlawedConvolution {
  var p: Parameters
  var image: [Float]
  var filter: [Float]
  var bias: [Float]
  let height: Int
  let width: Int
  /// Pixels by which the windows begin late.
  var late = Extent(0, 0)
  /// The given channel that stands for each one.
  var reads: [Int]
  /// Rounds every sum.
  var rounding: (Float) -> Float = { $0 }

  init?(_ p: Parameters, _ random: inout SeededNumbers) {
    guard
      let geometry = try? ConvolutionGeometry(image: p.imageShape, filter: p.filterShape, options: p.options)
    else { return nil }
    self.p = p
    let shape = geometry.resultShape
    (height, width) = (shape[shape.rank - 2], shape[shape.rank - 1])
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    }
    image = numbers(p.batch * p.inputs * p.image.elementCount)
    filter = numbers(p.inputs * p.outputs / p.groups * p.filter.elementCount)
    bias = numbers(p.outputs)
    reads = Array(0..<p.inputs)
  }

  var plane: Int { height * width }
  var count: Int { p.batch * p.outputs * plane }

  func problem() throws -> ConvolutionProblem<Float> {
    try ConvolutionProblem(
      image: Tensor(image, p.imageShape), filter: Tensor(filter, p.filterShape),
      bias: bias.isEmpty ? nil : Tensor(bias, Shape(bias.count)), options: p.options)
  }

  /// The given elements and taps that meet result `position` along an axis.
  private func meetings(
    _ position: Int, given: Int, taps: Int, stride: Int, dilation: Int, before: Int, late: Int
  ) -> [(tap: Int, given: Int)] {
    (0..<taps).compactMap { tap in
      if p.transposed {
        let distance = position + before - tap * dilation - late
        return distance >= 0 && distance % stride == 0 && distance / stride < given
          ? (tap, distance / stride) : nil
      }
      var pixel = position * stride + late + tap * dilation - before
      if pixel < 0 || pixel >= given {
        switch p.mode {
        case .zeros: return nil
        case .replicate: pixel = min(max(pixel, 0), given - 1)
        case .circular: pixel = pixel < 0 ? pixel + given : pixel - given
        case .reflect: pixel = pixel < 0 ? -pixel : 2 * given - 2 - pixel
        }
      }
      return pixel >= 0 && pixel < given ? (tap, pixel) : nil
    }
  }

  /// The output in float32; the same in float64, and the sums of magnitudes.
  func output() -> (output: [Float], exact: [Double], absolute: [Double]) {
    var output: [Float] = []
    var (exact, absolute): ([Double], [Double]) = ([], [])
    let rows = (0..<height).map {
      meetings(
        $0, given: p.image.height, taps: p.filter.height, stride: p.stride.height,
        dilation: p.dilation.height,
        before: p.padding.top, late: late.height)
    }
    let columns = (0..<width).map {
      meetings(
        $0, given: p.image.width, taps: p.filter.width, stride: p.stride.width, dilation: p.dilation.width,
        before: p.padding.left, late: late.width)
    }
    let (inputsOfGroup, outputsOfGroup) = (p.inputs / p.groups, p.outputs / p.groups)
    for n in 0..<p.batch {
      for k in 0..<p.outputs {
        for a in 0..<height {
          for b in 0..<width {
            var sum: Float = 0
            var (wide, magnitude) = (0.0, 0.0)
            for c in k / outputsOfGroup * inputsOfGroup..<(k / outputsOfGroup + 1) * inputsOfGroup {
              let weights =
                p.transposed
                ? c * outputsOfGroup + k % outputsOfGroup : k * inputsOfGroup + c % inputsOfGroup
              for (u, i) in rows[a] {
                for (v, j) in columns[b] {
                  let (u, v) = p.flip ? (p.filter.height - 1 - u, p.filter.width - 1 - v) : (u, v)
                  let w = filter[(weights * p.filter.height + u) * p.filter.width + v]
                  let x = image[((n * p.inputs + reads[c]) * p.image.height + i) * p.image.width + j]
                  sum = rounding(sum + w * x)
                  wide += Double(w) * Double(x)
                  magnitude += (Double(w) * Double(x)).magnitude
                }
              }
            }
            let more = bias.isEmpty ? 0 : bias[k]
            output.append(rounding(sum + more))
            exact.append(wide + Double(more))
            absolute.append(magnitude + Double(more.magnitude))
          }
        }
      }
    }
    return (output, exact, absolute)
  }

  /// The number of an output's element.
  func place(_ n: Int, _ k: Int, _ a: Int, _ b: Int) -> Int { ((n * p.outputs + k) * height + a) * width + b }
}
