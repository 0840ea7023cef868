import Benchmarking
import Buffers
import Convolution
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /operator: decode, count, make the matrices where they are wanted, write or draw them.
  func operatorMatrices(
    _ body: UnsafeRawBufferPointer, wantsPicture: Bool
  ) throws(ServiceError) -> Response {
    let stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request = try decodedRequest(body) { (reader) throws(JSONError) in
      try OperatorRequest(&reader, elementLimit: limit, isForPicture: wantsPicture)
    }
    switch request.dataType.precision {
    case .single: return try answer(request, in: Float.self, wantsPicture: wantsPicture, stopwatch)
    case .double: return try answer(request, in: Double.self, wantsPicture: wantsPicture, stopwatch)
    }
  }

  private func answer<Scalar: TensorScalar>(
    _ request: consuming OperatorRequest, in type: Scalar.Type, wantsPicture: Bool, _ started: Stopwatch
  ) throws(ServiceError) -> Response {
    var stopwatch = started
    let (options, image, form, encoding) = (request.options, request.image, request.form, request.encoding)
    let (kind, limit) = (request.matrices, limits.tensorElements)
    let given = try decoded(request.filter, as: type)
    let shape = given.shape
    let geometry = try computed { () throws(ConvolutionError) in
      try ConvolutionGeometry(image: image, filter: shape, options: options, maximumOutputElements: limit)
    }
    try checkPaddedImage(of: geometry, elementLimit: limit)
    let filter = rotated(given, ofTaps: options.flip ? geometry.taps : 1)
    let matrix = try computed { () throws(ConvolutionError) in try OperatorMatrix(geometry) }
    let decoding = stopwatch.lap()
    let fields = [Response.Field("Vary", "Accept")]
    if wantsPicture {
      try check(entries: saturatingSum(matrix.statistics.nonzeros, matrix.statistics.meetings))
      let picture = OperatorPicture.draw(matrix) { "\(filter.values[$0])" }
      return Response(.ok, contentType: Route.picture, fields: fields, body: picture)
    }

    let counts = MatrixCounts(kind, matrix, scalarByteCount: type.dataType.byteCount)
    switch form {
    case .statistics: break
    case .csr:
      try check(entries: saturatingSum(counts.nonzeros, saturatingProduct(counts.matrices, counts.rows + 1)))
      try check(entries: matrix.statistics.meetings)
    case .entries:
      try check(entries: counts.entries)
      try check(entries: matrix.statistics.meetings)
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("formulation")
    writer.string(kind.rawValue)
    writer.key("form")
    writer.string(form.rawValue)
    writer.key("dtype")
    writer.string(type.dataType.rawValue)
    writer.newLine()
    writer.problemShapes(geometry, filter: shape)
    writer.newLine()
    writer.counts(counts)
    if form != .statistics {
      writer.newLine()
      switch kind {
      case .toeplitz:
        let made = try self.made { (memoryLimit) throws(ConvolutionError) in
          try matrix.matrix(filter: filter, memoryLimit: memoryLimit)
        }
        writer.key("matrix")
        writer.matrix(made, form, encoding)
      case .banded:
        writer.key("matrices")
        writer.beginArray()
        for k in 0..<geometry.channels.output {
          for c in 0..<geometry.channels.imagePerGroup {
            for v in 0..<geometry.filter.width {
              let made = try self.made { (memoryLimit) throws(ConvolutionError) in
                try matrix.bandMatrix(
                  filter: filter, outputChannel: k, plane: c, column: v, memoryLimit: memoryLimit)
              }
              if (k, c, v) != (0, 0, 0) { writer.newLine() }
              writer.beginObject()
              writer.key("filter")
              writer.integer(k)
              writer.key("plane")
              writer.integer(c)
              writer.key("column")
              writer.integer(v)
              writer.key("matrix")
              writer.matrix(made, form, encoding)
              writer.endObject()
            }
          }
        }
        writer.endArray()
      }
    }
    let making = stopwatch.lap()
    writer.newLine()
    writer.key("timing")
    writer.beginObject()
    writer.seconds("operator_seconds", nanoseconds: making)
    writer.seconds("decode_seconds", nanoseconds: decoding)
    writer.seconds("total_seconds", nanoseconds: stopwatch.total)
    writer.endObject()
    writer.endObject()
    return Response(.ok, contentType: Route.operator.mediaType, fields: fields, body: writer.finishLine())
  }

  private func check(entries: Int) throws(ServiceError) {
    if entries > limits.tensorElements { throw .entries(entries, limit: limits.tensorElements) }
  }

  private func made<Result: ~Copyable>(
    _ make: (_ memoryLimit: Int) throws(ConvolutionError) -> Result
  ) throws(ServiceError) -> Result {
    let memoryLimit = limits.operatorBytes
    return try computed { () throws(ConvolutionError) in try make(memoryLimit) }
  }
}

/// The planes of a filter rotated by 180°, `taps` elements each.
private func rotated<Scalar: TensorScalar>(
  _ filter: consuming Tensor<Scalar>, ofTaps taps: Int
) -> Tensor<Scalar> {
  var filter = filter
  if taps > 1 { filter.rotatePlanes(ofTaps: taps) }
  return filter
}

/// What the matrices of a formulation are made of, all of them together. Numbers too large for an `Int` stand at `Int.max`.
private struct MatrixCounts {
  let matrices: Int
  /// Rows and columns of each.
  let rows: Int
  let columns: Int
  let entries: Int
  let nonzeros: Int
  let distinctWeights: Int
  let denseBytes: Int
  let sparseBytes: Int
  /// Columns of what each matrix is multiplied by.
  let timesColumns: Int

  init(_ kind: OperatorRequest.Matrices, _ matrix: OperatorMatrix, scalarByteCount: Int) {
    let statistics = matrix.statistics
    distinctWeights =
      kind == .toeplitz
      ? statistics.distinctWeights : saturatingProduct(statistics.bandMatrices, statistics.bandWeights)
    switch kind {
    case .toeplitz:
      (matrices, rows, columns) = (1, statistics.rows, statistics.columns)
      nonzeros = statistics.nonzeros
      timesColumns = 1
    case .banded:
      matrices = statistics.bandMatrices
      (rows, columns) = (statistics.bandSize.height, statistics.bandSize.width)
      nonzeros = saturatingProduct(matrices, statistics.bandNonzeros)
      timesColumns = matrix.geometry.output.width
    }
    entries = saturatingProduct(matrices, rows, columns)
    denseBytes = saturatingProduct(entries, scalarByteCount)
    sparseBytes = saturatingSum(
      saturatingProduct(nonzeros, scalarByteCount + MemoryLayout<Int32>.stride),
      saturatingProduct(matrices, rows + 1, MemoryLayout<Int>.stride))
  }
}

extension JSONWriter {
  fileprivate mutating func counts(_ counts: MatrixCounts) {
    key("statistics")
    beginObject()
    let numbers: [(StaticString, Int)] = [
      ("matrices", counts.matrices), ("rows", counts.rows), ("columns", counts.columns),
      ("entries", counts.entries), ("nonzeros", counts.nonzeros),
      ("fixed_zeros", counts.entries == .max ? .max : counts.entries - counts.nonzeros),
      ("distinct_weights", counts.distinctWeights),
      ("ties", counts.nonzeros == .max ? .max : counts.nonzeros - counts.distinctWeights),
      ("dense_bytes", counts.denseBytes),
      ("sparse_bytes", counts.sparseBytes),
      ("dense_multiply_adds", saturatingProduct(counts.entries, counts.timesColumns)),
      ("sparse_multiply_adds", saturatingProduct(counts.nonzeros, counts.timesColumns)),
    ]
    for (key, number) in numbers {
      self.key(key)
      integer(number)
    }
    endObject()
  }

  fileprivate mutating func matrix<Scalar: TensorScalar>(
    _ matrix: borrowing SparseMatrix<Scalar>, _ form: OperatorRequest.Form, _ encoding: Encoding
  ) {
    if form == .entries {
      tensor(matrix.dense(), encoding, as: Scalar.dataType)
    } else {
      compressedRows(matrix, encoding)
    }
  }

  /// The parts of compressed sparse rows as /recognize reads them.
  private mutating func compressedRows<Scalar: TensorScalar>(
    _ matrix: borrowing SparseMatrix<Scalar>, _ encoding: Encoding
  ) {
    beginObject()
    key("rows")
    integer(matrix.rows)
    key("columns")
    integer(matrix.columns)
    key("row_pointers")
    integers(matrix.rowPointers.elements)
    key("column_indices")
    integers(matrix.columnIndices.elements.lazy.map { Int($0) })
    key("values")
    // No tensor is empty; a matrix without nonzeros has none in either encoding.
    if encoding == .json || matrix.count == 0 {
      beginArray()
      for value in matrix.values.elements { number(value) }
      endArray()
    } else {
      var values = AlignedBuffer<Scalar>(capacity: matrix.count)
      values.append(contentsOf: matrix.values.elements)
      object(Tensor(shape: Shape(matrix.count), elements: values))
    }
    endObject()
  }
}
