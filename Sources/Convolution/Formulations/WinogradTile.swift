/// The sizes of a Winograd tile, F(outputs, taps) along each axis.
package struct WinogradTile: Hashable, Sendable {
  /// Outputs along an axis.
  package let outputs: Int
  /// Taps along an axis.
  package let taps: Int

  /// The tile of `outputs` outputs an axis for `geometry`; nil is the default one.
  ///
  /// - Throws: `unsupported` or `noSuchTile`.
  package init(_ geometry: ConvolutionGeometry, tile: Int?) throws(ConvolutionError) {
    if geometry.stride != Extent(1, 1) {
      throw .unsupported(formulation: .winograd, .stride(geometry.stride))
    }
    if geometry.dilation != Extent(1, 1) {
      throw .unsupported(formulation: .winograd, .dilation(geometry.dilation))
    }
    let sizes: [Int]
    switch geometry.filter {
    case Extent(3, 3): sizes = [4, 2, 6]
    case Extent(5, 5): sizes = [2]
    default: throw .unsupported(formulation: .winograd, .filter(geometry.filter))
    }
    outputs = tile ?? sizes[0]
    taps = geometry.filter.height
    if !sizes.contains(outputs) { throw .noSuchTile(outputs, sizes: sizes.sorted(), filter: geometry.filter) }
  }

  /// A tile of any size, which somebody else may compute in.
  package init(outputs: Int, taps: Int) {
    self.outputs = outputs
    self.taps = taps
  }

  /// Pixels along an axis: also the products of one dimension, and the points at which polynomials are
  /// evaluated.
  package var pixels: Int { outputs + taps - 1 }
  /// Pixels of the whole tile: the products that it takes for each pair of channels.
  var products: Int { pixels * pixels }
}
