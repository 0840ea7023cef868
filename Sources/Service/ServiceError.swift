import Convolution
import Equivalence
import TensorCoding

/// Why a request that reached its route gets no result; `Problem` words each case as an HTTP answer.
enum ServiceError: Error {
  /// The body is no JSON document, or a value in it is wrong.
  case json(JSONError)
  /// The body is no array in NumPy's file format, or not one that is taken as the field with this name.
  case array(NumPyError, field: String)
  /// Shapes, options or size make no problem that can be computed.
  case convolution(ConvolutionError)
  /// The formulation at this place of the list can't compute the problem.
  case formulation(Int, ConvolutionError)
  /// The image with its padding around it has more elements than a tensor may have.
  case paddedImage(elements: Int, limit: Int)
  /// The results that must be kept to compare them take more bytes than the limit.
  case results(bytes: Int, limit: Int)
  /// A candidate, at this pointer, has another shape than the result.
  case candidateShape(pointer: String, Shape, expected: Shape)
  /// The problem can't be computed in the claimed arithmetic.
  case claim(ConvolutionError)
  /// All computations that the answer needs take more multiply-adds than the limit.
  case work(multiplyAdds: Int, limit: Int)
  /// The matrix can't be examined.
  case recognition(RecognitionError)
  /// Matrices that are to be written out or drawn have more entries than the limit.
  case entries(Int, limit: Int)
  /// A query parameter, named first, is missing, unknown, doubled or wrong, as the second text says.
  case parameter(String, String)
}
