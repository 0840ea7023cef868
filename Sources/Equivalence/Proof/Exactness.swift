package import Convolution

/// What keeps a formulation's arithmetic on integers exact.
package enum Exactness: Hashable, Sendable {
  /// All intermediate numbers are integers of magnitude at most `factor · max|x| · max|w|`, where the taps are multiples
  /// of `multiple`; with all but one of the channels zero, `factorOfOneTap` does.
  case exact(factor: Int, factorOfOneTap: Int, multiple: Int)
  /// Nothing does: results are read as the nearest integers, none further away than 1/4.
  case nearest

  /// Sums of products, in any order.
  package static func sums(_ geometry: ConvolutionGeometry) -> Exactness {
    .exact(factor: geometry.terms, factorOfOneTap: 1, multiple: 1)
  }

  /// The arithmetic of a formulation.
  ///
  /// Winograd's F(2, 3) has the points 0, ±1 and ∞: `G` holds halves, in two dimensions quarters, so that it makes integers
  /// of multiples of 4. Rows of `|G|`, `|Bᵀ|` and `|Aᵀ|` add up to at most 3/2, 2 and 3 an axis: 9, in two dimensions 81,
  /// for each channel. Larger tiles divide by 3, 6 or 24, which binary fractions round.
  package init(_ formulation: Formulation, _ geometry: ConvolutionGeometry, _ options: FormulationOptions) {
    if formulation.isDotProduct {
      self = .sums(geometry)
    } else if formulation == .winograd, let tile = try? WinogradTile(geometry, tile: options.tile),
      tile.outputs == 2 && tile.taps == 3
    {
      let channels = geometry.channels
      let added = geometry.isTransposed ? channels.outputPerGroup : channels.imagePerGroup
      self = .exact(factor: 81 * added, factorOfOneTap: 81, multiple: 4)
    } else {
      self = .nearest
    }
  }
}

extension TensorScalar {
  /// The integers up to which all are numbers of the type: 2²⁴ or 2⁵³.
  static var exactIntegers: Int { 1 << (significandBitCount + 1) }
}

extension Coding where Scalar: TensorScalar, Value == Int {
  /// Integers as multiples of powers of two.
  ///
  /// - Parameter nearest: whether results are rounded to integers.
  init(imageScale: Double = 1, filterScale: Double = 1, nearest: Bool) {
    let scale = imageScale * filterScale
    self.init(
      image: { Scalar(Double($0) * imageScale) },
      filter: { Scalar(Double($0) * filterScale) },
      bias: { Scalar(Double($0) * scale) },
      result: { result in
        let number = Double(result) / scale
        let integer = number.rounded()
        if !(number.magnitude < 0x1p62) || (number - integer).magnitude > (nearest ? 0.25 : 0) { return nil }
        return Int(integer)
      },
      text: { "\($0)" }, exactText: { "\(Scalar(Double($0) * scale))" }, garbage: .nan)
  }
}
