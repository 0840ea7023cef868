import Buffers
import Convolution
import Glibc
import TensorCoding
import Testing

/// A reader's and the C library's value of the same text, as bits. The text must end with a zero byte.
private func disagreement(_ text: [UInt8]) -> String? {
  let digits = Array(text.dropLast())
  let (float, double) = digits.withUnsafeBytes { bytes in
    (
      { () -> Float in
        var reader = JSONReader(bytes)
        return (try? reader.number(as: Float.self)) ?? .infinity
      }(),
      { () -> Double in
        var reader = JSONReader(bytes)
        return (try? reader.number(as: Double.self)) ?? .infinity
      }()
    )
  }
  let (trueFloat, trueDouble) = text.withUnsafeBytes { bytes in
    let address = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
    return (strtof(address, nil), strtod(address, nil))
  }
  // The reader refuses infinities without telling their sign.
  let isFloatRight = float.isInfinite ? trueFloat.isInfinite : float.bitPattern == trueFloat.bitPattern
  let isDoubleRight = double.isInfinite ? trueDouble.isInfinite : double.bitPattern == trueDouble.bitPattern
  return isFloatRight && isDoubleRight
    ? nil : String(decoding: digits.prefix(900), as: UTF8.self) + " \(float) \(double)"
}

private func disagreement(_ text: String) -> String? { disagreement(Array(text.utf8) + [0]) }

/// Reads `numbers` as one nested tensor, the path on which the fast scan runs.
private func asTensor<Scalar: TensorScalar>(_ numbers: [String], as type: Scalar.Type) throws -> [Scalar] {
  try tensor("[[" + numbers.joined(separator: ",") + "]]", as: type).elements
}

/// Significant digits without point, and the power of ten of the first, from a decimal text.
func decimalDigits(_ text: String) -> (digits: String, power: Int) {
  var body = Substring(text)
  if body.hasPrefix("-") { body = body.dropFirst() }
  let parts = body.split(separator: "e")
  var exponent = parts.count > 1 ? Int(parts[1])! : 0
  let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
  let all = String(halves[0]) + (halves.count > 1 ? String(halves[1]) : "")
  exponent += halves[0].count - 1
  let zeros = all.prefix { $0 == "0" }.count
  var significant = all.dropFirst(zeros)
  while significant.last == "0" { significant = significant.dropLast() }
  return (String(significant), exponent - zeros)
}

@Suite("Decimal to binary")
struct DecimalToBinaryTests {
  @Test("agrees with strtof and strtod on random digits and exponents")
  func randomDecimals() {
    var random = SeededGenerator(state: 1)
    for _ in 0..<400_000 {
      let length = Int.random(in: 1...21, using: &random)
      var text = "\(UInt64.random(in: 1...9, using: &random))"
      for _ in 1..<length { text += "\(UInt64.random(in: 0...9, using: &random))" }
      if Bool.random(using: &random) {
        text.insert(
          ".", at: text.index(text.startIndex, offsetBy: Int.random(in: 1...length, using: &random)))
        if text.last == "." { text += "0" }
      }
      let range = Bool.random(using: &random) ? 20 : 345
      if Bool.random(using: &random) { text += "e\(Int.random(in: -range...range, using: &random))" }
      if let wrong = disagreement(text) {
        Issue.record("\(wrong)")
        return
      }
    }
  }

  @Test("agrees with the C library around every power of two and of ten, and half-way to the neighbours")
  func boundaries() {
    var texts: [String] = []
    for power in -1074...1023 {
      // ldexp is exact here.
      let value = scalbn(1.0, Int32(power))
      for neighbour in [value.nextDown, value, value.nextUp] {
        texts.append(exactDecimal(neighbour))
        texts.append(neighbour.description)
      }
    }
    for power in -45...38 {
      guard let value = Float("1e\(power)") else { continue }
      for neighbour in [value.nextDown, value, value.nextUp] {
        texts.append(exactDecimal(Double(neighbour)))
        // The tie above, exactly, and a tail of 1 above and just below it.
        let tie = exactDecimal((Double(neighbour) + Double(neighbour.nextUp)) / 2)
        texts += [tie, tie + "000000000000000000000001", tie + String(repeating: "0", count: 900) + "1"]
      }
    }
    for power in -330...310 {
      for digits in [
        "1", "9.999999999999999999", "4.9406564584124654", "1.7976931348623158", "2.4703282292062327",
      ] {
        texts.append("\(digits)e\(power)")
      }
    }
    for text in texts {
      if let wrong = disagreement(text) { Issue.record("\(wrong)") }
    }
  }

  @Test("rounds exact halves to even, and by a far digit away from them")
  func halves() {
    var random = SeededGenerator(state: 2)
    for round in 0..<20_000 {
      let bits =
        round % 4 == 0 ? random.next() >> 12 : random.next() & 0x7FFF_FFFF_FFFF_FFFF
      let value = Double(bitPattern: bits)
      guard value.isFinite, value.nextUp.isFinite, value.magnitude < 1e300 else { continue }
      // The midpoint has one bit more than a Double: from the sum of the neighbours' exact decimals, halved.
      let tie = halfway(value)
      for text in [tie, tie + "1", tie + String(repeating: "0", count: 40) + "1"] {
        if let wrong = disagreement(text) { Issue.record("\(wrong)") }
      }
      let single = Float(bitPattern: UInt32(truncatingIfNeeded: bits >> 20) & 0x7F7F_FFFF)
      let singleTie = exactDecimal((Double(single) + Double(single.nextUp)) / 2)
      for text in [singleTie, singleTie + "00000000000000000001"] where single.nextUp.isFinite {
        if let wrong = disagreement(text) { Issue.record("\(wrong)") }
      }
    }
  }

  @Test("agrees with strtod at 19 and 20 digits and at hundreds of them")
  func manyDigits() {
    var random = SeededGenerator(state: 3)
    for round in 0..<4_000 {
      let length =
        round % 2 == 0 ? Int.random(in: 18...22, using: &random) : Int.random(in: 700...900, using: &random)
      var text = "\(UInt64.random(in: 1...9, using: &random))."
      for _ in 1..<length { text += "\(UInt64.random(in: 0...9, using: &random))" }
      text += "e\(Int.random(in: -330...300, using: &random))"
      if let wrong = disagreement(text) { Issue.record("\(wrong)") }
    }
    for text in [
      "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
      "9999999999999999999", "99999999999999999999", "10000000000000000000", "100000000000000000000",
      "9007199254740993", "9007199254740992.9999", "9007199254740993.0000000000000000000000001",
      "1" + String(repeating: "0", count: 308),
      "0." + String(repeating: "0", count: 307) + "22250738585072011",
      "2.2250738585072011e-308", "2.2250738585072012e-308", "1.7976931348623157e308", "4.9e-324", "2e-324",
      "16777217", "16777217.0000000000000001", "16777216.9999999999999999", "3.4028235677973366e38",
      "3.4028235677973365e38", "7.006492321624085e-46", "7.006492321624086e-46", "1.1754943508222875e-38",
    ] {
      if let wrong = disagreement(text) { Issue.record("\(wrong)") }
    }
  }

  @Test("takes exponents of any size, and digits that call them back")
  func exponents() throws {
    func value(_ text: String) throws -> Double {
      try decode(text) { (reader) throws(JSONError) in try reader.number(as: Double.self) }
    }
    let zeros = String(repeating: "0", count: 100_000)
    #expect(try value("1\(zeros)e-100000") == 1)
    #expect(try value("0.\(zeros)1e100001") == 1)
    #expect(
      try value("0.\(zeros)15000000000000000000000000000000000001e100001") == 1.5)
    #expect(try value("1e-99999999999999999999999999") == 0)
    #expect(try value("0e99999999999999999999999999") == 0)
    #expect(try value("-0").sign == .minus)
    #expect(try value("-0.0e5").sign == .minus)
    #expect(
      failure { () throws(JSONError) in
        try decode("1e99999999999999999999999999") { (reader) throws(JSONError) in
          try reader.number(as: Double.self)
        }
      }?.message == "the number overflows float64")
    #expect(
      failure { () throws(JSONError) in
        try decode("1e39") { (reader) throws(JSONError) in try reader.number(as: Float.self) }
      }?.message == "the number overflows float32")
  }

  @Test("is the same inside a tensor, where numbers are scanned eight digits at a time")
  func fastScan() throws {
    var random = SeededGenerator(state: 4)
    var texts: [String] = []
    for round in 0..<200_000 {
      let double = Double.random(in: -1...1, using: &random)
      switch round % 8 {
      case 0: texts.append(double.description)
      case 1: texts.append(Float(double).description)
      case 2: texts.append("\(Int.random(in: -70_000...70_000, using: &random))")
      case 3: texts.append((double * 1e6).description)
      case 4: texts.append((double * 1e-6).description)
      case 5: texts.append("\(Int(double * 1e12)).\(UInt64.random(in: 0...UInt64.max, using: &random))")
      case 6: texts.append("\(Int(double * 16)).\(UInt32.random(in: 0...9, using: &random))E+\(round % 30)")
      default:
        texts.append(
          "0.\(String(repeating: "0", count: round % 20))\(UInt64.random(in: 0...UInt64.max, using: &random))"
        )
      }
    }
    let floats = try asTensor(texts, as: Float.self)
    let doubles = try asTensor(texts, as: Double.self)
    for (index, text) in texts.enumerated() {
      let right =
        floats[index].bitPattern == strtof(text, nil).bitPattern
        && doubles[index].bitPattern == strtod(text, nil).bitPattern
      if !right { Issue.record("\(text) \(floats[index]) \(doubles[index])") }
    }
  }
}

@Suite("Binary to decimal")
struct BinaryToDecimalTests {
  @Test("gives the digits of Float.description, and reads back, on random bit patterns")
  func randomFloats() throws {
    var random = SeededGenerator(state: 5)
    try check(
      (0..<2_000_000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) },
      every: 8)
  }

  @Test("gives the digits of Double.description, and reads back, on random bit patterns")
  func randomDoubles() throws {
    var random = SeededGenerator(state: 6)
    try check((0..<2_000_000).map { _ in Double(bitPattern: random.next()) }, every: 8)
  }

  @Test("is right around powers of two and ten, at subnormals, integers and the extremes")
  func specialNumbers() throws {
    var floats: [Float] = [
      .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 16_777_216, 9_007_199,
    ]
    var doubles: [Double] = [
      .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 9_007_199_254_740_992, 9.5e-3,
    ]
    for power in -149...127 { floats.append(Float(scalbn(1.0, Int32(power)))) }
    for power in -1074...1023 { doubles.append(scalbn(1.0, Int32(power))) }
    for power in -45...38 { floats.append(Float("1e\(power)")!) }
    for power in -323...308 { doubles.append(Double("1e\(power)")!) }
    for integer in 0..<4000 {
      floats.append(Float(integer) / 8)
      doubles.append(Double(integer) / 1000)
      floats.append(Float(bitPattern: UInt32(integer)))
      doubles.append(Double(bitPattern: UInt64(integer)))
      doubles.append(Double(integer * integer * integer) * 1000)
    }
    try check(floats.flatMap { [$0.nextDown, $0, $0.nextUp, -$0] }.filter(\.isFinite), every: 1)
    try check(doubles.flatMap { [$0.nextDown, $0, $0.nextUp, -$0] }.filter(\.isFinite), every: 1)
  }

  /// Writes all numbers, compares every so-manieth text with `description`, and reads all of them back.
  private func check<Scalar: TensorScalar>(_ values: [Scalar], every step: Int) throws {
    let finite = values.filter(\.isFinite)
    for (index, value) in finite.enumerated() where index % step == 0 {
      let text = written { $0.number(value) }
      guard value != 0 else { continue }
      let (ours, theirs) = (decimalDigits(text), decimalDigits("\(value)"))
      if ours != theirs || text.hasPrefix("-") != (value < 0) { Issue.record("\(text) for \(value)") }
    }
    var elements = AlignedBuffer<Scalar>(capacity: finite.count)
    for value in finite { elements.append(value) }
    let source = Tensor(shape: Shape(1, finite.count), elements: elements)
    var writer = JSONWriter()
    writer.nested(source)
    let text = writer.finish()
    var reader = JSONReader(text.bytes)
    let back = try reader.tensor(as: Scalar.self, elementLimit: finite.count)
    try reader.finish()
    for index in finite.indices
    where back.elements[index] != finite[index] || back.elements[index].sign != finite[index].sign {
      Issue.record("\(finite[index]) read back as \(back.elements[index])")
    }
  }

  @Test(
    "writes the usual forms",
    arguments: [
      (37.0, "37"), (0.1, "0.1"), (1.5e-7, "1.5e-7"), (1e20, "1e20"), (-0.0, "-0.0"), (0.0, "0"),
      (-1.0, "-1"),
      (1e15, "1000000000000000"), (1e16, "1e16"), (1e-5, "0.00001"), (1e-6, "1e-6"), (123.25, "123.25"),
      (1e100, "1e100"), (-2.5e-300, "-2.5e-300"), (1_234_567_890_123_456.5, "1234567890123456.5"),
      (100, "100"), (255, "255"), (0.30000000000000004, "0.30000000000000004"), (.infinity, "null"),
      (.nan, "null"), (-.infinity, "null"), (.leastNonzeroMagnitude, "5e-324"),
      (1.7976931348623157e308, "1.7976931348623157e308"),
    ])
  func forms(value: Double, text: String) {
    #expect(written { $0.number(value) } == text)
    if value.isFinite, Double(Float(value)) == value { #expect(written { $0.number(Float(value)) } == text) }
  }

  @Test("puts the point into floats at every place")
  func points() {
    for (value, text) in [
      (1.2345678, "1.2345678"), (12.345678, "12.345678"), (123.45678, "123.45678"), (1234.5677, "1234.5677"),
      (12345.678, "12345.678"), (123456.78, "123456.78"), (1234567.9, "1234567.9"),
      (0.012345678, "0.012345678"),
      (0.00012345679, "0.00012345679"), (16777216, "16777216"), (1.2345679e9, "1234568000"),
      (1e10, "10000000000"),
    ] as [(Float, String)] { #expect(written { $0.number(value) } == text) }
  }
}

/// The exact decimal of a positive float64, by schoolbook doubling and halving of digits.
func exactDecimal(_ value: Double) -> String {
  decimal(
    significand: value.isNormal ? value.significandBitPattern | 1 << 52 : value.significandBitPattern,
    power: Int(max(1, value.exponentBitPattern)) - 1075)
}

/// The exact decimal of the middle between a positive float64 and the next.
func halfway(_ value: Double) -> String {
  let significand = value.isNormal ? value.significandBitPattern | 1 << 52 : value.significandBitPattern
  return decimal(significand: 2 * significand + 1, power: Int(max(1, value.exponentBitPattern)) - 1076)
}

private func decimal(significand: UInt64, power: Int) -> String {
  var significand = significand
  var power = power
  while power < 0, significand > 0, significand & 1 == 0 {
    significand >>= 1
    power += 1
  }
  // significand · 2^power, or significand · 5^−power · 10^power; digits in base 10^9, lowest first.
  var limbs: [UInt64] = [
    significand % 1_000_000_000, significand / 1_000_000_000 % 1_000_000_000,
    significand / 1_000_000_000_000_000_000,
  ]
  for _ in 0..<abs(power) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let product = limbs[index] * (power > 0 ? 2 : 5) + carry
      limbs[index] = product % 1_000_000_000
      carry = product / 1_000_000_000
    }
    if carry > 0 { limbs.append(carry) }
  }
  var text = ""
  for limb in limbs.reversed() {
    let part = String(limb)
    text += String(repeating: "0", count: 9 - part.count) + part
  }
  text = String(text.drop { $0 == "0" })
  if power >= 0 { return (text.isEmpty ? "0" : text) + ".0" }
  if text.count <= -power { text = String(repeating: "0", count: 1 - power - text.count) + text }
  text.insert(".", at: text.index(text.endIndex, offsetBy: power))
  return text
}
