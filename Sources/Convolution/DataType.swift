/// The element types a tensor can have, named as in NumPy and PyTorch.
public enum DataType: String, CaseIterable, Sendable {
  case float32
  case float64

  /// The bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float32: 4
    case .float64: 8
    }
  }
}

/// The floating-point types a problem is computed in: `Float` and `Double`.
public protocol TensorScalar: BinaryFloatingPoint, BitwiseCopyable, Ring
where Magnitude == Self {
  /// The type's name on the wire.
  static var dataType: DataType { get }
}

extension Float: TensorScalar {
  /// `float32`.
  public static var dataType: DataType { .float32 }
}

extension Double: TensorScalar {
  /// `float64`.
  public static var dataType: DataType { .float64 }
}
