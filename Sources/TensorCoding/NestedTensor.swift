import Buffers
import Convolution

/// What a run of numbers ended with.
private enum RowEnd {
  /// The bracket that closes the row; the place is behind it.
  case closed
  /// There was no room for the number that begins here.
  case full
  /// Something that is no number stands here.
  case stranger
  /// The number that begins here does not fit the scalar.
  case overflow
}

extension JSONReader {
  /// Reads nested arrays of numbers, as many deep as `ranks` allows, in one pass into an aligned buffer.
  ///
  /// The brackets in front of the first number give the rank, the first row the width; then room is reserved
  /// for as many elements as the remaining bytes can hold at the first row's bytes per number.
  ///
  /// - Parameter overflowed: set where the only fault was a number too large for `Scalar`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  mutating func nestedTensor<Scalar: TensorScalar>(
    as type: Scalar.Type, elementLimit: Int, ranks: TensorRanks, overflowed: inout Bool
  ) throws(JSONError) -> Tensor<Scalar> {
    var state = NestedArrays(outermostAt: at)
    try enterFirstRow(&state, ranks)
    var elements = AlignedBuffer<Scalar>()
    while true {
      try readRow(into: &elements, &state, elementLimit, &overflowed)
      if try !leaveRow(&state) { break }
    }
    return Tensor(shape: state.shape, elements: elements)
  }

  /// Goes behind the brackets in front of the first number and learns the rank from them.
  private mutating func enterFirstRow(_ state: inout NestedArrays, _ ranks: TensorRanks) throws(JSONError) {
    while true {
      let found = try kind()
      if found == .number { break }
      guard found == .array else {
        throw invalid(
          "a number or an array is expected, found \(found.phrase)", below: state.path(depth: state.rank))
      }
      guard state.rank < ranks.most else {
        throw invalid(ranks.tooMany, below: state.path(depth: state.rank), limit: ranks.most)
      }
      state.opened[state.rank] = at
      state.rank += 1
      at = scanner.skipWhitespace(from: at + 1)
      if scanner.has(ASCII.rightBracket, at: at) {
        throw invalid(
          "the array is empty", below: state.path(depth: state.rank - 1), at: state.opened[state.rank - 1])
      }
    }
    if state.rank < ranks.least {
      throw invalid("\(ranks.tooFew): an array of rows", at: state.opened[0])
    }
  }

  /// Reads the numbers of one row and the bracket behind them.
  private mutating func readRow<Scalar: TensorScalar>(
    into elements: inout AlignedBuffer<Scalar>, _ state: inout NestedArrays, _ elementLimit: Int,
    _ overflowed: inout Bool
  ) throws(JSONError) {
    let isFirst = state.width == 0
    let rowStart = elements.count
    var end: RowEnd
    repeat {
      let taken = elements.count - rowStart
      let wanted = isFirst ? max(64, taken) : state.width
      let room = min(wanted, elementLimit - elements.count)
      if room <= 0 || (!isFirst && room < wanted) { throw tooManyElements(state, elementLimit) }
      end = .full
      try elements.append(upTo: room) { (target) throws(JSONError) in
        let (count, rowEnd) = try numbers(into: target.baseAddress!, room: room)
        end = rowEnd
        return count
      }
    } while isFirst && end == .full
    let count = elements.count - rowStart

    switch end {
    case .closed where isFirst:
      state.width = count
      let rowBytes = max(1, at - state.opened[state.rank - 1])
      // An element takes two bytes at least: a digit and what separates it.
      let possible = (scanner.count - at) / 2
      let (scaled, overflow) = (scanner.count - at).multipliedReportingOverflow(by: count)
      let likely = overflow ? possible : scaled / rowBytes + scaled / rowBytes / 16 + count
      elements.reserve(max(0, min(likely, possible, elementLimit - elements.count)))
    case .closed where count == state.width:
      break
    case .closed, .full:
      let row = state.opened[state.rank - 1]
      // A row that is full and goes on with something other than a number is counted all the same.
      throw try ragged(state, depth: state.rank - 1, arrayAt: row, expected: state.width)
    case .stranger:
      let found = try kind()
      throw invalid(
        "a number is expected, found \(found.phrase)", below: state.path(depth: state.rank - 1) + "/\(count)")
    case .overflow:
      overflowed = true
      throw invalid(
        "the number overflows \(Scalar.dataType.rawValue)",
        below: state.path(depth: state.rank - 1) + "/\(count)")
    }
  }

  /// Reads numbers and the commas between them until the row or the room ends.
  @inline(__always)
  private mutating func numbers<Scalar: TensorScalar>(
    into target: UnsafeMutablePointer<Scalar>, room: Int
  ) throws(JSONError) -> (count: Int, end: RowEnd) {
    let powers = PowersOfTen.shared
    var short = ShortNumber()
    var count = 0
    var cursor = scanner.base + at
    let end = scanner.base + scanner.count
    while true {
      if count == room {
        at = scanner.skipWhitespace(from: cursor - scanner.base)
        return (count, .full)
      }
      if end - cursor >= shortNumberMargin, scanShortNumber(&cursor, &short, powers) {
        let value = DecimalToBinary.scalar(
          short.significand, short.exponent, isNegative: short.isNegative, as: Scalar.self, powers: powers)
        if short.exponent > 0 && !value.isFinite {
          // Back to the start of the number for the message; the fast scan leaves no trace of it.
          at = startOfNumber(endingAt: cursor - scanner.base)
          return (count, .overflow)
        }
        target[count] = value
      } else {
        at = scanner.skipWhitespace(from: cursor - scanner.base)
        if try scanner.kind(at: at) != .number { return (count, .stranger) }
        let number = try scanner.number(at: at)
        let value = DecimalToBinary.nearest(number, of: scanner, as: Scalar.self, powers: powers)
        if !value.isFinite { return (count, .overflow) }
        target[count] = value
        cursor = scanner.base + number.end
      }
      count += 1

      if cursor < end, cursor.pointee == ASCII.comma {
        cursor += 1
        if cursor < end, cursor.pointee <= ASCII.space {
          cursor = scanner.base + scanner.skipWhitespace(from: cursor - scanner.base)
        }
        continue
      }
      at = scanner.skipWhitespace(from: cursor - scanner.base)
      if scanner.has(ASCII.rightBracket, at: at) {
        at += 1
        return (count, .closed)
      }
      guard scanner.has(ASCII.comma, at: at) else { throw scanner.noSeparator(inObject: false, at: at) }
      cursor = scanner.base + scanner.skipWhitespace(from: at + 1)
    }
  }

  /// The first byte of the number that ends before `offset`.
  private func startOfNumber(endingAt offset: Int) -> Int {
    var start = offset
    while start > 0, ![ASCII.comma, ASCII.leftBracket].contains(scanner.base[start - 1]) { start -= 1 }
    return scanner.skipWhitespace(from: start)
  }

  /// Goes from behind a row to the first number of the next one; false behind the whole tensor.
  private mutating func leaveRow(_ state: inout NestedArrays) throws(JSONError) -> Bool {
    if state.rank == 1 { return false }
    var depth = state.rank - 2
    state.index[depth] += 1
    while true {
      at = scanner.skipWhitespace(from: at)
      if scanner.has(ASCII.rightBracket, at: at) {
        let expected = state.extents[depth]
        if expected == 0 {
          state.extents[depth] = state.index[depth]
        } else if expected != state.index[depth] {
          throw try ragged(state, depth: depth, arrayAt: state.opened[depth], expected: expected)
        }
        at += 1
        if depth == 0 { return false }
        depth -= 1
        state.index[depth] += 1
        continue
      }
      guard scanner.has(ASCII.comma, at: at) else { throw scanner.noSeparator(inObject: false, at: at) }
      if state.extents[depth] != 0, state.index[depth] == state.extents[depth] {
        throw try ragged(
          state, depth: depth, arrayAt: state.opened[depth], expected: state.extents[depth])
      }
      at += 1
      try enterRow(&state, below: depth)
      return true
    }
  }

  /// Goes behind the brackets that lead from an array at `depth` to the first number of its next row.
  private mutating func enterRow(_ state: inout NestedArrays, below depth: Int) throws(JSONError) {
    for inner in depth + 1..<state.rank {
      if inner < state.rank - 1 { state.index[inner] = 0 }
      let found = try kind()
      guard found == .array else {
        throw invalid("an array is expected, found \(found.phrase)", below: state.path(depth: inner))
      }
      state.opened[inner] = at
      at = scanner.skipWhitespace(from: at + 1)
      if scanner.has(ASCII.rightBracket, at: at) {
        throw invalid("the array is empty", below: state.path(depth: inner), at: state.opened[inner])
      }
    }
  }

  /// The error for an array at `depth` that has not as many elements as the first one had.
  private func ragged(
    _ state: NestedArrays, depth: Int, arrayAt start: Int, expected: Int
  ) throws(JSONError) -> JSONError {
    let actual = try scanner.countElements(ofArrayAt: start)
    return invalid(
      "the array has length \(actual), the first one beside it has length \(expected)",
      below: state.path(depth: depth), at: start)
  }

  private func tooManyElements(_ state: NestedArrays, _ limit: Int) -> JSONError {
    invalid("the tensor has more than \(limit) elements", at: state.opened[0], limit: limit)
  }
}

/// How far the reading of nested arrays has come. Depth 0 is the outermost array.
private struct NestedArrays {
  var rank = 0
  /// The numbers in a row; 0 until the first row has ended.
  var width = 0
  /// The offset of the bracket that opened the array at each depth.
  var opened: InlineArray<4, Int>
  /// How many elements of the array at each depth, rows excepted, are complete.
  var index = InlineArray<4, Int>(repeating: 0)
  /// The elements of an array at each depth, rows excepted; 0 until the first one has ended.
  var extents = InlineArray<4, Int>(repeating: 0)

  init(outermostAt offset: Int) { opened = InlineArray<4, Int>(repeating: offset) }

  /// The pointer, below the tensor's, of the array that is being read at `depth`.
  func path(depth: Int) -> String {
    var path = ""
    for outer in 0..<depth { path += "/\(index[outer])" }
    return path
  }

  var shape: Shape {
    var shape = Shape()
    for depth in 0..<rank - 1 { shape.append(extents[depth]) }
    shape.append(width)
    return shape
  }
}
