import Convolution
import TensorCoding

/// The body of POST /prove: the shapes of a problem, and what is to be proven how thoroughly.
struct ProveRequest {
  private enum Field: String, CaseIterable {
    case image, filter, formulation, storage, tile, dtype, seed, trials
  }

  private(set) var image = Shape()
  private(set) var filter = Shape()
  private(set) var options = ConvolutionOptions()
  /// The formulation asked for; nil asks for all that can compute the problem.
  private(set) var formulation: Formulation?
  /// The storage asked for; nil asks for all that a formulation has.
  private(set) var storage: Storage?
  private(set) var tile: Int?
  private(set) var dataType = DataType.float32
  private(set) var seed = 1
  private(set) var trials = 2

  /// Reads the whole document behind `reader`.
  ///
  /// - Throws: `JSONError`, whose pointer names the field that is unknown, missing, doubled or wrong.
  init(_ reader: inout JSONReader, elementLimit: Int) throws(JSONError) {
    var missing: Set<Field> = [.image, .filter]
    try reader.beginObject()
    while let key = try reader.nextKey() {
      if try options.read(key, &reader) { continue }
      let field = Field(rawValue: key)
      switch field {
      case .image: image = try reader.shape(ranks: 2...4, elementLimit: elementLimit)
      case .filter: filter = try reader.shape(ranks: 2...4, elementLimit: elementLimit)
      case .formulation: formulation = try reader.word()
      case .storage: storage = try reader.word()
      case .tile: tile = try reader.integer(in: 1...AxisGeometry.maximumExtent)
      case .dtype: dataType = try reader.computedType()
      case .seed: seed = try reader.integer(in: 0 ... .max)
      case .trials: trials = try reader.integer(in: 1...ServiceLimits.trials)
      case nil: throw reader.unknown(known: Field.allCases.map(\.rawValue) + ConvolutionOptions.fields)
      }
      if let field { missing.remove(field) }
    }
    for field in [Field.image, .filter] where missing.contains(field) {
      throw reader.missing(field.rawValue)
    }
  }

  /// Every formulation in every storage that is asked for, whether or not it can compute the problem.
  var choices: [FormulationChoice] {
    (formulation.map { [$0] } ?? Formulation.allCases).flatMap { formulation in
      let storages = formulation.storages.filter { storage == nil || $0 == storage }
      // A formulation asked for by name in a storage that it does not have is for `check` to refuse.
      let named = storages.isEmpty && self.formulation != nil ? storage.map { [$0] } ?? [] : storages
      return named.map { storage in
        let isForIt = self.formulation != nil || formulation == .winograd
        return FormulationChoice(
          formulation, storage, FormulationOptions(tile: isForIt ? tile : nil))
      }
    }
  }
}
