public import Convolution

/// An arithmetic that a result may claim to have been computed in, from the narrowest to the widest: the ladder that a
/// verification climbs.
public enum Claim: String, CaseIterable, Sendable {
  /// float64 in any order, the result rounded to the candidate's format.
  case float64
  /// float32, rounded to nearest, in any order, with or without fused multiply-add; subnormal numbers are kept.
  case float32
  /// float32 whose sums are truncated, as tensor cores and some other hardware do; subnormal numbers may be flushed.
  case float32Truncated = "float32_truncated"
  /// Inputs rounded to TF32 (11 bits of significand), sums in truncated float32.
  case tf32
  /// Inputs rounded to float16, sums in truncated float32.
  case float16Inputs = "float16_inputs"
  /// Inputs rounded to bfloat16, sums in truncated float32.
  case bfloat16Inputs = "bfloat16_inputs"
  /// As `float16Inputs`, the result rounded to float16.
  case float16
  /// As `bfloat16Inputs`, the result rounded to bfloat16.
  case bfloat16
  /// Inputs, products, sums and result in float16.
  case float16Accumulated = "float16_accumulated"
  /// Inputs, products, sums and result in bfloat16.
  case bfloat16Accumulated = "bfloat16_accumulated"
  /// Winograd's F(2, r) in the problem's precision, for filters of 3×3 or 5×5 taps.
  case winogradF2 = "winograd_f2"
  /// Winograd's F(4, r) in the problem's precision.
  case winogradF4 = "winograd_f4"
  /// Winograd's F(6, r) in the problem's precision; also F(9, 5), the tile in which libraries compute 5×5 filters.
  case winogradF6 = "winograd_f6"
  /// Fast Fourier transforms in the problem's precision.
  case fft

  /// What a result of a problem of `dataType` claims when nothing is said.
  public init(defaultOf dataType: DataType) {
    self =
      switch dataType {
      case .float32: .float32
      case .float64: .float64
      case .float16: .float16Inputs
      case .bfloat16: .bfloat16Inputs
      }
  }

  /// The formats a number is rounded to before it is multiplied.
  enum InputFormat: CaseIterable {
    case float64, float32, tf32, float16, bfloat16

    /// The unit roundoff; TF32's is that of hardware that cuts the bits off instead of rounding them.
    var unitRoundoff: Double {
      switch self {
      case .float64: 0x1p-53
      case .float32: 0x1p-24
      case .tf32: 0x1p-10
      case .float16: 0x1p-11
      case .bfloat16: 0x1p-8
      }
    }

    /// The smallest normal number.
    var leastNormal: Double {
      switch self {
      case .float64: .leastNormalMagnitude
      case .float32, .tf32, .bfloat16: 0x1p-126
      case .float16: 0x1p-14
      }
    }

    /// From here on a magnitude rounds to infinity.
    var overflow: Double {
      switch self {
      case .float64: .infinity
      case .float32: 0x1p128 * (1 - 0x1p-25)
      case .tf32: 0x1p128 * (1 - 0x1p-12)
      case .float16: 65520
      case .bfloat16: 0x1p128 * (1 - 0x1p-9)
      }
    }
  }

  /// How sums are formed.
  struct Accumulation {
    /// The format of products and sums.
    let format: DataType
    /// Whether sums are truncated, which doubles the unit roundoff, and subnormal numbers may be flushed to zero.
    let isTruncated: Bool
  }

  /// The inputs' format and the sums of an arithmetic whose bound is a multiple of `S`; nil for the others.
  var dotProduct: (inputs: InputFormat, sums: Accumulation)? {
    let truncated = Accumulation(format: .float32, isTruncated: true)
    switch self {
    case .float64: return (.float64, Accumulation(format: .float64, isTruncated: false))
    case .float32: return (.float32, Accumulation(format: .float32, isTruncated: false))
    case .float32Truncated: return (.float32, truncated)
    case .tf32: return (.tf32, truncated)
    case .float16Inputs, .float16: return (.float16, truncated)
    case .bfloat16Inputs, .bfloat16: return (.bfloat16, truncated)
    case .float16Accumulated: return (.float16, Accumulation(format: .float16, isTruncated: false))
    case .bfloat16Accumulated: return (.bfloat16, Accumulation(format: .bfloat16, isTruncated: false))
    case .winogradF2, .winogradF4, .winogradF6, .fft: return nil
    }
  }

  /// The format that the arithmetic itself rounds its result to, beside that of its sums.
  var output: DataType? {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    default: nil
    }
  }

  /// The tiles of a Winograd arithmetic for problems of `geometry`; none for other arithmetics.
  ///
  /// - Throws: `unsupported` where nothing can be computed in tiles.
  func tiles(_ geometry: ConvolutionGeometry) throws(ConvolutionError) -> [WinogradTile] {
    guard let outputs = tileOutputs else { return [] }
    let taps = try WinogradTile(geometry, tile: nil).taps
    let tile = WinogradTile(outputs: outputs, taps: taps)
    return taps == 5 && outputs == 6 ? [tile, WinogradTile(outputs: 9, taps: taps)] : [tile]
  }

  private var tileOutputs: Int? {
    switch self {
    case .winogradF2: 2
    case .winogradF4: 4
    case .winogradF6: 6
    default: nil
    }
  }
}
