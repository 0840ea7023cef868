private import CKernels

/// The instruction sets that the inner loops are compiled for. All compute the same sums in the same order; those that fuse a
/// multiplication with its addition round once where the others round twice, so that results may differ within their bound.
public enum KernelVariant: String, CaseIterable, Sendable {
  /// 16-byte vectors, no fused multiply-add: every x86-64 processor.
  case sse2
  /// 32-byte vectors and FMA.
  case avx2
  /// 64-byte vectors and FMA.
  case avx512
  /// 16-byte vectors and FMA: every 64-bit ARM processor.
  case neon

  private var code: CKVariant {
    switch self {
    case .sse2: CK_SSE2
    case .avx2: CK_AVX2
    case .avx512: CK_AVX512
    case .neon: CK_NEON
    }
  }

  /// Those that this processor can run, the oldest first.
  public static var available: [KernelVariant] { allCases.filter { ck_available($0.code) } }

  /// The one in use: what `select` said last, else what the environment's `CONVCHECK_KERNELS` names, where it is available, else
  /// the newest available.
  public static var selected: KernelVariant {
    let code = ck_selected()
    return allCases.first { $0.code == code }.unsafelyUnwrapped
  }

  /// Has all operators made from now on compute with this variant; call it before the first. One that is not available is a
  /// programming error.
  public func select() {
    precondition(ck_available(code), "a variant that this processor can run")
    ck_select(code)
  }
}
