extension Tensor where Scalar == Float {
  /// Rounds every element to the nearest number of `format`, ties to even; what overflows becomes infinite. float32
  /// itself changes nothing.
  public mutating func round(to format: DataType) {
    switch format {
    case .float32: return
    case .float64: preconditionFailure("float64 is no shorter format")
    case .float16, .bfloat16: preconditionFailure("not yet")
    }
  }
}
