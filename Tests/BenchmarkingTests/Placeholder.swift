import Testing

@Suite struct BenchmarkingPlaceholder {}
