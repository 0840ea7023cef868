import Buffers
import Convolution
import TensorCoding

extension ConvolutionService {
  /// Counts both factors of each term of the separable formulation, and writes them where they are asked for.
  func write<Scalar: TensorScalar>(
    _ matrices: borrowing SeparableMatrices<Scalar>, of geometry: ConvolutionGeometry,
    _ form: OperatorRequest.Form, _ encoding: Encoding, to writer: inout JSONWriter
  ) throws(ServiceError) {
    let counts = OperatorCounts(terms: matrices.count, left: matrices.left, right: matrices.right)
    let (left, right) = (matrices.left.statistics.meetings, matrices.right.statistics.meetings)
    try check(counts, form, meetings: saturatingSum(left, right))
    writer.key("separable")
    writer.beginObject()
    writer.key("terms")
    writer.integer(matrices.count)
    writer.key("rank")
    writer.integer(matrices.factors.rank)
    writer.key("full_rank")
    writer.integer(matrices.factors.fullRank)
    writer.endObject()
    writer.newLine()
    counts.write(to: &writer, scalarByteCount: Scalar.dataType.byteCount)
    if form == .statistics { return }
    writer.newLine()
    writer.key("factors")
    writer.beginArray()
    for k in 0..<geometry.channels.output {
      for c in 0..<geometry.channels.imagePerGroup {
        let terms = matrices.terms(ofPlane: k * geometry.channels.imagePerGroup + c)
        for term in terms {
          if term > 0 { writer.newLine() }
          writer.beginObject()
          writer.key("filter")
          writer.integer(k)
          writer.key("plane")
          writer.integer(c)
          writer.key("term")
          writer.integer(term - terms.lowerBound)
          try writeFactors(term, of: matrices, form, encoding, to: &writer)
          writer.endObject()
        }
      }
    }
    writer.endArray()
  }

  private func writeFactors<Scalar: TensorScalar>(
    _ term: Int, of matrices: borrowing SeparableMatrices<Scalar>, _ form: OperatorRequest.Form,
    _ encoding: Encoding, to writer: inout JSONWriter
  ) throws(ServiceError) {
    do throws(ConvolutionError) {
      let left = try matrices.left(term, memoryLimit: limits.operatorBytes)
      writer.key("left")
      writer.matrix(left, form, encoding)
      let right = try matrices.right(term, memoryLimit: limits.operatorBytes)
      writer.key("right")
      writer.matrix(right, form, encoding)
    } catch {
      throw .convolution(error)
    }
  }

  /// The factors of the first terms as a picture.
  func picture<Scalar: TensorScalar>(
    of matrices: borrowing SeparableMatrices<Scalar>
  ) throws(ServiceError) -> ByteBuffer {
    for matrix in [matrices.left, matrices.right] {
      try check(entries: saturatingSum(matrix.statistics.nonzeros, matrix.statistics.meetings))
    }
    var stack = PictureStack()
    for term in 0..<matrices.count where stack.hasRoom {
      stack.append(
        OperatorPicture.drawing(matrices.left, name: "L, term \(term)", tap: "p") {
          "\(matrices.columnFactor(term, $0))"
        },
        OperatorPicture.drawing(matrices.right, name: "R transposed, term \(term)", tap: "q") {
          "\(matrices.rowFactor(term, $0))"
        })
    }
    return stack.finish(title: "Y = Σ L · X · R, \(matrices.count) terms")
  }
}
