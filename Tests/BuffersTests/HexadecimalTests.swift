import Buffers
import Testing

@Suite struct HexadecimalTests {
  @Test(
    "a number has sixteen digits in lower case",
    arguments: [
      (0, "0000000000000000"), (0x0123_4567_89AB_CDEF, "0123456789abcdef"), (UInt64.max, "ffffffffffffffff"),
      (0xFEDC_BA98_7654_3210, "fedcba9876543210"), (10, "000000000000000a"), (9 << 60, "9000000000000000"),
    ])
  func digits(_ number: UInt64, _ text: String) {
    var buffer = ByteBuffer()
    buffer.append("x")
    buffer.append(hexadecimal: number)
    #expect(String(decoding: buffer.elements, as: UTF8.self) == "x" + text)
  }
}
