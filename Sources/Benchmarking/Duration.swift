extension Duration {
  /// The duration in whole nanoseconds, as far as the clock tells.
  package var nanoseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }

  /// The duration in seconds: whole nanoseconds, so that it prints as a short decimal.
  package var seconds: Double { Double(nanoseconds) / 1e9 }
}
