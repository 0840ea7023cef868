import Benchmarking
import Buffers
import Convolution
import TensorCoding

/// How fast tensors are read and written, as nested arrays and as base64.
enum CodingBenchmark {
  /// Times reading and writing one image of pseudo-random numbers in each form.
  static func run<Scalar: TensorScalar>(image: Extent, in type: Scalar.Type, seconds: Double) -> TextTable {
    var random = DeterministicNumbers(seed: 0x5EED)
    let tensor: Tensor<Scalar> = random.tensor(Shape(image.height, image.width))
    var table = TextTable(header: ["coding", "bytes", "decode MB/s", "encode MB/s"], leftAligned: 1)
    for isNested in [true, false] {
      let text = written(tensor, nested: isNested)
      let decode = fastest(within: seconds) {
        var reader = JSONReader(text.bytes)
        let read = try? reader.tensor(as: type, elementLimit: .max).elements.count
        precondition(read == tensor.elements.count, "reads back what was written")
      }
      let encode = fastest(within: seconds) {
        precondition(written(tensor, nested: isNested).count == text.count, "writes the same again")
      }
      table.append([
        "\(type.dataType.rawValue) \(isNested ? "nested arrays" : "base64")", String(text.count),
        BenchTable.short(Double(text.count) / decode / 1e6),
        BenchTable.short(Double(text.count) / encode / 1e6),
      ])
    }
    return table
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
