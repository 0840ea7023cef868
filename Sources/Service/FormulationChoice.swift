import Convolution
import TensorCoding

/// One way to compute a problem, as a request names it.
struct FormulationChoice {
  private enum Field: String, CaseIterable {
    case formulation, storage, rank, tile
  }

  /// The names of its fields.
  static var fields: [String] { Field.allCases.map(\.rawValue) }

  private(set) var formulation: Formulation
  private(set) var storage: Storage
  private(set) var options: FormulationOptions

  /// A formulation in a storage.
  init(
    _ formulation: Formulation = .direct, _ storage: Storage = .sparse,
    _ options: FormulationOptions = FormulationOptions()
  ) {
    self.formulation = formulation
    self.storage = storage
    self.options = options
  }

  /// A formulation with a tile, stored sparsely.
  init(_ formulation: Formulation, tile: Int?) {
    self.init(formulation)
    options.tile = tile
  }

  /// Reads the value of the field called `key`, or returns false where it is none of a choice.
  mutating func read(_ key: String, _ reader: inout JSONReader) throws(JSONError) -> Bool {
    guard let field = Field(rawValue: key) else { return false }
    switch field {
    case .formulation: formulation = try reader.word()
    case .storage: storage = try reader.word()
    case .rank: options.rank = try reader.integer(in: 1...AxisGeometry.maximumExtent)
    case .tile: options.tile = try reader.integer(in: 1...AxisGeometry.maximumExtent)
    }
    return true
  }

  /// The choice that a query names, by the names that its fields have in a document.
  ///
  /// - Throws: `parameter`, which names the field that is wrong.
  init(_ query: Query) throws(ServiceError) {
    self.init()
    formulation = try query.word(Field.formulation.rawValue) ?? formulation
    storage = try query.word(Field.storage.rawValue) ?? storage
    options.rank = try query.integer(Field.rank.rawValue, in: 1...AxisGeometry.maximumExtent)
    options.tile = try query.integer(Field.tile.rawValue, in: 1...AxisGeometry.maximumExtent)
  }

  /// A choice that stands alone: the name of a formulation, or an object with the fields of a choice.
  init(_ reader: inout JSONReader) throws(JSONError) {
    self.init()
    switch try reader.kind() {
    case .string: formulation = try reader.word()
    case .object:
      var isNamed = false
      try reader.beginObject()
      while let key = try reader.nextKey() {
        guard try read(key, &reader) else { throw reader.unknown(known: Self.fields) }
        if key == Field.formulation.rawValue { isNamed = true }
      }
      if !isNamed {
        throw reader.invalid("the field formulation is missing", below: "/\(Field.formulation.rawValue)")
      }
    default:
      throw reader.invalid(
        "a formulation is expected, its name or an object with \(Self.fields.joined(separator: ", "))")
    }
  }
}
