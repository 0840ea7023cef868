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
  private let weightedSum = WeightedSum<Scalar>()
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
    let tiles = self.tiles
    let scratch = AlignedBuffer<Scalar>(repeating: .zero, count: tiles.rows &* tiles.width)
    for n in 0..<channels.batch {
      for k in 0..<channels.output {
        let plane = output + (n &* channels.output &+ k) &* outputPlane
        let first = n &* channels.image &+ channels.firstImageChannel(of: k)
        var top = 0
        while top < geometry.output.height {
          let outputs = top..<min(top &+ tiles.height, geometry.output.height)
          var left = 0
          while left < geometry.output.width {
            let columns = left..<min(left &+ tiles.width, geometry.output.width)
            for a in outputs {
              clear(plane + (a &* geometry.output.width &+ left), count: columns.count)
            }
            for c in 0..<channels.imagePerGroup {
              forEachTerm(k &* channels.imagePerGroup &+ c) { column, row in
                passRows(
                  image + (first &+ c) &* imagePlane, by: row, under: outputs, columns, into: scratch.base)
                passColumns(UnsafePointer(scratch.base), by: column, outputs, columns, into: plane)
              }
            }
            for a in outputs {
              let target = plane + (a &* geometry.output.width &+ left)
              for b in 0..<columns.count { target[b] = target[b] + bias[k] }
            }
            left = columns.upperBound
          }
          top = outputs.upperBound
        }
      }
    }
  }

  /// The outputs that are formed at a time, so many that what the first pass leaves stays in the second cache, and the rows of
  /// that: at most `scratch` holds. A row that outputs of two tiles read is passed for both.
  private var tiles: (height: Int, width: Int, rows: Int) {
    let (axis, output) = (geometry.rows, geometry.output)
    // Short pieces of long rows would all be waited for.
    let width = min(output.width, Self.tileWidth)
    let extent = (axis.filter &- 1) &* axis.dilation &+ 1
    let fitting = Self.tileBytes / MemoryLayout<Scalar>.stride / width
    // Where few outputs would share the rows of a tile, the plane is one.
    if fitting < 2 &* extent { return (output.height, width, axis.image) }
    let height = min(output.height, (fitting &- extent) / axis.stride &+ 1)
    return (height, width, min(axis.image, (height &- 1) &* axis.stride &+ extent))
  }

  private static var tileWidth: Int { 4096 }
  private static var tileBytes: Int { 1 << 19 }

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

  /// The first row of the image that `outputs` read.
  @inline(__always)
  private func firstRow(_ outputs: Range<Int>) -> Int {
    max(0, geometry.rows.pixel(output: outputs.lowerBound, tap: 0))
  }

  /// Writes the part of `z` that the outputs in `outputs` × `part` need, from the first row that they read.
  @inline(__always)
  private func passRows(
    _ image: UnsafePointer<Scalar>, by weights: UnsafePointer<Scalar>, under outputs: Range<Int>,
    _ part: Range<Int>, into passed: UnsafeMutablePointer<Scalar>
  ) {
    let (axis, columns, interior) = (geometry.rows, geometry.columns, pieces.interior)
    let first = firstRow(outputs)
    let last = min(axis.image &- 1, axis.pixel(output: outputs.upperBound &- 1, tap: axis.filter &- 1))
    let inside = interior.clamped(to: part)
    for index in 0..<rows.count where rows.base[index] >= first && rows.base[index] <= last {
      let imageRow = image + rows.base[index] &* columns.image
      let target = passed + (rows.base[index] &- first) &* part.count
      if inside.count < part.count { clear(target, count: part.count) }
      if !inside.isEmpty {
        let sources = imageRow + columns.pixel(output: inside.lowerBound, tap: 0)
        let sums = target + (inside.lowerBound &- part.lowerBound)
        if columns.stride == 1 {
          weightedSum.set(
            weights, terms: columns.filter, sources, step: columns.dilation, into: sums, count: inside.count)
        } else {
          clear(sums, count: inside.count)
          accumulateProducts(
            into: sums, count: inside.count, stride: columns.stride, weights: weights, sources: sources,
            sourceStep: columns.dilation, terms: columns.filter)
        }
      }
      if inside.count == part.count { continue }
      for v in 0..<columns.filter {
        pieces.forEachEdge(of: v) { start, count in
          let edge = (start..<start &+ count).clamped(to: part)
          accumulate(
            into: target + (edge.lowerBound &- part.lowerBound), count: edge.count, stride: columns.stride,
            weights[v], imageRow + columns.pixel(output: edge.lowerBound, tap: v))
        }
      }
    }
  }

  /// Adds the sums down the columns of `passed` to the outputs in `outputs` × `part`.
  @inline(__always)
  private func passColumns(
    _ passed: UnsafePointer<Scalar>, by weights: UnsafePointer<Scalar>, _ outputs: Range<Int>,
    _ part: Range<Int>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let (axis, first) = (geometry.rows, firstRow(outputs))
    for a in outputs {
      let taps = axis.taps(of: a)
      if taps.isEmpty { continue }
      weightedSum.add(
        weights + taps.lowerBound, terms: taps.count,
        passed + (axis.pixel(output: a, tap: taps.lowerBound) &- first) &* part.count,
        step: axis.dilation &* part.count, to: output + (a &* geometry.output.width &+ part.lowerBound),
        count: part.count)
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
