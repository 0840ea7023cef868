import Convolution
import Equivalence
import TestSupport

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

  static var all: [Flaw] { ofProblems + ofOutputs }
}
