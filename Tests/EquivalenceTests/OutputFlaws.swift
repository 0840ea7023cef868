import Convolution
import Equivalence
import TestSupport

extension Flaw {
  /// Mistakes in what became of the result.
  static var ofOutputs: [Flaw] {
    [
      Flaw(
        mistake: .transposedOutput,
        after: { y, c, _ in
          if c.height == 1 || c.width == 1 { return false }
          y = permuted(y, [y.count / c.plane, c.height, c.width], [0, 2, 1])
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
          // A row of which nothing was computed holds zeros or the bias.
          if c.p.transposed { return false }
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
      // What another call left in the last rows of every plane.
      Flaw(
        mistake: .staleRegion,
        after: { y, c, random in
          if c.height < 4 || c.width < 2 { return false }
          for n in 0..<c.p.batch {
            for k in 0..<c.p.outputs {
              for b in 0..<c.width {
                y[c.place(n, k, c.height - 1, b)] = Float.random(in: 1...2, using: &random)
              }
            }
          }
          return true
        }),
      // A ReLU.
      Flaw(
        mistake: .zeroRegion,
        after: { y, _, _ in
          y = y.map { max($0, 0) }
          return true
        }),
      // A factor for each channel.
      Flaw(
        mistake: .scaledOutput,
        after: { y, c, random in
          if c.p.outputs < 2 || c.plane < 16 { return false }
          let factors = (0..<c.p.outputs).map { _ in Float.random(in: 1.25...3, using: &random) }
          for place in y.indices { y[place] *= factors[place / c.plane % c.p.outputs] }
          return true
        }),
      // A part of the output added up twice.
      Flaw(
        mistake: .scaledOutput,
        after: { y, _, _ in
          for place in 0..<y.count / 2 { y[place] *= 2 }
          return y.count > 16
        }),
      // Fractions cut off.
      Flaw(
        mistake: .shortAccumulation,
        after: { y, _, _ in
          y = y.map { $0.rounded(.towardZero) }
          return y.count { $0 != 0 } > 3
        }),
      Flaw(
        mistake: .nonfinite,
        after: { y, _, random in
          y[random.integer(0...y.count - 1)] = random.integer(0...1) == 0 ? .nan : .infinity
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
