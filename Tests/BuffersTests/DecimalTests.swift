import Buffers
import Testing

@Suite struct DecimalTests {
  @Test("writes integers in decimal, the extreme ones and all changes of length included")
  func decimals() {
    var values = [0, 7, -7, 12_345_678, Int.max, Int.min]
    var power = 1
    while power <= Int.max / 10 {
      power *= 10
      values += [power, power - 1, power + 1, -power]
    }
    for value in values {
      var buffer = ByteBuffer()
      buffer.append(decimal: value)
      #expect(String(decoding: buffer.elements, as: UTF8.self) == value.description)
    }
  }

  @Test(
    "writes fixed-point numbers with all their places",
    arguments: [
      (0, 3, "0.000"), (7, 3, "0.007"), (999, 3, "0.999"), (1000, 3, "1.000"), (12_345, 3, "12.345"),
      (5, 1, "0.5"),
      (4777, 9, "0.000004777"), (1_000_000_001, 9, "1.000000001"), (1, 18, "0.000000000000000001"),
      (Int.max, 18, "9.223372036854775807"), (Int.max, 1, "922337203685477580.7"),
    ])
  func fixedPoint(value: Int, places: Int, expected: String) {
    var buffer = ByteBuffer()
    buffer.append(decimal: value, places: places)
    #expect(String(decoding: buffer.elements, as: UTF8.self) == expected)
  }
}
