import Convolution
import TensorCoding

extension JSONReader {
  /// A string that is one of the words of `Word`.
  mutating func word<Word: RawRepresentable<String> & CaseIterable>() throws(JSONError) -> Word {
    let text = try string()
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw invalid("the value must be one of \(words)")
    }
    return word
  }

  /// One integer from `least` on for both axes, or two.
  mutating func extent(from least: Int = 1) throws(JSONError) -> Extent {
    let range = least...AxisGeometry.maximumExtent
    let expected = "one integer or [vertical, horizontal] is expected"
    switch try kind() {
    case .number:
      let both = try integer(in: range)
      return Extent(both, both)
    case .array:
      let values = try integers(in: range, limit: 2)
      guard values.count == 2 else { throw invalid(expected) }
      return Extent(values[0], values[1])
    default: throw invalid(expected)
    }
  }

  /// Height and width of a plane.
  mutating func heightAndWidth() throws(JSONError) -> Extent {
    let expected = "[height, width] is expected"
    guard try kind() == .array else { throw invalid(expected) }
    let values = try integers(in: 1...AxisGeometry.maximumExtent, limit: 2)
    guard values.count == 2 else { throw invalid(expected) }
    return Extent(values[0], values[1])
  }

  /// One integer from 0 on for all sides, two, four, or a word.
  mutating func padding() throws(JSONError) -> PaddingRule {
    let range = 0...AxisGeometry.maximumExtent
    let expected = """
      one integer, [vertical, horizontal], [top, left, bottom, right], \(PaddingRule.words) is expected
      """
    switch try kind() {
    case .number:
      let all = try integer(in: range)
      return .sides(Padding(vertical: all, horizontal: all))
    case .string:
      guard let rule = PaddingRule(word: try string()) else { throw invalid(expected) }
      return rule
    case .array:
      guard let padding = Padding(try integers(in: range, limit: 4)) else { throw invalid(expected) }
      return .sides(padding)
    default: throw invalid(expected)
    }
  }

  /// The extents of a tensor, as many as `ranks` allow, of at most `elementLimit` elements together.
  mutating func shape(ranks: ClosedRange<Int>, elementLimit: Int) throws(JSONError) -> Shape {
    _ = try kind()
    let start = offset
    let extents = try integers(in: 1...AxisGeometry.maximumExtent, limit: ranks.upperBound)
    guard ranks.contains(extents.count) else {
      throw invalid("a shape of \(ranks.lowerBound) to \(ranks.upperBound) extents is expected", at: start)
    }
    var shape = Shape()
    for extent in extents { shape.append(extent) }
    guard let count = shape.elementCount, count <= elementLimit else {
      throw invalid(
        "the shape has more than \(elementLimit) elements", at: start, limit: elementLimit,
        actual: shape.elementCount)
    }
    return shape
  }

  /// The type in which a request wants to be computed: one of those that numbers are computed in.
  mutating func computedType() throws(JSONError) -> DataType {
    let type: DataType = try word()
    if type != type.computedIn { throw invalid("the value must be \"float32\" or \"float64\"") }
    return type
  }

  /// The error for a required field that the object, already left, did not have.
  func missing(_ field: String) -> JSONError {
    invalid("the field \(field) is missing", below: "/\(field)", at: 0)
  }

  /// The error for a field, just read, that is none of the `known` ones.
  func unknown(known: [String]) -> JSONError {
    invalid("the field is unknown; known are \(known.joined(separator: ", "))")
  }
}

extension PaddingRule {
  /// The words that name a rule, for messages.
  static var words: String { #""valid", "same", "same_upper" or "same_lower""# }

  /// The rule that a word names, in bodies and in queries.
  init?(word: String) {
    switch word {
    case "valid": self = .valid
    case "same": self = .same
    case "same_upper": self = .sameUpper
    case "same_lower": self = .sameLower
    default: return nil
    }
  }
}

extension Padding {
  /// Two numbers, vertical and horizontal, or four: top, left, bottom, right. Nil for another number of them.
  init?(_ numbers: [Int]) {
    switch numbers.count {
    case 2: self.init(vertical: numbers[0], horizontal: numbers[1])
    case 4: self.init(top: numbers[0], left: numbers[1], bottom: numbers[2], right: numbers[3])
    default: return nil
    }
  }
}
