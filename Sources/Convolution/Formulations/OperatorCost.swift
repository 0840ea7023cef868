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
  /// What the operator of this formulation takes for `geometry`, scalars of `scalarByteCount` bytes; multiply-adds are
  /// those of the whole batch.
  ///
  /// A storage that the formulation does not have costs as its sparse one.
  public func cost(
    of geometry: ConvolutionGeometry, storage: Storage, options: FormulationOptions = FormulationOptions(),
    scalarByteCount: Int
  ) -> OperatorCost {
    let channels = geometry.channels
    let planes = saturatingProduct(channels.output, channels.imagePerGroup)
    let products = saturatingProduct(geometry.outputElementCount, channels.imagePerGroup, geometry.taps)
    var entries = geometry.weights
    var multiplyAdds = products
    var places = 0
    switch (self, storage) {
    case (.direct, _), (.separable, _), (.winograd, _), (.im2col, _):
      places = saturatingProduct(
        ColumnPieces.count(geometry.columns), MemoryLayout<ColumnPieces.Piece>.stride)
    case (.fft, _):
      let plan = FourierPlan(geometry.paddingMode == .zeros ? geometry : geometry.padded)
      entries = plan.storedEntries
      places = plan.placeBytes(scalarByteCount: scalarByteCount)
      multiplyAdds = plan.multiplyAdds
    case (.toeplitz, .dense):
      entries = saturatingProduct(
        channels.output, geometry.output.elementCount, channels.image, geometry.image.elementCount)
      multiplyAdds = saturatingProduct(channels.batch, entries)
    case (.toeplitz, .sparse):
      // Four integers say where an entry stands, and with them it fills whole words.
      places = saturatingProduct(entries, 5 * MemoryLayout<Int>.stride - scalarByteCount)
    case (.banded, .dense):
      entries = saturatingProduct(
        planes, geometry.filter.width, geometry.output.height, geometry.image.height)
      multiplyAdds = saturatingProduct(channels.batch, entries, geometry.output.width)
    case (.banded, .sparse): break
    }
    if geometry.paddingMode != .zeros {
      let padded = geometry.padded
      // The padded images, and where each of their rows and columns comes from.
      let sources = saturatingSum(padded.image.height, padded.image.width)
      places = saturatingSum(places, saturatingProduct(padded.imageElementCount, scalarByteCount))
      places = saturatingSum(places, saturatingProduct(sources, MemoryLayout<Int>.stride))
    }
    let bytes = saturatingProduct(entries, scalarByteCount)
    return OperatorCost(
      storedEntries: entries, bytes: bytes, heldBytes: saturatingSum(bytes, places),
      multiplyAdds: multiplyAdds)
  }

  /// The formulas behind `cost`, in the symbols of `formula`.
  public func costFormula(storage: Storage) -> CostFormula {
    switch (self, storage) {
    case (.toeplitz, .dense):
      CostFormula(
        storedEntries: "K·out_h·out_w · C·in_h·in_w", multiplyAdds: "N · K·out_h·out_w · C·in_h·in_w")
    case (.banded, .dense):
      CostFormula(
        storedEntries: "K·C/g·kw · out_h·in_h", multiplyAdds: "N · K·C/g·kw · out_h·in_h · out_w")
    case (.fft, _):
      CostFormula(
        storedEntries: "K·C/g · 2s, s = (L₁/2 + 1)·L₂ points of a half spectrum (rows rounded up to 4)",
        multiplyAdds: "N·g·blocks · s · (2·(log₂ L₁L₂ + 4)·(C/g + K/g) + 4·K/g·C/g)")
    default: CostFormula(storedEntries: "K·C/g·kh·kw", multiplyAdds: "N·K·out_h·out_w · C/g·kh·kw")
    }
  }
}
