import Testing

@Suite struct EquivalencePlaceholder {}
