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
  /// Multiply-adds of setting up that grow faster than the numbers stored: those of decomposing the filters.
  public let setupMultiplyAdds: Int

  init(storedEntries: Int, bytes: Int, heldBytes: Int, multiplyAdds: Int, setupMultiplyAdds: Int = 0) {
    self.storedEntries = storedEntries
    self.bytes = bytes
    self.heldBytes = heldBytes
    self.multiplyAdds = multiplyAdds
    self.setupMultiplyAdds = setupMultiplyAdds
  }

  /// The same with so many bytes more held.
  func holding(_ more: Int) -> OperatorCost {
    OperatorCost(
      storedEntries: storedEntries, bytes: bytes, heldBytes: saturatingSum(heldBytes, more),
      multiplyAdds: multiplyAdds, setupMultiplyAdds: setupMultiplyAdds)
  }
}

/// The same costs in words, for people.
public struct CostFormula: Hashable, Sendable {
  /// How many numbers are stored.
  public let storedEntries: String
  /// How many bytes are held, `n` being the numbers stored and `b` the bytes of one. Where the padding is not zeros, the padded
  /// images of a sparse storage come to it.
  public let bytes: String
  /// How many multiply-adds one application takes.
  public let multiplyAdds: String
}

extension Formulation {
  /// What the operator of this formulation takes for `geometry`, scalars of `scalarByteCount` bytes; multiply-adds are
  /// those of the whole batch.
  ///
  /// A storage that the formulation does not have costs as its sparse one, and a problem that it does not support as the
  /// direct one.
  public func cost(
    of geometry: ConvolutionGeometry, storage: Storage, options: FormulationOptions = FormulationOptions(),
    scalarByteCount: Int
  ) -> OperatorCost {
    // What stands around the image where the padding is not zeros: it is made for sparse storages.
    let padded = geometry.padded
    let around =
      geometry.paddingMode == .zeros ? 0 : ImagePadding.heldBytes(geometry, scalarByteCount: scalarByteCount)
    if self == .separable {
      let cost = OperatorCost(
        separable: geometry.paddingMode == .zeros ? geometry : padded, limit: options.rank,
        scalarByteCount: scalarByteCount)
      return cost.holding(around)
    }
    if self == .winograd, let tile = try? WinogradTile(geometry, tile: options.tile) {
      let cost = OperatorCost(winograd: geometry, tile, scalarByteCount: scalarByteCount)
      return cost.holding(around)
    }
    let channels = geometry.channels
    let planes = saturatingProduct(channels.output, channels.imagePerGroup)
    let products = saturatingProduct(geometry.outputElementCount, channels.imagePerGroup, geometry.taps)
    var entries = geometry.weights
    var multiplyAdds = products
    var places = 0
    switch (self, storage) {
    case (.direct, _), (.separable, _), (.winograd, _):
      let inner = geometry.mapped(by: .sparse)
      places = saturatingSum(
        saturatingProduct(ColumnPieces.count(inner.columns), MemoryLayout<ColumnPieces.Piece>.stride),
        ChannelKernel<Double>.heldBytes(
          inner, isAdjoint: geometry.isTransposed, scalarByteCount: scalarByteCount))
    case (.im2col, _):
      entries = saturatingSum(entries, Im2colOperator<Int>.patchCount(geometry))
      places =
        geometry.isTransposed
        ? 0
        : ChannelKernel<Double>.heldBytes(
          geometry.mapped(by: .sparse), isAdjoint: false, isPatches: true, scalarByteCount: scalarByteCount)
    case (.fft, _):
      let plan = FourierPlan(geometry.mapped(by: .sparse))
      entries = plan.storedEntries
      places = plan.placeBytes(scalarByteCount: scalarByteCount)
      multiplyAdds = plan.multiplyAdds
    case (.toeplitz, .dense):
      entries = saturatingProduct(
        channels.output, geometry.output.elementCount, channels.image, geometry.image.elementCount)
      multiplyAdds = saturatingProduct(channels.batch, entries)
    case (.toeplitz, .sparse):
      // Four integers say where an entry stands, and with them it fills whole words.
      places = saturatingSum(
        saturatingProduct(entries, 5 * MemoryLayout<Int>.stride - scalarByteCount),
        saturatingProduct(planes, MemoryLayout<StencilBlock>.stride))
    case (.banded, .dense):
      entries = saturatingProduct(
        planes, geometry.filter.width, geometry.output.height, geometry.image.height)
      multiplyAdds = saturatingProduct(channels.batch, entries, geometry.output.width)
      places = PaddedColumns.heldBytes(geometry, scalarByteCount: scalarByteCount)
    case (.banded, .sparse): break
    }
    if storage == .sparse || !supports(.dense) { places = saturatingSum(places, around) }
    let bytes = saturatingProduct(entries, scalarByteCount)
    return OperatorCost(
      storedEntries: entries, bytes: bytes, heldBytes: saturatingSum(bytes, places),
      multiplyAdds: multiplyAdds)
  }

  /// The formulas behind `cost`, in the symbols of `formula`.
  public func costFormula(storage: Storage) -> CostFormula {
    switch (self, storage) {
    case (.direct, _):
      CostFormula(
        storedEntries: "K·C/g·kh·kw",
        bytes: "b·n + 16·kw where there are zeros around the image; with channels, packed filters and rows",
        multiplyAdds: "N·K·out_h·out_w · C/g·kh·kw")
    case (.toeplitz, .sparse):
      CostFormula(
        storedEntries: "K·C/g·kh·kw", bytes: "40·n + 32·K·C/g", multiplyAdds: "N·K·out_h·out_w · C/g·kh·kw")
    case (.toeplitz, .dense):
      CostFormula(
        storedEntries: "K·out_h·out_w · C·in_h·in_w", bytes: "b·n",
        multiplyAdds: "N · K·out_h·out_w · C·in_h·in_w")
    case (.banded, .sparse):
      CostFormula(
        storedEntries: "K·C/g·kh·kw", bytes: "b·n", multiplyAdds: "N·K·out_h·out_w · C/g·kh·kw")
    case (.banded, .dense):
      CostFormula(
        storedEntries: "K·C/g·kw · out_h·in_h", bytes: "b·n",
        multiplyAdds: "N · K·C/g·kw · out_h·in_h · out_w")
    case (.im2col, _):
      CostFormula(
        storedEntries: "C/g·kh·kw · out_h·out_w + K·C/g·kh·kw",
        bytes: "b·n, the filters packed and a block of patches",
        multiplyAdds: "N·K·out_h·out_w · C/g·kh·kw")
    case (.separable, _):
      CostFormula(
        storedEntries: "K·C/g·r·(kh + kw), at most r = min(kh, kw)",
        bytes: "b·n, one plane after its first pass, and room to decompose a filter plane",
        multiplyAdds: "N·K·C/g·r · out_w·(in_h·kw + out_h·kh), at most r = min(kh, kw)")
    case (.fft, _):
      CostFormula(
        storedEntries: "K·C/g · 2s, s = (L₁/2 + 1)·L₂ points of a half spectrum (rows rounded up to 4)",
        bytes: "b·n, roots of unity, and the spectra of one block in C/g channels",
        multiplyAdds: "N·g·blocks · s · (2·(log₂ L₁L₂ + 4)·(C/g + K/g) + 4·K/g·C/g)")
    case (.winograd, _):
      CostFormula(
        storedEntries: "K·C/g·(m + r − 1)²",
        bytes: "b·n, the filters as given, and one block of tiles in C/g + K/g channels",
        multiplyAdds: "N·K·C/g · ⌈out_h/m⌉·⌈out_w/m⌉·(m + r − 1)²")
    }
  }
}
