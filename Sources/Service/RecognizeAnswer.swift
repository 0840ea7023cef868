import Benchmarking
import Convolution
import Equivalence
import HTTP
import TensorCoding

extension ConvolutionService {
  /// POST /recognize: decode the matrix, look for its convolution, write which one it is or where it is none.
  func recognize(_ posted: borrowing HTTP.Request) throws(ServiceError) -> Response {
    var stopwatch = Stopwatch()
    let limit = limits.tensorElements
    let request: RecognizeRequest
    if let type = posted.head.value(of: "content-type"), isNumPy(contentType: type) {
      request = try RecognizeRequest(
        array: posted.body, Query(posted.head.query), elementLimit: limit)
    } else {
      try Query(posted.head.query).checkBesideJSON()
      request = try decodedRequest(posted.body) { (reader) throws(JSONError) in
        try RecognizeRequest(&reader, elementLimit: limit)
      }
    }
    let (image, output, transposed) = (request.image, request.output, request.transposed)
    let (tolerance, encoding, isQuery) = (request.tolerance, request.encoding, request.isQuery)
    let workLimit = min(Recognition.defaultWorkLimit, limits.multiplyAdds)
    let recognition: Recognition
    let decoding: Int
    do throws(RecognitionError) {
      let matrix = try SparseMatrix(request.matrix)
      decoding = stopwatch.lap()
      recognition = try Recognition(
        matrix, image: image, output: output, transposed: transposed, tolerance: tolerance,
        workLimit: workLimit, weightLimit: limit)
    } catch {
      if isQuery, error.field != .matrix {
        throw .parameter(error.field.rawValue, "cannot be used. \(error)")
      }
      throw .recognition(error)
    }
    let searching = stopwatch.lap()
    switch recognition.verdict {
    case .convolution: verdicts.count(.recognizeConvolution)
    case .approximate: verdicts.count(.recognizeApproximate)
    case .violated: verdicts.count(.recognizeViolated)
    }

    var writer = JSONWriter()
    writer.beginObject()
    writer.key("verdict")
    writer.string(recognition.verdict.rawValue)
    writer.newLine()
    writer.convolution(recognition, encoding)
    writer.newLine()
    writer.key("violations")
    writer.integer(recognition.violations)
    if let violation = recognition.violation {
      writer.key("violation")
      writer.violation(violation)
    }
    writer.key("distance")
    writer.number(recognition.distance)
    writer.key("tolerance")
    writer.number(recognition.tolerance)
    writer.newLine()
    writer.key("remarks")
    writer.beginArray()
    for remark in recognition.remarks { writer.remark(remark) }
    writer.endArray()
    writer.newLine()
    writer.timing([
      "recognition_seconds": searching, "decode_seconds": decoding, "total_seconds": stopwatch.total,
    ])
    writer.endObject()
    return Response(.ok, contentType: Route.recognize.mediaType, body: writer.finishLine())
  }
}

extension JSONWriter {
  /// The convolution in the fields of a problem, so that it can be asked for as one.
  fileprivate mutating func convolution(_ recognition: borrowing Recognition, _ encoding: Encoding) {
    let geometry = recognition.geometry
    key("image")
    shape(geometry.imageShape)
    key("output")
    shape(geometry.resultShape)
    key("filter")
    tensor(recognition.filter, encoding, as: .float64)
    newLine()
    key("stride")
    extent(geometry.stride)
    let padding = geometry.padding
    key("padding")
    integers([padding.top, padding.left, padding.bottom, padding.right])
    key("padding_mode")
    string(geometry.paddingMode.rawValue)
    key("dilation")
    extent(geometry.dilation)
    key("groups")
    integer(geometry.channels.groups)
    key("transposed")
    boolean(geometry.isTransposed)
    if geometry.isTransposed {
      // Padding alone leaves open what stands behind the last step.
      key("output_shape")
      extent(geometry.image)
    } else {
      key("padding_after")
      beginObject()
      key("bottom")
      integers([recognition.paddingAfter.height.lowerBound, recognition.paddingAfter.height.upperBound])
      key("right")
      integers([recognition.paddingAfter.width.lowerBound, recognition.paddingAfter.width.upperBound])
      endObject()
    }
  }

  fileprivate mutating func violation(_ violation: Recognition.Violation) {
    beginObject()
    key("kind")
    string(violation.kind.rawValue)
    key("row")
    integer(violation.row)
    key("column")
    integer(violation.column)
    key("tap")
    if let tap = violation.tap { extent(tap) } else { null() }
    key("expected")
    number(violation.expected)
    key("actual")
    number(violation.actual)
    endObject()
  }

  fileprivate mutating func remark(_ remark: Recognition.Remark) {
    beginObject()
    key("remark")
    string(remark.name)
    key("says")
    string(remark.description)
    if case .loneEntries(let places, let kernel) = remark {
      key("entries")
      beginArray()
      for place in places { integers([place.row, place.column]) }
      endArray()
      key("kernel")
      extent(kernel)
    }
    endObject()
  }
}

extension Recognition.Remark {
  /// What the remark is about, in one word.
  fileprivate var name: String {
    switch self {
    case .strideNotIdentifiable: "stride_not_identifiable"
    case .dilationNotIdentifiable: "dilation_not_identifiable"
    case .zeroFilter: "zero_filter"
    case .zeroEdgeTaps: "zero_edge_taps"
    case .untied: "untied"
    case .loneEntries: "lone_entries"
    case .outputDerived: "output_derived"
    case .paddingMode: "padding_mode"
    }
  }
}
