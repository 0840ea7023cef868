import Buffers

/// Each filter plane as a sum of columns times rows, `w[k,c,u,v] = Σ_r p_kcr[u] · q_kcr[v]`, its singular
/// value decomposition: for each term one pass along the image's rows and one down its columns.
///
/// **Order of operations**, which the bound relies on. For output channel `k`, channel `c` of its group and
/// term `r`, in this order: `z[i, b] = Σ_v q[v] · x[c, i, b·s + v·d − p]` for every row `i` that an output
/// reads; then, for each output, `t[a, b] = Σ_u p[u] · z[a·s + u·d − p, b]`, which is added to the output.
/// The bias is added last. The adjoint takes the same passes backwards: down the columns, then along the
/// rows, the terms of all `k` added up for each channel.
package final class SeparableOperator<Scalar: Ring>: LinearMap {
  /// The geometry it was prepared for.
  package let geometry: ConvolutionGeometry
  /// The factors of all terms.
  package let factors: SeparableFactors<Scalar>
  private let limit: Int?
  private let pieces: ColumnPieces
  /// The rows of the image that outputs read.
  private let rows: AlignedBuffer<Int>

  /// Decomposes the filters, keeping at most `rank` terms a plane.
  package convenience init(geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, rank: Int?)
  where Scalar: TensorScalar {
    self.init(
      geometry: geometry, factors: SeparableFactors(geometry: geometry, filter: filter, limit: rank),
      limit: rank)
  }

  /// Takes over the factors of the filters, at most `limit` terms a plane.
  init(geometry: ConvolutionGeometry, factors: consuming SeparableFactors<Scalar>, limit: Int? = nil) {
    self.geometry = geometry
    self.limit = limit
    self.factors = factors
    pieces = ColumnPieces(geometry.columns)
    let axis = geometry.rows
    let reached = AlignedBuffer<Bool>(repeating: false, count: axis.image)
    for a in 0..<axis.output {
      for u in axis.taps(of: a) { reached.base[axis.pixel(output: a, tap: u)] = true }
    }
    var rows = AlignedBuffer<Int>(capacity: axis.image)
    for i in 0..<axis.image where reached[i] { rows.append(i) }
    self.rows = rows
  }

  package var heldBytes: Int {
    OperatorCost(separable: geometry, limit: limit, scalarByteCount: MemoryLayout<Scalar>.stride).heldBytes
  }

  /// Scalars of scratch that one application takes: `z`, and a row of outputs or of the image.
  static func scratch(_ geometry: ConvolutionGeometry) -> Int {
    saturatingSum(
      saturatingProduct(geometry.image.height, geometry.output.width),
      max(geometry.output.width, geometry.image.width))
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let scratch = AlignedBuffer<Scalar>(repeating: .zero, count: Self.scratch(geometry))
    let passed = scratch.base
    let line = passed + geometry.image.height &* geometry.output.width
    for n in 0..<channels.batch {
      for k in 0..<channels.output {
        let plane = output + (n &* channels.output &+ k) &* outputPlane
        clear(plane, count: outputPlane)
        let first = n &* channels.image &+ channels.firstImageChannel(of: k)
        for c in 0..<channels.imagePerGroup {
          forEachTerm(k &* channels.imagePerGroup &+ c) { column, row in
            passRows(image + (first &+ c) &* imagePlane, by: row, into: passed)
            passColumns(passed, by: column, line: line, into: plane)
          }
        }
        for index in 0..<outputPlane { plane[index] = plane[index] + bias[k] }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func applyAdjoint(
    to output: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into image: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let scratch = AlignedBuffer<Scalar>(repeating: .zero, count: Self.scratch(geometry))
    let passed = scratch.base
    let line = passed + geometry.image.height &* geometry.output.width
    for n in 0..<channels.batch {
      for channel in 0..<channels.image {
        let plane = image + (n &* channels.image &+ channel) &* imagePlane
        clear(plane, count: imagePlane)
        let (group, c) = channel.quotientAndRemainder(dividingBy: channels.imagePerGroup)
        for k in group &* channels.outputPerGroup..<(group &+ 1) &* channels.outputPerGroup {
          forEachTerm(k &* channels.imagePerGroup &+ c) { column, row in
            passColumnsBack(output + (n &* channels.output &+ k) &* outputPlane, by: column, into: passed)
            passRowsBack(passed, by: row, line: line, into: plane)
          }
        }
        for index in 0..<imagePlane { plane[index] = plane[index] + bias[channel] }
      }
    }
  }

  /// Calls `body` with the factors of each term of a filter plane.
  @inline(__always)
  private func forEachTerm(
    _ plane: Int, _ body: (_ column: UnsafePointer<Scalar>, _ row: UnsafePointer<Scalar>) -> Void
  ) {
    let length = geometry.filter.height &+ geometry.filter.width
    for term in factors.starts.base[plane]..<factors.starts.base[plane &+ 1] {
      let column = factors.factors.base + term &* length
      body(column, column + geometry.filter.height)
    }
  }

  /// Writes `z`, row by row at the places of the image's rows.
  @inline(__always)
  private func passRows(
    _ image: UnsafePointer<Scalar>, by weights: UnsafePointer<Scalar>,
    into passed: UnsafeMutablePointer<Scalar>
  ) {
    let columns = geometry.columns
    let interior = pieces.interior
    for index in 0..<rows.count {
      let imageRow = image + rows.base[index] &* columns.image
      let target = passed + rows.base[index] &* columns.output
      clear(target, count: columns.output)
      if !interior.isEmpty {
        accumulateProducts(
          into: target + interior.lowerBound, count: interior.count, stride: columns.stride, weights: weights,
          sources: imageRow + columns.pixel(output: interior.lowerBound, tap: 0),
          sourceStep: columns.dilation,
          terms: columns.filter)
      }
      if interior.count == columns.output { continue }
      for v in 0..<columns.filter {
        pieces.forEachEdge(of: v) { start, count in
          accumulate(
            into: target + start, count: count, stride: columns.stride, weights[v],
            imageRow + columns.pixel(output: start, tap: v))
        }
      }
    }
  }

  /// Adds the sums down the columns of `passed` to the outputs.
  @inline(__always)
  private func passColumns(
    _ passed: UnsafePointer<Scalar>, by weights: UnsafePointer<Scalar>, line: UnsafeMutablePointer<Scalar>,
    into output: UnsafeMutablePointer<Scalar>
  ) {
    let (axis, width) = (geometry.rows, geometry.columns.output)
    for a in 0..<axis.output {
      let taps = axis.taps(of: a)
      if taps.isEmpty { continue }
      clear(line, count: width)
      accumulateProducts(
        into: line, count: width, stride: 1, weights: weights + taps.lowerBound,
        sources: passed + axis.pixel(output: a, tap: taps.lowerBound) &* width,
        sourceStep: axis.dilation &* width, terms: taps.count)
      let target = output + a &* width
      for b in 0..<width { target[b] = target[b] + line[b] }
    }
  }

  /// Writes `z[i, b] = Σ p[u] · g[a, b]` over the outputs and taps that meet at row `i`.
  @inline(__always)
  private func passColumnsBack(
    _ output: UnsafePointer<Scalar>, by weights: UnsafePointer<Scalar>,
    into passed: UnsafeMutablePointer<Scalar>
  ) {
    let (axis, width) = (geometry.rows, geometry.columns.output)
    for index in 0..<rows.count { clear(passed + rows.base[index] &* width, count: width) }
    for a in 0..<axis.output {
      for u in axis.taps(of: a) {
        spread(
          weights[u], output + a &* width, count: width,
          into: passed + axis.pixel(output: a, tap: u) &* width,
          stride: 1)
      }
    }
  }

  /// Adds the sums along the rows of `passed` to the image.
  @inline(__always)
  private func passRowsBack(
    _ passed: UnsafePointer<Scalar>, by weights: UnsafePointer<Scalar>, line: UnsafeMutablePointer<Scalar>,
    into image: UnsafeMutablePointer<Scalar>
  ) {
    let columns = geometry.columns
    for index in 0..<rows.count {
      clear(line, count: columns.image)
      for v in 0..<columns.filter {
        let reached = columns.outputs(reachedBy: v)
        if reached.isEmpty { continue }
        spread(
          weights[v], passed + (rows.base[index] &* columns.output &+ reached.lowerBound),
          count: reached.count,
          into: line + columns.pixel(output: reached.lowerBound, tap: v), stride: columns.stride)
      }
      let target = image + rows.base[index] &* columns.image
      for j in 0..<columns.image { target[j] = target[j] + line[j] }
    }
  }
}

extension OperatorCost {
  /// The cost of the separable formulation with at most `limit` terms a filter plane; what stands on the
  /// padding is left to others.
  ///
  /// The rank shows only in the numbers: this is the worst case, every plane at full rank or at the limit.
  /// Held besides the factors are the places of the terms and rows, the filters as they are truncated, the
  /// room in which planes are decomposed, and the scratch. Multiply-adds are those of both passes of every
  /// term over the rows of the image; setting up takes those of the decompositions.
  init(separable geometry: ConvolutionGeometry, limit: Int?, scalarByteCount: Int) {
    let (channels, filter) = (geometry.channels, geometry.filter)
    let planes = saturatingProduct(channels.output, channels.imagePerGroup)
    let terms = saturatingProduct(planes, limit ?? min(filter.height, filter.width))
    let entries = saturatingProduct(terms, saturatingSum(filter.height, filter.width))
    let scalars = saturatingSum(entries, SeparableOperator<Float>.scratch(geometry))
    let words = [
      planes, geometry.image.height, 1, SingularValueDecomposition.scratch(filter), filter.height,
      filter.width,
      saturatingProduct(2, ColumnPieces.count(geometry.columns)), limit == nil ? 0 : geometry.weights,
    ].reduce(0, saturatingSum)
    let passes = saturatingSum(
      saturatingProduct(filter.width, geometry.image.height),
      saturatingProduct(filter.height, geometry.output.height))
    self.init(
      storedEntries: entries, bytes: saturatingProduct(entries, scalarByteCount),
      heldBytes: saturatingSum(
        saturatingProduct(scalars, scalarByteCount), saturatingProduct(words, MemoryLayout<Int>.stride)),
      multiplyAdds: saturatingProduct(channels.batch, terms, passes, geometry.output.width),
      setupMultiplyAdds: saturatingProduct(planes, SingularValueDecomposition.multiplyAdds(filter)))
  }
}

extension SeparableOperator {
  /// The factors of each term of a filter plane: the column, then the row.
  package func terms(plane: Int) -> [[Scalar]] {
    let length = geometry.filter.height + geometry.filter.width
    return (factors.starts[plane]..<factors.starts[plane + 1]).map { term in
      (0..<length).map { factors.factors[term * length + $0] }
    }
  }

  /// The sums of the terms kept, before their factors were rounded, K×C/g×kh×kw; nil where all are kept.
  package var truncated: [Double]? {
    switch factors.truncatedFilter {
    case nil: nil
    case .some(let filter): Array(filter.elements)
    }
  }
}
