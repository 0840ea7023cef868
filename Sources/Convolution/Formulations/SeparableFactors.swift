package import Buffers

/// The terms of all filter planes: `w[k,c,u,v] ≈ Σ_r p_r[u] · q_r[v]`.
package struct SeparableFactors<Scalar: TensorScalar>: ~Copyable, Sendable {
  /// The factors of all terms, those of the first plane first: `kh` numbers `p`, then `kw` numbers `q`.
  package let factors: AlignedBuffer<Scalar>
  /// The first term of each plane, and behind the last plane the number of terms.
  package let starts: AlignedBuffer<Int>
  /// The most terms of a plane that are used.
  package let rank: Int
  /// The largest rank of a plane.
  package let fullRank: Int
  /// The sums of the terms kept, before their factors were rounded, K×C/g×kh×kw; nil where all are kept.
  package let truncatedFilter: AlignedBuffer<Double>?

  /// The most numbers that all factors can take.
  static func largestCount(_ geometry: ConvolutionGeometry, limit: Int?) -> Int {
    let size = geometry.filter
    return saturatingProduct(
      geometry.channels.output, geometry.channels.imagePerGroup, limit ?? min(size.height, size.width),
      saturatingSum(size.height, size.width))
  }

  /// Decomposes the planes, keeping at most `limit` terms of each. A plane that is not finite gets one term
  /// that is not a number, so that everything it touches is none either.
  package init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, limit: Int?) {
    let (size, taps) = (geometry.filter, geometry.taps)
    let planes = geometry.channels.output * geometry.channels.imagePerGroup
    var decomposition = SingularValueDecomposition(size: size)
    // All that full rank could need, so that nothing moves; pages that are not written stay unused.
    var factors = AlignedBuffer<Scalar>(capacity: Self.largestCount(geometry, limit: limit))
    var starts = AlignedBuffer<Int>(capacity: planes + 1)
    let truncated = AlignedBuffer<Double>(repeating: 0, count: limit == nil ? 0 : geometry.weights)
    let column = AlignedBuffer<Double>(repeating: 0, count: size.height)
    let row = AlignedBuffer<Double>(repeating: 0, count: size.width)
    var (terms, rank, fullRank) = (0, 0, 0)
    for plane in 0..<planes {
      let weights = filter + plane * taps
      starts.append(terms)
      let isFinite = (0..<taps).allSatisfy { weights[$0].isFinite }
      let full = isFinite ? decomposition.decompose(weights) : 1
      let used = min(full, limit ?? full)
      fullRank = max(fullRank, full)
      rank = max(rank, used)
      terms += used
      for term in 0..<used {
        if isFinite {
          decomposition.factors(term, column: column.base, row: row.base)
        } else {
          fill(column.base, count: size.height, with: .nan)
          fill(row.base, count: size.width, with: .nan)
        }
        for u in 0..<size.height { factors.append(Scalar(column.base[u])) }
        for v in 0..<size.width { factors.append(Scalar(row.base[v])) }
        if limit == nil { continue }
        for u in 0..<size.height {
          accumulate(
            into: truncated.base + plane * taps + u * size.width, count: size.width, stride: 1,
            column.base[u],
            row.base)
        }
      }
      // At full rank the terms stand for the plane itself; what they lack is rounding.
      if limit != nil, used == full {
        for index in 0..<taps { truncated.base[plane * taps + index] = Double(weights[index]) }
      }
    }
    starts.append(terms)
    self.factors = factors
    self.starts = starts
    self.rank = rank
    self.fullRank = fullRank
    if rank < fullRank {
      truncatedFilter = consume truncated
    } else {
      truncatedFilter = nil
    }
  }
}
