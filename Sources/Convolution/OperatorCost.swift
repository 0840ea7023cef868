/// What an operator takes, known from the geometry alone. Numbers too large for an `Int` stand at `Int.max`.
public struct OperatorCost: Hashable, Sendable {
  /// Numbers stored: matrix entries, or taps where only those are held.
  public let storedEntries: Int
  /// Their bytes.
  public let bytes: Int
  /// The bytes of those numbers and of the places kept beside them: what a memory limit has to cover.
  public let heldBytes: Int
  /// Multiplications, each with its addition, in one application. For sparse storage the count without
  /// padding: taps that fall on padding are skipped and make it less.
  public let multiplyAdds: Int
}

/// The same costs in words, for people.
public struct CostFormula: Hashable, Sendable {
  /// How many numbers are stored.
  public let storedEntries: String
  /// How many multiply-adds one application takes.
  public let multiplyAdds: String
}

extension Formulation {
  /// What the operator of this formulation takes for `geometry`, scalars of `scalarByteCount` bytes.
  ///
  /// A storage that the formulation does not have costs as its sparse one.
  public func cost(
    of geometry: ConvolutionGeometry, storage: Storage, scalarByteCount: Int
  ) -> OperatorCost {
    let outputs = geometry.output
    let image = geometry.image
    let entries: Int
    let multiplyAdds: Int
    var places = 0
    switch (self, storage) {
    case (.direct, _), (_, .sparse):
      switch self {
      case .direct:
        places = saturatingProduct(
          ColumnPieces.count(geometry.columns), MemoryLayout<ColumnPieces.Piece>.stride)
      case .toeplitz:
        // Four integers say where an entry stands, and with them it fills whole words.
        places = saturatingProduct(geometry.taps, 5 * MemoryLayout<Int>.stride - scalarByteCount)
      case .banded: break
      }
      entries = geometry.taps
      multiplyAdds = saturatingProduct(outputs.elementCount, geometry.taps)
    case (.toeplitz, .dense):
      entries = saturatingProduct(outputs.elementCount, image.elementCount)
      multiplyAdds = entries
    case (.banded, .dense):
      entries = saturatingProduct(saturatingProduct(geometry.filter.width, outputs.height), image.height)
      multiplyAdds = saturatingProduct(entries, outputs.width)
    }
    let bytes = saturatingProduct(entries, scalarByteCount)
    let (heldBytes, overflow) = bytes.addingReportingOverflow(places)
    return OperatorCost(
      storedEntries: entries, bytes: bytes, heldBytes: overflow ? .max : heldBytes, multiplyAdds: multiplyAdds
    )
  }

  /// The formulas behind `cost`, in the symbols of `formula`.
  public func costFormula(storage: Storage) -> CostFormula {
    switch (self, storage) {
    case (.direct, _), (_, .sparse):
      CostFormula(storedEntries: "kh·kw", multiplyAdds: "out_h·out_w·kh·kw")
    case (.toeplitz, .dense):
      CostFormula(storedEntries: "out_h·out_w·in_h·in_w", multiplyAdds: "out_h·out_w·in_h·in_w")
    case (.banded, .dense):
      CostFormula(storedEntries: "kw·out_h·in_h", multiplyAdds: "kw·out_h·in_h·out_w")
    }
  }
}
