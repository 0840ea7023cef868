/// The ways to compute one and the same convolution, in the order in which they are listed everywhere.
public enum Formulation: String, CaseIterable, Sendable {
  /// The definition: one sum an output.
  case direct
  /// One matrix times the flattened image.
  case toeplitz
  /// One banded matrix for each column of the filter.
  case banded
  /// The matrix of filters times the matrix of patches.
  case im2col
  /// Rows and columns one after the other, for each term of the filter's singular value decomposition.
  case separable
  /// The product of Fourier transforms.
  case fft
  /// Small tiles with fewer multiplications.
  case winograd

  /// The storages the formulation comes in, the default one first.
  public var storages: [Storage] {
    switch self {
    case .toeplitz, .banded: [.sparse, .dense]
    case .direct, .im2col, .separable, .fft, .winograd: [.sparse]
    }
  }

  /// Whether the formulation comes in `storage`.
  func supports(_ storage: Storage) -> Bool { storages.contains(storage) }

  /// Whether its results are sums of the definition's products, in some order: then they obey the bound of a dot
  /// product, and integers come out exact.
  public var isDotProduct: Bool {
    switch self {
    case .direct, .toeplitz, .banded, .im2col: true
    case .separable, .fft, .winograd: false
    }
  }

  /// Whether it has gradients.
  public var hasGradients: Bool {
    switch self {
    case .direct, .toeplitz, .banded: true
    case .im2col, .separable, .fft, .winograd: false
    }
  }

  /// What it can't compute, in words; nothing where it takes every problem.
  public var unsupported: [String] {
    switch self {
    case .direct, .toeplitz, .banded, .im2col, .separable, .fft: []
    case .winograd: ["stride other than 1", "dilation other than 1", "filters other than 3×3 and 5×5"]
    }
  }

  /// What it does, in one line.
  public var summary: String {
    switch self {
    case .direct: "The definition: each output is the sum over channels and taps, in row-major order."
    case .toeplitz:
      "One matrix with a row for each output and a column for each pixel, times the flattened image."
    case .banded: "One banded matrix for each column of the filter, times the image shifted by that column."
    case .im2col: "The filters as one matrix, times the matrix whose columns are the patches of the image."
    case .separable:
      "Each filter plane as a sum of columns times rows (its singular value decomposition), one pass for each."
    case .fft: "Fourier transforms of blocks of the image, times those of the filter, overlapped and added."
    case .winograd: "Tiles of outputs from fewer multiplications, between three linear transforms."
    }
  }

  /// What it computes, as a formula.
  public var formula: String {
    switch self {
    case .direct: "y[k,a,b] = Σ_c Σ_u Σ_v w[k,c,u,v] · x[c, a·s_h + u·d_h − top, b·s_w + v·d_w − left]"
    case .toeplitz:
      "vec(Y) = A · vec(X), A[k,c] = Σ_u Σ_v w[k,c,u,v] · (S_u ⊗ S_v), S_u[a,i] = [i = a·s + u·d − p]"
    case .banded: "Y_k = Σ_c Σ_v B_kcv · X_c · S_vᵀ, B_kcv = Σ_u w[k,c,u,v] · S_u"
    case .im2col:
      "Y = W · P, W[k, cuv] = w[k,c,u,v], P[cuv, ab] = x[c, a·s_h + u·d_h − top, b·s_w + v·d_w − left]"
    case .separable: "Y_k = Σ_c Σ_r L_kcr · X_c · R_kcrᵀ, w[k,c,u,v] = Σ_r p_kcr[u] · q_kcr[v]"
    case .fft: "Y_k = F⁻¹(Σ_c F(X_c) · conj F(W_kc))"
    case .winograd: "Y_k = Aᵀ [Σ_c (G w_kc Gᵀ) ⊙ (Bᵀ d_c B)] A for each tile d of the image"
    }
  }

  /// The bound on the error of one output, as a formula; `S = Σ|w·x|`, `u` the unit roundoff.
  public var boundFormula: String {
    switch self {
    case .direct, .toeplitz, .banded, .im2col:
      "γ_n · S, γ_n = n·u / (1 − n·u), n = kh·kw·C/g (+ 1 with a bias)"
    case .separable:
      "γ_m · Σ_c Σ_r Σ_uv |p_r[u]|·|q_r[v]|·|x| + Σ|w − Σ_r p_r·q_r|·|x|, m = kh + kw + r·C/g"
    case .fft:
      """
      Σ_c ‖x_c‖₂ · ‖w_kc‖₂ · [(1+ε)²(1+√5u)(1+u)^(C/g−1)(1+ε_i) − 1] for each block of 2^m points, \
      ε = (1+u)^(m+1)·((1+√5u)(1+β))^t − 1, t < m/2 + 2, and ε_i of the inverse likewise
      """
    case .winograd: "γ_k · |Aᵀ| [Σ_c (|G||w||Gᵀ|) ⊙ (|Bᵀ||d||B|)] |A|, k = 2(n_G + ρ) + 2n_B + 2n_A + C/g"
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

/// What single formulations can be told.
public struct FormulationOptions: Hashable, Sendable {
  /// For `separable`: at most so many terms a filter plane; nil is as many as its rank.
  public var rank: Int?
  /// For `winograd`: the outputs of a tile along each axis; nil is the formulation's choice.
  public var tile: Int?

  /// Options; without any, a formulation computes the convolution as it does best.
  public init(rank: Int? = nil, tile: Int? = nil) {
    self.rank = rank
    self.tile = tile
  }
}
