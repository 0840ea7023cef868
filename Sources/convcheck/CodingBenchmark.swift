import Benchmarking
import Buffers
import Convolution
import TensorCoding

/// How fast tensors are read and written in one form.
struct CodingBenchmark {
  /// The element type.
  let dataType: DataType
  /// `nested arrays` or `base64`.
  let form: String
  /// The length of the text.
  let bytes: Int
  /// The least seconds that reading took.
  let decode: Double
  /// The least seconds that writing took.
  let encode: Double

  /// Times reading and writing one image of pseudo-random numbers in each form.
  static func run<Scalar: TensorScalar>(
    image: Shape, in type: Scalar.Type, seconds: Double
  ) -> [CodingBenchmark] {
    var random = DeterministicNumbers(seed: 0x5EED)
    let tensor: Tensor<Scalar> = random.tensor(image)
    return [true, false].map { isNested in
      let text = written(tensor, nested: isNested)
      let decode = fastest(within: seconds) {
        var reader = JSONReader(text.bytes)
        let read = try? reader.tensor(as: type, elementLimit: .max).elements.count
        precondition(read == tensor.elements.count, "reads back what was written")
      }
      let encode = fastest(within: seconds) {
        precondition(written(tensor, nested: isNested).count == text.count, "writes the same again")
      }
      return CodingBenchmark(
        dataType: type.dataType, form: isNested ? "nested arrays" : "base64", bytes: text.count,
        decode: decode,
        encode: encode)
    }
  }

  private static func written<Scalar: TensorScalar>(
    _ tensor: borrowing Tensor<Scalar>, nested: Bool
  ) -> ByteBuffer {
    var writer = JSONWriter()
    if nested { writer.nested(tensor) } else { writer.object(tensor) }
    return writer.finish()
  }

  /// The least time that `body` took, in seconds, tried for `seconds`.
  private static func fastest(within seconds: Double, _ body: () -> Void) -> Double {
    var stopwatch = Stopwatch()
    var least = Int.max
    repeat {
      stopwatch.restartLap()
      body()
      least = min(least, stopwatch.lap())
    } while Stopwatch.seconds(stopwatch.total) < seconds
    return Stopwatch.seconds(least)
  }
}
