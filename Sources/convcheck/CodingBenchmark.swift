import Benchmarking
import Buffers
import Convolution
import TensorCoding

/// How fast tensors are read and written, beside how fast the same bytes are merely copied.
enum CodingBenchmark {
  /// Times reading and writing one image of pseudo-random numbers in each form.
  static func run<Scalar: TensorScalar>(image: Extent, in type: Scalar.Type, seconds: Double) -> TextTable {
    var state: UInt64 = 0x5EED
    var tensor = Tensor<Scalar>(shape: Shape(image.height, image.width), repeating: 0)
    for index in 0..<tensor.elements.count {
      // Knuth's MMIX generator; its high bits are good enough to have no pattern that a scanner could profit from.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      tensor.elements[index] = Scalar(Float(state >> 40) * 0x1p-24)
    }
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
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var least = clock.measure(body)
    while clock.now < end { least = min(least, clock.measure(body)) }
    return least.seconds
  }
}
