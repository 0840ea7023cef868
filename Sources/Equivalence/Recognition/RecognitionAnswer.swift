import Buffers
import Convolution

extension Request {
  /// The shape of the filter: a plane where image and output are planes, too.
  func filterShape(_ fit: Fit) -> Shape {
    let layout = fit.layout
    let (height, width) = (fit.vertical.filter, fit.horizontal.filter)
    if image.rank == 2, layout.outputChannels == 1, output.map({ $0.rank == 2 }) ?? true {
      return Shape(height, width)
    }
    return Shape(layout.outputChannels, layout.imageChannels / fit.groups, height, width)
  }

  /// The output's shape, as the caller gave it or would have.
  func outputShape(_ fit: Fit) -> Shape {
    if let output { return output }
    let plane = Shape(fit.layout.vertical.outputs, fit.layout.horizontal.outputs)
    if fit.layout.outputChannels == 1 && image.rank == 2 { return plane }
    var shape = Shape(fit.layout.outputChannels)
    shape.append(plane[0])
    shape.append(plane[1])
    return shape
  }

  /// The geometry of a fit; padding behind the image is the least possible.
  ///
  /// - Throws: `filterTooLarge` where one of its numbers is beyond any that is allowed.
  func geometry(_ fit: Fit, _ mode: PaddingMode = .zeros) throws(RecognitionError) -> ConvolutionGeometry {
    let (vertical, horizontal) = (fit.vertical, fit.horizontal)
    let (bottom, right) = (vertical.after.lowerBound, horizontal.after.lowerBound)
    let padding = Padding(top: vertical.before, left: horizontal.before, bottom: bottom, right: right)
    var options = ConvolutionOptions(
      stride: Extent(vertical.stride, horizontal.stride), padding: .sides(padding), paddingMode: mode,
      dilation: Extent(vertical.dilation, horizontal.dilation), groups: fit.groups)
    if isTransposed {
      options.transposed = true
      // What is left behind the last step: none where padding is taken away.
      options.outputPadding = Extent(
        bottom - (vertical.after.upperBound - vertical.stride + 1),
        right - (horizontal.after.upperBound - horizontal.stride + 1))
    }
    let given = isTransposed ? outputShape(fit) : image
    do {
      return try ConvolutionGeometry(
        image: given, filter: filterShape(fit), options: options, maximumOutputElements: .max)
    } catch {
      throw .filterTooLarge(weights: fit.weights, limit: weightLimit)
    }
  }
}

extension Recognition {
  /// A convolution that was found.
  init(
    _ request: Request, _ fit: Fit, _ weights: [Double], distance: Double, tolerance: Double
  ) throws(RecognitionError) {
    geometry = try request.geometry(fit)
    verdict = distance == 0 ? .convolution : .approximate
    filter = Tensor(shape: request.filterShape(fit), weights)
    paddingAfter = (fit.vertical.after, fit.horizontal.after)
    violation = nil
    violations = 0
    self.distance = distance
    self.tolerance = distance == 0 ? 0 : tolerance
    var remarks = Self.remarks(request, fit, weights)
    if let lone = fit.loneEntries(weights, isTransposed: request.isTransposed) { remarks.append(lone) }
    self.remarks = remarks
  }

  /// A convolution with something else than zeros on its padding.
  init(_ request: Request, _ padded: PaddedFit) throws(RecognitionError) {
    let fit = padded.fit
    geometry = try request.geometry(fit, padded.mode)
    verdict = .convolution
    filter = Tensor(shape: request.filterShape(fit), padded.weights)
    paddingAfter = (fit.vertical.after, fit.horizontal.after)
    violation = nil
    violations = 0
    distance = 0
    tolerance = 0
    remarks = Self.remarks(request, fit, padded.weights) + [.paddingMode(padded.mode, zeros: padded.zeros)]
  }

  /// A matrix that is no convolution.
  init(
    _ request: Request, _ matrix: borrowing SparseMatrix<Double>, _ consensus: Consensus, tolerance: Double
  ) throws(RecognitionError) {
    guard let first = consensus.first else { preconditionFailure("a violation without an entry") }
    let fit = consensus.fit
    let distance = try fit.project(matrix, weightLimit: request.weightLimit).distance
    geometry = try request.geometry(fit)
    verdict = .violated
    filter = Tensor(shape: request.filterShape(fit), consensus.weights)
    paddingAfter = (fit.vertical.after, fit.horizontal.after)
    let kind: Violation.Kind =
      first.expected == 0 ? .extraNonzero : first.actual == 0 ? .missingTap : .tieBroken
    var tap: Extent?
    if let u = fit.vertical.tap(of: first.key.vertical), let v = fit.horizontal.tap(of: first.key.horizontal)
    {
      tap = Extent(u, v)
    }
    let (row, column) = request.isTransposed ? (first.column, first.row) : (first.row, first.column)
    violation = Violation(
      kind: kind, row: row, column: column, tap: tap, expected: first.expected, actual: first.actual)
    violations = consensus.dissenters
    self.distance = distance
    self.tolerance = tolerance
    remarks = Self.remarks(request, fit, consensus.weights)
  }

  private static func remarks(_ request: Request, _ fit: Fit, _ weights: [Double]) -> [Remark] {
    var remarks: [Remark] = []
    if request.output == nil, fit.layout.outputPlane * fit.layout.outputChannels > 1 {
      remarks.append(.outputDerived(request.outputShape(fit)))
    }
    if weights.allSatisfy({ $0 == 0 }) { return remarks + [.zeroFilter] }
    for (axis, axisFit) in [(Axis.height, fit.vertical), (.width, fit.horizontal)] {
      if axisFit.strideIsFree { remarks.append(.strideNotIdentifiable(axis)) }
      if axisFit.dilationIsFree { remarks.append(.dilationNotIdentifiable(axis)) }
      if axisFit.zeroTaps > 0 { remarks.append(.zeroEdgeTaps(axis, axisFit.zeroTaps)) }
      if axisFit.isUntied { remarks.append(.untied(axis)) }
    }
    return remarks
  }
}

extension Fit {
  /// The entries that are the only ones of their taps, if without them the kernel would shrink by more weights than it
  /// takes to name those entries (row, column and value): a kernel that one stray entry may have stretched.
  func loneEntries(_ weights: [Double], isTransposed: Bool) -> Recognition.Remark? {
    var (rest, restColumns): (KeyRange?, KeyRange?)
    var lone: [(weight: Int, u: Int, v: Int)] = []
    for weight in 0..<weights.count where weights[weight] != 0 {
      let (u, v) = (weight % taps / horizontal.filter, weight % horizontal.filter)
      if places(u, v) == 1 {
        lone.append((weight, u, v))
      } else {
        let (i, j) = (u * vertical.dilation - vertical.before, v * horizontal.dilation - horizontal.before)
        rest = rest?.adding(i) ?? KeyRange(i)
        restColumns = restColumns?.adding(j) ?? KeyRange(j)
      }
    }
    guard !lone.isEmpty, let rest, let restColumns else { return nil }
    let smaller = Fit(
      layout: layout, vertical: AxisFit(layout.vertical, keys: rest, stride: vertical.stride),
      horizontal: AxisFit(layout.horizontal, keys: restColumns, stride: horizontal.stride), groups: groups)
    let planes = layout.imageChannels / groups
    var places: [Recognition.Place] = []
    for (weight, u, v) in lone {
      let (i, j) = (u * vertical.dilation - vertical.before, v * horizontal.dilation - horizontal.before)
      if smaller.vertical.tap(of: i) != nil, smaller.horizontal.tap(of: j) != nil { continue }
      let (rows, columns) = outputs(u, v)
      let (a, b) = (rows.lowerBound, columns.lowerBound)
      let k = weight / taps / planes
      let c = weight / taps % planes + k / (layout.outputChannels / groups) * planes
      let row = layout.row(k, a, b)
      let column = layout.column(c, i + a * vertical.stride, j + b * horizontal.stride)
      places.append(isTransposed ? .init(row: column, column: row) : .init(row: row, column: column))
    }
    if places.isEmpty || smaller.weights >= self.weights - 3 * places.count { return nil }
    places.sort { ($0.row, $0.column) < ($1.row, $1.column) }
    return .loneEntries(places, kernel: Extent(smaller.vertical.filter, smaller.horizontal.filter))
  }
}

extension Tensor where Scalar == Double {
  /// A tensor of numbers that are there already.
  init(shape: Shape, _ numbers: [Double]) {
    var elements = AlignedBuffer<Double>(capacity: numbers.count)
    for number in numbers { elements.append(number) }
    self.init(shape: shape, elements: elements)
  }
}
