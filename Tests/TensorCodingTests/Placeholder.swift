import Testing

@Suite struct TensorCodingPlaceholder {}
