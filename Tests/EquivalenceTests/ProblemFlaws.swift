import Convolution
import Equivalence
import TestSupport

extension Flaw {
  /// Mistakes in what is computed.
  static var ofProblems: [Flaw] {
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
      // A row of taps in place of the next one.
      Flaw(
        mistake: .missingTap,
        before: { c, _ in
          let f = c.p.filter
          if f.height < 2 || f.width < 2 || c.p.transposed { return false }
          for start in stride(from: 0, to: c.filter.count, by: f.elementCount) {
            for v in 0..<f.width { c.filter[start + f.width + v] = c.filter[start + v] }
          }
          return true
        }),
      // The stride ignored.
      Flaw(
        mistake: .wrongStridePhase,
        before: { c, _ in
          if c.p.stride == Extent(1, 1) { return false }
          c.p.stride = Extent(1, 1)
          return true
        }),
      // One channel read in place of another.
      Flaw(
        mistake: .swappedInputChannels,
        before: { c, random in
          if c.p.inputs / c.p.groups < 2 { return false }
          let i = random.integer(0...c.p.inputs - 1)
          c.reads[i] = (i + 1) % c.p.inputs
          return true
        }),
      // A filter in 8-bit integers.
      Flaw(
        mistake: .shortInputs,
        before: { c, _ in
          let unit = (c.filter.map(\.magnitude).max() ?? 1) / 127
          c.filter = c.filter.map { ($0 / unit).rounded(.toNearestOrEven) * unit }
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
    ]
  }
}
