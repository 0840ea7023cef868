import Buffers
import Convolution
import TensorCoding

/// The parameters of a query, in order: `image=64x64&filter=3x3`.
struct Query {
  private let parameters: [(name: Substring, value: Substring)]

  /// Splits a raw query; nil is an empty one.
  init(_ text: String?) {
    parameters = (text ?? "").split(separator: "&").map { parameter in
      guard let separator = parameter.firstIndex(of: "=") else { return (parameter, "") }
      return (parameter[..<separator], parameter[parameter.index(after: separator)...])
    }
  }

  /// Whether there is no parameter.
  var isEmpty: Bool { parameters.isEmpty }

  /// The value of `name`, or nil where it is absent.
  subscript(name: String) -> Substring? {
    parameters.first { $0.name == name }?.value
  }

  /// Refuses what is not in `known` and what comes twice.
  func check(known: [String]) throws(ServiceError) {
    for (index, parameter) in parameters.enumerated() {
      let name = String(parameter.name)
      guard known.contains(name) else {
        throw .parameter(name, "is unknown; known are \(known.joined(separator: ", ")).")
      }
      guard !parameters[..<index].contains(where: { $0.name == parameter.name }) else {
        throw .parameter(name, "stands there twice.")
      }
    }
  }

  /// Refuses any parameter beside a JSON body, so that none is thought to count.
  func checkBesideJSON() throws(ServiceError) {
    guard let parameter = parameters.first else { return }
    throw .parameter(
      String(parameter.name),
      "counts with a body of application/x-npy only; a JSON body has all fields itself.")
  }

  /// Two extents joined by `x`, as in `256x256`; nil where the parameter is absent.
  func extents(_ name: String) throws(ServiceError) -> Extent? {
    guard let text = self[name] else { return nil }
    guard let extent = Extent(text) else {
      throw .parameter(name, "must be height x width in whole numbers, such as 256x256.")
    }
    return extent
  }

  /// A whole number within `range`; nil where the parameter is absent.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(ServiceError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let value = wholeNumber(text), range.contains(value) else {
      throw .parameter(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound).")
    }
    return value
  }

  /// A number as JSON writes it; nil where the parameter is absent.
  func number(_ name: String) throws(ServiceError) -> Double? {
    guard let value = self[name] else { return nil }
    var text = String(value)
    let number = text.withUTF8 { bytes in
      try? decodeDocument(UnsafeRawBufferPointer(bytes)) { (reader) throws(JSONError) -> Double in
        try reader.number()
      }
    }
    guard let number else { throw .parameter(name, "must be a number, such as 1e-6.") }
    return number
  }

  /// One of the words of `Word`, or of those `among` them; nil where the parameter is absent.
  func word<Word: RawRepresentable<String> & CaseIterable & Equatable>(
    _ name: String, among words: [Word] = Array(Word.allCases)
  ) throws(ServiceError) -> Word? {
    guard let text = self[name] else { return nil }
    guard let word = Word(rawValue: String(text)), words.contains(word) else {
      throw .parameter(name, "must be one of \(words.map(\.rawValue).joined(separator: ", ")).")
    }
    return word
  }

  /// `true` or `false`; nil where the parameter is absent.
  func boolean(_ name: String) throws(ServiceError) -> Bool? {
    switch self[name] {
    case nil: return nil
    case "true": return true
    case "false": return false
    default: throw .parameter(name, "must be true or false.")
    }
  }

  /// The extents of a tensor joined by `x`, as many as one of `ranks`; nil where the parameter is absent.
  func shape(_ name: String, ranks: [Int]) throws(ServiceError) -> Shape? {
    guard let text = self[name] else { return nil }
    guard let numbers = wholeNumbers(text, in: 1...AxisGeometry.maximumExtent), ranks.contains(numbers.count)
    else {
      let counts = ranks.map(String.init).joined(separator: ", ")
      throw .parameter(
        name, "must be whole numbers from 1 joined by x, such as 1x3x224x224; there can be \(counts) of them."
      )
    }
    var shape = Shape()
    for number in numbers { shape.append(number) }
    return shape
  }

  /// One number for both axes, or two joined by `x`; nil where the parameter is absent.
  func pair(_ name: String, in range: ClosedRange<Int>) throws(ServiceError) -> Extent? {
    guard let text = self[name] else { return nil }
    guard let numbers = wholeNumbers(text, in: range), numbers.count <= 2 else {
      throw .parameter(
        name, "must be one whole number from \(range.lowerBound), or two joined by x, such as 2x1.")
    }
    return Extent(numbers[0], numbers[numbers.count - 1])
  }

  /// One number for all sides, two or four joined by `x`, or a word; nil where the parameter is absent.
  func padding(_ name: String) throws(ServiceError) -> PaddingRule? {
    guard let text = self[name] else { return nil }
    if let rule = PaddingRule(word: String(text)) { return rule }
    if let numbers = wholeNumbers(text, in: 0...AxisGeometry.maximumExtent) {
      if numbers.count == 1 { return .sides(Padding(vertical: numbers[0], horizontal: numbers[0])) }
      if let padding = Padding(numbers) { return .sides(padding) }
    }
    throw .parameter(
      name, "must be one whole number, two or four joined by x, such as 1x2x3x4, or \(PaddingRule.words).")
  }

  /// What `read` reads of a JSON document, which is the parameter's value with its percent-encoding (RFC 3986 section 2.1)
  /// undone; nil where the parameter is absent. A plus sign is a space, as HTML forms and the libraries of most languages
  /// write one (URL Standard, section 5.1).
  ///
  /// - Throws: `parameter`, with what is wrong and where in the document.
  func document<Result: ~Copyable>(
    _ name: String, _ read: (inout JSONReader) throws(JSONError) -> Result
  ) throws(ServiceError) -> Result? {
    guard let text = self[name] else { return nil }
    guard let bytes = percentDecoded(text) else {
      throw .parameter(name, "has a % without two hexadecimal digits behind it.")
    }
    do throws(JSONError) {
      return try decodeDocument(bytes.bytes, read)
    } catch {
      switch error {
      case .malformed(let message, let offset, _, _):
        throw .parameter(name, "is no JSON: \(message) (byte \(offset)).")
      case .invalid(let message, let pointer, _, _, _):
        throw .parameter(
          name, "cannot be used. At \(pointer.isEmpty ? "the document" : pointer): \(message).")
      }
    }
  }

  private func percentDecoded(_ text: Substring) -> ByteBuffer? {
    var bytes = ByteBuffer(capacity: text.utf8.count)
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// Whole numbers within `range` joined by `x`; nil where the text is anything else.
  private func wholeNumbers(_ text: Substring, in range: ClosedRange<Int>) -> [Int]? {
    var numbers: [Int] = []
    for part in text.split(separator: "x", omittingEmptySubsequences: false) {
      guard numbers.count < Shape.maximumRank, let number = wholeNumber(part), range.contains(number) else {
        return nil
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Digits only: `Int` alone would take a sign as well.
  private func wholeNumber(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(text) : nil
  }
}
