public import Convolution

/// Where a tensor stands in a document and in which form, so that it can be decoded, and decoded again.
///
/// Valid while the document's bytes are.
public struct TensorSource {
  /// The forms a tensor can have in JSON.
  public enum Form: Equatable, Sendable {
    /// Arrays of numbers in arrays, without a dtype of their own.
    case nested
    /// `{"shape": …, "dtype": …, "data": …}` with the dtype named.
    case object(DataType)
  }

  /// The bytes of the value.
  public let range: Range<Int>
  /// The form of the value.
  public let form: Form
  /// The pointer of the tensor, for an error that blames it.
  public var pointer: String { place.pointer }
  private let place: JSONReader.Place
  private let scanner: JSONScanner
  private let elementLimit: Int
  private let ranks: TensorRanks

  init(
    range: Range<Int>, form: Form, place: JSONReader.Place, scanner: JSONScanner, elementLimit: Int,
    ranks: TensorRanks
  ) {
    self.range = range
    self.form = form
    self.place = place
    self.scanner = scanner
    self.elementLimit = elementLimit
    self.ranks = ranks
  }

  /// Decodes the tensor from its bytes.
  ///
  /// - Throws: what `JSONReader.tensor(as:elementLimit:)` throws.
  public func decode<Scalar: TensorScalar>(
    as type: Scalar.Type = Scalar.self
  ) throws(JSONError) -> Tensor<Scalar> {
    var reader = JSONReader(scanner, at: range.lowerBound, root: place)
    return try reader.tensor(as: type, elementLimit: elementLimit, ranks: ranks)
  }
}

/// How many dimensions a tensor may have.
public enum TensorRanks: Sendable {
  /// Two to four: an image or a filter.
  case planes
  /// One, a number for each channel; or a plain number, read as a row of one.
  case row

  var least: Int { self == .planes ? 2 : 1 }
  var most: Int { self == .planes ? Shape.maximumRank : 1 }

  var tooFew: String {
    self == .planes
      ? "a tensor has at least two dimensions" : "one dimension is expected: a number for each channel"
  }
  var tooMany: String {
    self == .planes
      ? "a tensor has at most four dimensions" : "one dimension is expected: a number for each channel"
  }
}

/// A tensor that was read before it was known whether the problem is one in float32 or in float64.
///
/// It was decoded as float32, the default, in passing. Only where that turns out to be wrong, or was not
/// possible, is the text read a second time.
public struct PendingTensor: ~Copyable {
  /// Where the tensor stands, and its form.
  public let source: TensorSource
  private var early: Tensor<Float>?

  init(source: TensorSource, early: consuming Tensor<Float>?) {
    self.source = source
    self.early = early
  }

  /// The tensor in the type of the problem.
  ///
  /// - Throws: `invalid` where a number overflows `Scalar` or the tensor's own dtype is wider than `Scalar`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public consuming func tensor<Scalar: TensorScalar>(
    as type: Scalar.Type = Scalar.self
  ) throws(JSONError) -> Tensor<Scalar> {
    if Scalar.self == Float.self {
      // The types are one and the same here, which the compiler cannot know.
      let early = withUnsafeMutablePointer(to: &self.early) { place in
        UnsafeMutableRawPointer(place).assumingMemoryBound(to: Tensor<Scalar>?.self).pointee.take()
      }
      if let early { return early }
    }
    return try source.decode(as: type)
  }
}

extension JSONReader {
  /// Reads a tensor: nested arrays of numbers, or an object with `shape`, `dtype` and `data`; a row may be a plain
  /// number as well.
  ///
  /// `data` is base64 of little-endian numbers in row-major order, and the only way to say infinity and NaN.
  /// Narrower data widen exactly into `Scalar`; float64 data are refused for a `Float` one.
  ///
  /// - Throws: `invalid` for ragged or empty arrays, another rank, anything but numbers inside, numbers that
  ///   overflow `Scalar`, more than `elementLimit` elements, unknown or missing fields, a wrong byte count.
  public mutating func tensor<Scalar: TensorScalar>(
    as type: Scalar.Type = Scalar.self, elementLimit: Int, ranks: TensorRanks = .planes
  ) throws(JSONError) -> Tensor<Scalar> {
    let found = try tensorKind(ranks)
    if found == .object {
      return try decode(tensorObject(elementLimit: elementLimit, ranks: ranks), as: type)
    }
    if found == .number { return Tensor(shape: Shape(1), repeating: try number(as: type)) }
    var overflowed = false
    return try nestedTensor(as: type, elementLimit: elementLimit, ranks: ranks, overflowed: &overflowed)
  }

  /// Reads a tensor whose type is not known yet: as float32 in passing, remembering its place.
  ///
  /// That the numbers do not fit float32 is no error before `PendingTensor.tensor(as:)` asks for it.
  ///
  /// - Throws: `invalid` as `tensor(as:elementLimit:)` for everything that is wrong in either type.
  public mutating func pendingTensor(
    elementLimit: Int, ranks: TensorRanks = .planes
  ) throws(JSONError) -> PendingTensor {
    let found = try tensorKind(ranks)
    let start = at
    if found == .object {
      let object = try tensorObject(elementLimit: elementLimit, ranks: ranks)
      let source = source(from: start, .object(object.dataType), elementLimit, ranks)
      if object.dataType == .float64 { return PendingTensor(source: source, early: nil) }
      return PendingTensor(source: source, early: try decode(object, as: Float.self))
    }
    var early: Tensor<Float>?
    if found == .number {
      let number = try scanner.number(at: at)
      let value = DecimalToBinary.nearest(number, of: scanner, as: Float.self, powers: .shared)
      if value.isFinite { early = Tensor(shape: Shape(1), repeating: value) }
      at = number.end
    } else {
      var overflowed = false
      do throws(JSONError) {
        early = try nestedTensor(
          as: Float.self, elementLimit: elementLimit, ranks: ranks, overflowed: &overflowed)
      } catch {
        guard overflowed else { throw error }
        at = start
        try skipValue()
      }
    }
    return PendingTensor(source: source(from: start, .nested, elementLimit, ranks), early: early.take())
  }

  /// What has been read from `start` up to here.
  private func source(
    from start: Int, _ form: TensorSource.Form, _ elementLimit: Int, _ ranks: TensorRanks
  ) -> TensorSource {
    TensorSource(
      range: start..<at, form: form, place: place, scanner: scanner, elementLimit: elementLimit, ranks: ranks)
  }

  /// The kind of the value, which must be one that a tensor can have.
  private mutating func tensorKind(_ ranks: TensorRanks) throws(JSONError) -> JSONKind {
    let found = try kind()
    guard found == .array || found == .object || (found == .number && ranks == .row) else {
      let expected =
        ranks == .row
        ? "a number, an array of numbers or an object is expected"
        : "a tensor is expected, nested arrays or an object"
      throw invalid("\(expected), found \(found.phrase)")
    }
    return found
  }
}
