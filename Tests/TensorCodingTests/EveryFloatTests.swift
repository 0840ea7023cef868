import Buffers
import Convolution
import Glibc
import TensorCoding
import Testing

@Suite("Every float32")
struct EveryFloatTests {
  /// Off unless `CONVCHECK_EVERY_FLOAT` is set to a stride: 1 takes all 2^32 bit patterns, minutes on one core.
  private static let step = getenv("CONVCHECK_EVERY_FLOAT").flatMap { UInt64(String(cString: $0)) }

  @Test(
    "is written so that it reads back, with the digits of description on a sample", .enabled(if: step != nil))
  func everyFloat() throws {
    let step = max(1, Self.step ?? 1)
    let block = 1 << 20
    var buffer = ByteBuffer()
    var (pattern, blocks): (UInt64, UInt64) = (0, 0)
    while pattern < 1 << 32 {
      var elements = AlignedBuffer<Float>(capacity: block)
      while pattern < 1 << 32, elements.count < block {
        let value = Float(bitPattern: UInt32(pattern))
        if value.isFinite { elements.append(value) }
        pattern += step
      }
      if elements.count == 0 { break }
      let source = Tensor(shape: Shape(1, elements.count), elements: elements)
      buffer.clear(keepingAtMost: .max)
      var writer = JSONWriter(buffer)
      writer.nested(source)
      buffer = writer.finish()
      var reader = JSONReader(buffer.bytes)
      let back = try reader.tensor(as: Float.self, elementLimit: block)
      if memcmp(back.elements.base, source.elements.base, 4 * source.elements.count) != 0 {
        for index in 0..<source.elements.count
        where back.elements.base[index].bitPattern != source.elements.base[index].bitPattern {
          Issue.record("\(source.elements[index]) read back as \(back.elements[index])")
          return
        }
      }
      for index in stride(from: Int(blocks % 997), to: source.elements.count, by: 997) {
        let value = source.elements[index]
        let text = written { $0.number(value) }
        if value != 0, decimalDigits(text) != decimalDigits("\(value)") {
          Issue.record("\(text) for \(value)")
        }
      }
      blocks += 1
    }
  }
}
