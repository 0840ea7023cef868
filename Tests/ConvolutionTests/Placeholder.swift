import Testing

@Suite struct ConvolutionPlaceholder {}
