import Testing

@Suite struct BuffersPlaceholder {}
