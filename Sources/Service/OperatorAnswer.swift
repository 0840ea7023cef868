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
    let (storage, rank) = (kind.formulation.storages[0], request.rank)
    try computed { () throws(ConvolutionError) in
      try kind.formulation.checkSupport(of: geometry, options: FormulationOptions(rank: rank))
      // Beside making matrices, planes of the filter are decomposed.
      if kind == .separable {
        try kind.formulation.check(
          storage: storage, geometry: geometry, options: FormulationOptions(rank: rank),
          scalarByteCount: type.dataType.byteCount, memoryLimit: limits.operatorBytes,
          workLimit: limits.multiplyAdds)
      }
    }
    let decoding = stopwatch.lap()
    let fields = [Response.Field("Vary", "Accept")]
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
    switch kind {
    case .separable:
      let matrices = try computed { () throws(ConvolutionError) in
        try SeparableMatrices(geometry, filter: filter, rank: rank)
      }
      if wantsPicture {
        return Response(
          .ok, contentType: Route.picture, fields: fields, body: try picture(of: matrices))
      }
      try write(matrices, of: geometry, form, encoding, to: &writer)
    case .toeplitz, .banded:
      let matrix = try computed { () throws(ConvolutionError) in try OperatorMatrix(geometry) }
      if wantsPicture {
        try check(entries: saturatingSum(matrix.statistics.nonzeros, matrix.statistics.meetings))
        let picture = OperatorPicture.draw(matrix) { "\(filter.values[$0])" }
        return Response(.ok, contentType: Route.picture, fields: fields, body: picture)
      }
      try write(matrix, kind, filter: filter, form, encoding, to: &writer)
    }
    let making = stopwatch.lap()
    writer.newLine()
    writer.timing([
      "operator_seconds": making, "decode_seconds": decoding, "total_seconds": stopwatch.total,
    ])
    writer.endObject()
    return Response(.ok, contentType: Route.operator.mediaType, fields: fields, body: writer.finishLine())
  }

  /// Counts the toeplitz matrix or the banded ones, and writes them where they are asked for.
  private func write<Scalar: TensorScalar>(
    _ matrix: OperatorMatrix, _ kind: OperatorRequest.Matrices, filter: borrowing Tensor<Scalar>,
    _ form: OperatorRequest.Form, _ encoding: Encoding, to writer: inout JSONWriter
  ) throws(ServiceError) {
    let isBanded = kind == .banded
    let counts = isBanded ? OperatorCounts(banded: matrix) : OperatorCounts(toeplitz: matrix)
    try check(counts, form, meetings: matrix.statistics.meetings)
    counts.write(to: &writer, scalarByteCount: Scalar.dataType.byteCount)
    if form == .statistics { return }
    writer.newLine()
    if !isBanded {
      let made = try computed { () throws(ConvolutionError) in
        try matrix.matrix(filter: filter, memoryLimit: limits.operatorBytes)
      }
      writer.key("matrix")
      writer.matrix(made, form, encoding)
      return
    }
    let geometry = matrix.geometry
    writer.key("matrices")
    writer.beginArray()
    for k in 0..<geometry.channels.output {
      for c in 0..<geometry.channels.imagePerGroup {
        for v in 0..<geometry.filter.width {
          let made = try computed { () throws(ConvolutionError) in
            try matrix.bandMatrix(
              filter: filter, outputChannel: k, plane: c, column: v, memoryLimit: limits.operatorBytes)
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

  /// Refuses to write matrices of too many entries.
  ///
  /// - Parameter meetings: What is held of each axis while they are made.
  func check(
    _ counts: OperatorCounts, _ form: OperatorRequest.Form, meetings: Int
  ) throws(ServiceError) {
    switch form {
    case .statistics: return
    case .csr: try check(entries: saturatingSum(counts.nonzeros, counts.rowPointers))
    case .entries: try check(entries: counts.entries)
    }
    try check(entries: meetings)
  }

  /// Refuses to write or draw so many entries.
  func check(entries: Int) throws(ServiceError) {
    if entries > limits.tensorElements { throw .entries(entries, limit: limits.tensorElements) }
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

extension JSONWriter {
  /// A matrix with all its zeros, or in compressed sparse rows.
  mutating func matrix<Scalar: TensorScalar>(
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
