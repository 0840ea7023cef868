import Buffers

/// Tiles of m×m outputs from `n×n` products, `n = m + r − 1`, for each pair of channels:
/// `Y_k = Aᵀ [Σ_c (G w_kc Gᵀ) ⊙ (Bᵀ d_c B)] A` (Lavin and Gray, Fast Algorithms for Convolutional Neural
/// Networks, CVPR 2016), for stride and dilation 1. `WinogradMatrices` says where the matrices come from,
/// `WinogradTransform` in which order it computes.
package final class WinogradOperator<Scalar: RationalRing>: LinearMap {
  /// The geometry it was prepared for.
  package let geometry: ConvolutionGeometry
  /// The sizes of its tiles.
  package let tile: WinogradTile
  private let matrices: WinogradMatrices
  private let offsets: (filter: Scalar, data: Scalar)
  private let isBound: Bool
  /// The filters as given, for the direction that nothing is prepared for.
  private let filter: AlignedBuffer<Scalar>
  private let prepared: WinogradTransform<Scalar>

  /// Transforms the filters for the direction of the problem. A geometry that has no such tile is a
  /// programming error.
  package convenience init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, tile: Int?) {
    guard let tile = try? WinogradTile(geometry, tile: tile) else { preconditionFailure("no such tile") }
    self.init(
      geometry: geometry, filter: filter, tile: tile,
      matrices: WinogradMatrices(outputs: tile.outputs, taps: tile.taps), offsets: (.zero, .zero),
      isBound: false)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  fileprivate init(
    geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, tile: WinogradTile,
    matrices: WinogradMatrices,
    offsets: (filter: Scalar, data: Scalar), isBound: Bool
  ) {
    self.isBound = isBound
    self.geometry = geometry
    self.tile = tile
    self.matrices = matrices
    self.offsets = offsets
    var taps = AlignedBuffer<Scalar>(capacity: geometry.weights)
    taps.append(contentsOf: UnsafeBufferPointer(start: filter, count: geometry.weights))
    self.filter = taps
    prepared = WinogradTransform(
      geometry, tile, matrices, filter: filter, isAdjoint: geometry.isTransposed, offsets: offsets,
      isBound: isBound)
  }

  package var heldBytes: Int {
    OperatorCost(winograd: geometry, tile, scalarByteCount: MemoryLayout<Scalar>.stride).heldBytes
  }

  package func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    transform(isAdjoint: false).apply(to: image, bias: bias, into: output)
  }

  package func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    transform(isAdjoint: true).apply(to: output, bias: bias, into: image)
  }

  /// The prepared direction, or the other one made for this call.
  private func transform(isAdjoint: Bool) -> WinogradTransform<Scalar> {
    if isAdjoint == geometry.isTransposed { return prepared }
    return WinogradTransform(
      geometry, tile, matrices, filter: UnsafePointer(filter.base), isAdjoint: isAdjoint, offsets: offsets,
      isBound: isBound)
  }
}

extension WinogradOperator where Scalar == Double {
  /// The same computation on absolute values: with the filter's magnitudes, the matrices without their signs, and each
  /// transformed tap and pixel enlarged by its offset.
  package convenience init(
    geometry: ConvolutionGeometry, magnitudes: UnsafePointer<Double>, tile: WinogradTile,
    matrices: WinogradMatrices, offsets: (filter: Double, data: Double)
  ) {
    self.init(
      geometry: geometry, filter: magnitudes, tile: tile, matrices: matrices.magnitudes, offsets: offsets,
      isBound: true)
  }
}

extension ConvolutionOperator where Scalar: RationalRing {
  /// The outputs of a tile along each axis; nil for other formulations than `winograd`.
  public var winogradTile: Int? { (map as? WinogradOperator<Scalar>)?.tile.outputs }
}
