/// The ways to compute one and the same convolution, in the order in which they are listed everywhere.
public enum Formulation: String, CaseIterable, Sendable {
  /// The definition: one sum an output.
  case direct
  /// One matrix times the flattened image.
  case toeplitz
  /// One banded matrix for each column of the filter.
  case banded

  /// The storages the formulation comes in, the default one first.
  public var storages: [Storage] {
    switch self {
    case .direct: [.sparse]
    case .toeplitz, .banded: [.sparse, .dense]
    }
  }

  /// Whether the formulation comes in `storage`.
  func supports(_ storage: Storage) -> Bool { self != .direct || storage == .sparse }

  /// What it does, in one line.
  public var summary: String {
    switch self {
    case .direct: "The definition: each output is the sum over the filter's taps, in row-major order."
    case .toeplitz:
      "One matrix with a row for each output and a column for each pixel, times the flattened image."
    case .banded: "One banded matrix for each column of the filter, times the image shifted by that column."
    }
  }

  /// What it computes, as a formula.
  public var formula: String {
    switch self {
    case .direct: "y[a,b] = Σ_u Σ_v w[u,v] · x[a·s_h + u·d_h − top, b·s_w + v·d_w − left]"
    case .toeplitz: "vec(Y) = A · vec(X), A = Σ_u Σ_v w[u,v] · (S_u ⊗ S_v), S_u[a,i] = [i = a·s + u·d − p]"
    case .banded: "Y = Σ_v B_v · X · S_vᵀ, B_v = Σ_u w[u,v] · S_u"
    }
  }
}

/// Whether an operator holds its zeros.
public enum Storage: String, CaseIterable, Sendable {
  /// Every entry of the matrices is stored and multiplied, zeros too.
  case dense
  /// No entry that is zero by construction and no repetition of a tied weight is stored or multiplied.
  case sparse
}
