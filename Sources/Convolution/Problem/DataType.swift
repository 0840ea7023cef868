/// The element types a tensor can have, named as in NumPy and PyTorch.
public enum DataType: String, CaseIterable, Sendable {
  case float32
  case float64
  /// IEEE 754 binary16: 11 bits of significand.
  case float16
  /// The upper half of a float32: 8 bits of significand.
  case bfloat16

  /// The bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float16, .bfloat16: 2
    case .float32: 4
    case .float64: 8
    }
  }

  /// The precision in which a problem of this type is computed: a short one in float32, its result rounded once at the
  /// end.
  public var precision: Precision { self == .float64 ? .double : .single }

  /// Half the distance from 1 to the next number, the unit roundoff u.
  public var unitRoundoff: Double {
    switch self {
    case .float16: 0x1p-11
    case .bfloat16: 0x1p-8
    case .float32: 0x1p-24
    case .float64: 0x1p-53
    }
  }

  /// The smallest positive number.
  public var leastNonzeroMagnitude: Double {
    switch self {
    case .float16: 0x1p-24
    case .bfloat16: 0x1p-133
    case .float32: 0x1p-149
    case .float64: 0x1p-1074
    }
  }
}

/// The precisions of computation.
public enum Precision: Sendable {
  /// float32.
  case single
  /// float64.
  case double
}

/// The floating-point types a problem is computed in: `Float` and `Double`. (`Codable` is what `SIMDScalar` asks of a type
/// that is its own magnitude; nothing here is coded that way.)
public protocol TensorScalar: BinaryFloatingPoint, SIMDScalar, Codable, BitwiseCopyable, FourierRing
where Magnitude == Self {
  /// The type's name on the wire.
  static var dataType: DataType { get }
  /// The precision it computes in.
  static var precision: Precision { get }
}

extension Float: TensorScalar {
  /// `float32`.
  public static var dataType: DataType { .float32 }
  /// Single.
  public static var precision: Precision { .single }
}

extension Double: TensorScalar {
  /// `float64`.
  public static var dataType: DataType { .float64 }
  /// Double.
  public static var precision: Precision { .double }
}
