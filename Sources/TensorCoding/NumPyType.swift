public import Convolution

/// The element types that are read from NumPy's files. bfloat16 is none of NumPy's own.
public enum NumPyType: String, CaseIterable, Sendable {
  case float16 = "f2"
  case float32 = "f4"
  case float64 = "f8"
  case int8 = "i1"
  case int16 = "i2"
  case int32 = "i4"
  case int64 = "i8"
  case uint8 = "u1"
  case uint16 = "u2"
  case uint32 = "u4"
  case uint64 = "u8"

  /// The bytes of one element.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8: 1
    case .float16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// The same type among those a problem can have; nil for integers, which suit any type that holds their values.
  public var dataType: DataType? {
    switch self {
    case .float16: .float16
    case .float32: .float32
    case .float64: .float64
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: nil
    }
  }
}
