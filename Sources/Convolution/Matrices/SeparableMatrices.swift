import Buffers

/// The matrices of the separable formulation, `Y_k = Σ_c Σ_r L_kcr · X_c · R_kcr`, written from the definition entry by
/// entry: with the terms `w[k,c,u,v] ≈ Σ_r p_r[u] · q_r[v]` of each filter plane,
///
///     L_r[a, i] = Σ p_r[u]  over the taps u of row a that read row i,
///     R_r[j, b] = Σ q_r[v]  over the taps v of column b that read column j,
///
/// `out_h × in_h` and `in_w × out_w`. `L_r` and the transpose of `R_r` are the matrices of convolutions along one axis; of
/// a transposed problem so are they, from outputs to pixels. The factors are those that the formulation multiplies by,
/// rounded to `Scalar`.
package struct SeparableMatrices<Scalar: TensorScalar>: ~Copyable, Sendable {
  /// The terms of all filter planes.
  package let factors: SeparableFactors<Scalar>
  /// Every `L_r`, but for its numbers.
  package let left: OperatorMatrix
  /// The transpose of every `R_r`, but for its numbers.
  package let right: OperatorMatrix
  private let filter: Extent

  /// Decomposes the planes of `filter`, keeping at most `rank` terms of each. Whether that takes too long is for
  /// `Formulation.check` to say before.
  ///
  /// - Throws: `tooMuchWork` where counting the entries alone would take too long.
  package init(
    _ geometry: ConvolutionGeometry, filter: borrowing Tensor<Scalar>, rank: Int?
  ) throws(ConvolutionError) {
    precondition(filter.values.count == geometry.weights, "another filter's shape")
    let left = try OperatorMatrix(geometry.along(.height))
    let right = try OperatorMatrix(geometry.along(.width))
    self.left = left
    self.right = right
    factors = SeparableFactors(geometry: geometry, filter: filter.elements.base, limit: rank)
    self.filter = geometry.filter
  }

  /// The terms of all planes together.
  package var count: Int { factors.starts[factors.starts.count - 1] }

  /// The terms of a filter plane, `k · C/g + c`.
  package func terms(ofPlane plane: Int) -> Range<Int> {
    factors.starts[plane]..<factors.starts[plane + 1]
  }

  /// The weight of row `u` of the filter in a term.
  package func columnFactor(_ term: Int, _ u: Int) -> Scalar {
    factors.factors[term * (filter.height + filter.width) + u]
  }

  /// The weight of column `v` of the filter in a term.
  package func rowFactor(_ term: Int, _ v: Int) -> Scalar {
    factors.factors[term * (filter.height + filter.width) + filter.height + v]
  }

  /// `L_r` of the term.
  ///
  /// - Throws: `operatorTooLarge`.
  package func left(_ term: Int, memoryLimit: Int = .max) throws(ConvolutionError) -> SparseMatrix<Scalar> {
    var column = Tensor<Scalar>(shape: Shape(filter.height, 1), repeating: .zero)
    for u in 0..<filter.height { column.mutableValues[u] = columnFactor(term, u) }
    return try left.matrix(filter: column, memoryLimit: memoryLimit)
  }

  /// `R_r` of the term.
  ///
  /// - Throws: `operatorTooLarge`.
  package func right(_ term: Int, memoryLimit: Int = .max) throws(ConvolutionError) -> SparseMatrix<Scalar> {
    var row = Tensor<Scalar>(shape: Shape(1, filter.width), repeating: .zero)
    for v in 0..<filter.width { row.mutableValues[v] = rowFactor(term, v) }
    return try right.matrix(filter: row, memoryLimit: memoryLimit).transposed()
  }
}
