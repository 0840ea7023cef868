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

/// A mistake made on purpose: before the sums, and after them. Nil where the problem has no room for it.
struct Flaw {
  let mistake: Mistake
  var before: (inout FlawedConvolution, inout SeededNumbers) -> Bool = { _, _ in true }
  var after: (inout [Float], FlawedConvolution, inout SeededNumbers) -> Bool = { _, _, _ in true }

  /// An array of these extents with its last two dimensions, or others, exchanged.
  static func permuted(_ values: [Float], _ extents: [Int], _ axes: [Int]) -> [Float] {
    func steps(_ extents: [Int]) -> [Int] {
      extents.indices.map { extents[($0 + 1)...].reduce(1, *) }
    }
    let (old, new) = (steps(extents), steps(axes.map { extents[$0] }))
    return values.indices.map { place in
      let target = axes.indices.reduce(0) { sum, index in
        sum + place / new[index] % extents[axes[index]] * old[axes[index]]
      }
      return values[target]
    }
  }

  static var all: [Flaw] {
    [
      Flaw(
        mistake: .flippedFilter,
        before: { c, _ in
          if c.p.filter.elementCount == 1 { return false }
          c.p.flip.toggle()
          return true
        }),
      Flaw(
        mistake: .transposedFilter,
        before: { c, _ in
          let f = c.p.filter
          if f.height != f.width || f.height == 1 { return false }
          c.filter = permuted(c.filter, [c.filter.count / f.elementCount, f.height, f.width], [0, 2, 1])
          return true
        }),
      Flaw(
        mistake: .transposedImage,
        before: { c, _ in
          let f = c.p.image
          // Where the plane is not square, its numbers are read column by column.
          if f.height == 1 || f.width == 1 { return false }
          c.image = permuted(c.image, [c.image.count / f.elementCount, f.width, f.height], [0, 2, 1])
          return true
        }),
      Flaw(
        mistake: .transposedOutput,
        after: { y, c, _ in
          if c.height == 1 || c.width == 1 { return false }
          y = permuted(y, [y.count / c.plane, c.height, c.width], [0, 2, 1])
          return true
        }),
      Flaw(
        mistake: .swappedStrides,
        before: { c, _ in
          if c.p.stride.height == c.p.stride.width { return false }
          c.p.stride = Extent(c.p.stride.width, c.p.stride.height)
          return true
        }),
      Flaw(
        mistake: .paddingOffByOne,
        before: { c, random in
          let by = random.integer(0...1) == 0 ? 1 : -1
          if c.p.padding.top + by < 0 || c.p.padding.left + by < 0 { return false }
          c.p.padding.top += by
          c.p.padding.left += by
          return true
        }),
      Flaw(
        mistake: .wrongPaddingMode,
        before: { c, random in
          if c.p.transposed || c.p.padding == .none { return false }
          c.p.mode = PaddingMode.allCases.filter { $0 != c.p.mode }[random.integer(0...2)]
          return true
        }),
      Flaw(
        mistake: .wrongStridePhase,
        before: { c, random in
          c.late = Extent(random.integer(0...c.p.stride.height - 1), random.integer(0...c.p.stride.width - 1))
          // With padding, a pixel late in both directions is a padding that is one less.
          if c.late == Extent(1, 1) && c.p.padding.top > 0 && c.p.padding.left > 0 { return false }
          return c.late != Extent(0, 0)
        }),
      Flaw(
        mistake: .wrongDilation,
        before: { c, _ in
          if c.p.dilation == Extent(1, 1) || c.p.filter.height == 1 || c.p.filter.width == 1 { return false }
          c.p.dilation = Extent(1, 1)
          return true
        }),
      Flaw(
        mistake: .swappedInputChannels,
        before: { c, random in
          if c.p.inputs < 2 { return false }
          let i = random.integer(0...c.p.inputs - 1)
          let j = (i + random.integer(1...c.p.inputs - 1)) % c.p.inputs
          c.reads.swapAt(i, j)
          return true
        }),
      Flaw(
        mistake: .swappedOutputChannels,
        after: { y, c, random in
          if c.p.outputs < 2 { return false }
          let i = random.integer(0...c.p.outputs - 1)
          let j = (i + random.integer(1...c.p.outputs - 1)) % c.p.outputs
          for n in 0..<c.p.batch {
            for q in 0..<c.plane { y.swapAt(c.place(n, i, 0, 0) + q, c.place(n, j, 0, 0) + q) }
          }
          return true
        }),
      Flaw(
        mistake: .mixedGroups,
        before: { c, random in
          let (groups, size) = (c.p.groups, c.p.inputs / c.p.groups)
          if groups == 1 || size == 1 { return false }
          let interleaved = random.integer(0...1) == 0
          c.reads = c.reads.map {
            interleaved ? $0 % size * groups + $0 / size : ($0 + size) % (groups * size)
          }
          return true
        }),
      Flaw(
        mistake: .missingBias,
        before: { c, _ in
          if c.bias.isEmpty { return false }
          for k in c.bias.indices { c.bias[k] = 0 }
          return true
        }),
      Flaw(
        mistake: .wrongBias,
        before: { c, random in
          if c.bias.isEmpty { return false }
          switch random.integer(0...2) {
          case 0: c.bias = c.bias.map { 2 * $0 }
          case 1: c.bias = c.bias.map { -$0 }
          default: c.bias[random.integer(0...c.bias.count - 1)] += 0.375
          }
          return true
        }),
      Flaw(
        mistake: .missingTap,
        before: { c, random in
          let taps = c.p.filter.elementCount
          if taps == 1 { return false }
          let tap = random.integer(0...taps - 1)
          let one = random.integer(0...1) == 0 ? random.integer(0...c.filter.count / taps - 1) : nil
          for plane in 0..<c.filter.count / taps where one == nil || plane == one {
            c.filter[plane * taps + tap] = 0
          }
          return true
        }),
      Flaw(
        mistake: .missingChannel,
        before: { c, random in
          if c.p.inputs / c.p.groups < 2 { return false }
          let (channel, size) = (random.integer(0...c.p.inputs - 1), c.p.image.elementCount)
          for n in 0..<c.p.batch {
            for q in 0..<size { c.image[(n * c.p.inputs + channel) * size + q] = 0 }
          }
          return true
        }),
      Flaw(
        mistake: .wrongLayout,
        before: { c, random in
          let (p, f) = (c.p, c.p.filter)
          switch random.integer(0...1) {
          case 0:
            if p.inputs == 1 || p.image.elementCount == 1 { return false }
            c.image = permuted(c.image, [p.batch, p.image.height, p.image.width, p.inputs], [0, 3, 1, 2])
          default:
            let planes = p.transposed ? [p.inputs, p.outputs / p.groups] : [p.outputs, p.inputs / p.groups]
            if planes[0] == 1 || planes[1] == 1 || f.elementCount == 1 { return false }
            c.filter = permuted(c.filter, [f.height, f.width, planes[1], planes[0]], [3, 2, 0, 1])
          }
          return true
        }),
      Flaw(
        mistake: .wrongLayout,
        after: { y, c, _ in
          if c.p.outputs == 1 || c.height == 1 || c.width == 1 { return false }
          y = permuted(y, [c.p.batch, c.p.outputs, c.height, c.width], [0, 2, 3, 1])
          return true
        }),
      Flaw(
        mistake: .shiftedOutput,
        after: { y, c, random in
          let (down, right) = (random.integer(-1...1), random.integer(-2...2))
          if c.height < 4 || c.width < 5 || (down, right) == (0, 0) { return false }
          let old = y
          for n in 0..<c.p.batch {
            for k in 0..<c.p.outputs {
              for a in 0..<c.height {
                for b in 0..<c.width {
                  let inside = (0..<c.height).contains(a - down) && (0..<c.width).contains(b - right)
                  y[c.place(n, k, a, b)] = inside ? old[c.place(n, k, a - down, b - right)] : 0
                }
              }
            }
          }
          return true
        }),
      Flaw(
        mistake: .zeroRegion,
        after: { y, c, random in
          let rows = random.integer(1...c.height)
          for n in 0..<c.p.batch {
            for k in 0..<c.p.outputs {
              for a in c.height - rows..<c.height {
                for b in 0..<c.width { y[c.place(n, k, a, b)] = 0 }
              }
            }
          }
          return true
        }),
      Flaw(
        mistake: .staleRegion,
        after: { y, c, random in
          if c.height < 3 || c.width < 3 { return false }
          if c.p.batch > 1 && random.integer(0...1) == 0 {
            for q in y.count / c.p.batch..<y.count { y[q] = y[q - y.count / c.p.batch] }
            return true
          }
          let a = c.height - 1
          for n in 0..<c.p.batch {
            for k in 0..<c.p.outputs {
              for b in 0..<c.width { y[c.place(n, k, a, b)] = y[c.place(n, k, a - 1, b)] }
            }
          }
          return true
        }),
      Flaw(
        mistake: .scaledOutput,
        after: { y, _, random in
          let factor = Float.random(in: 0.3...3, using: &random)
          y = y.map { $0 * factor }
          return true
        }),
      Flaw(
        mistake: .singleElement,
        after: { y, c, random in
          if c.plane < 16 { return false }
          y[random.integer(0...y.count - 1)] += 0.5
          return true
        }),
      Flaw(
        mistake: .nonfinite,
        after: { y, _, random in
          y[random.integer(0...y.count - 1)] = random.integer(0...1) == 0 ? .nan : .infinity
          return true
        }),
      Flaw(
        mistake: .shortInputs,
        before: { c, random in
          let half = random.integer(0...1) == 0
          func round(_ value: Float) -> Float {
            half
              ? Float(Float16(value))
              : Float(bitPattern: (value.bitPattern + 0x7FFF + (value.bitPattern >> 16 & 1)) & 0xFFFF_0000)
          }
          c.image = c.image.map(round)
          c.filter = c.filter.map(round)
          return true
        }),
      Flaw(
        mistake: .shortAccumulation,
        before: { c, _ in
          c.rounding = { Float(Float16($0)) }
          return true
        }),
      Flaw(
        mistake: .unknown,
        after: { y, _, random in
          y = y.map { $0 + Float.random(in: -1...1, using: &random) }
          return true
        }),
    ]
  }
}

extension SeededNumbers {
  /// Parameters of problems in which mistakes have room to show.
  mutating func roomyParameters() -> Parameters {
    let square = integer(0...1) == 0
    let (height, taps) = (integer(6...11), integer(2...3))
    var p = Parameters(
      image: Extent(height, square ? height : integer(6...11)),
      filter: Extent(taps, integer(0...2) > 0 ? taps : integer(1...4)),
      stride: Extent(integer(1...2), integer(1...2)),
      padding: Padding(
        top: integer(0...2), left: integer(0...2), bottom: integer(0...2), right: integer(0...2)),
      dilation: Extent(integer(1...2), integer(1...2)))
    p.groups = integer(0...1) == 0 ? 1 : integer(1...3)
    p.inputs = p.groups * integer(1...3)
    p.outputs = p.groups * integer(1...3)
    p.batch = integer(1...2)
    (p.imageRank, p.filterRank) = (4, 4)
    p.flip = integer(0...3) == 0
    p.transposed = integer(0...3) == 0
    if !p.transposed { p.mode = PaddingMode.allCases[integer(0...3)] }
    return p
  }
}

/// A flawed output beside the correct one, with the bound `γ_n·S` of float32.
struct FlawedCase {
  let convolution: FlawedConvolution
  let candidate: [Float]
  let exact: [Double]
  let allowed: [Double]

  /// Nil where the problem has no room for the flaws, or they change nothing.
  init?(_ flaws: [Flaw], _ random: inout SeededNumbers) {
    guard var flawed = FlawedConvolution(random.roomyParameters(), &random) else { return nil }
    if random.integer(0...1) == 0 && !flaws.contains(where: { $0.mistake == .missingBias }) {
      flawed.bias = []
    }
    convolution = flawed
    let right = flawed.output()
    for flaw in flaws where !flaw.before(&flawed, &random) { return nil }
    var candidate = flawed.output().output
    for flaw in flaws where !flaw.after(&candidate, flawed, &random) { return nil }
    self.candidate = candidate
    exact = right.exact
    let terms =
      flawed.p.inputs / flawed.p.groups * flawed.p.filter.elementCount + (flawed.bias.isEmpty ? 0 : 1)
    let n = Double(terms) * 0x1p-24
    allowed = right.absolute.map { $0 * n / (1 - n) + 0x1p-140 }
    let bounds = allowed
    let correct = exact
    if candidate.indices.allSatisfy({ (Double(candidate[$0]) - correct[$0]).magnitude <= bounds[$0] }) {
      return nil
    }
  }

  func diagnosis(workLimit: Int = Diagnosis.defaultWorkLimit) throws -> Diagnosis? {
    let problem = try convolution.problem()
    let shape = problem.geometry.resultShape
    return Diagnosis(
      of: Tensor(candidate.map { Double($0) }, shape), problem: problem, allowed: Tensor(allowed, shape),
      exact: Tensor(exact, shape), workLimit: workLimit)
  }

  /// What to print of a case that fails.
  var line: String {
    convolution.p.reproduction(
      convolution.image, convolution.filter, bias: convolution.bias, .direct, .sparse)
  }
}
