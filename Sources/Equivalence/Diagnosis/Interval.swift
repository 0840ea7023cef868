/// The numbers that several measurements have in common, each known to lie within an error.
struct Interval {
  private var least = -Double.infinity
  private var most = Double.infinity
  /// Measurements.
  private(set) var count = 0
  var isEmpty: Bool { !(least <= most) }
  var excludesZero: Bool { count > 0 && (least > 0 || most < 0) }
  var middle: Double { least / 2 + most / 2 }
  func contains(_ value: Double) -> Bool { least <= value && value <= most }

  mutating func meet(_ value: Double, _ error: Double) {
    least = max(least, value - error)
    most = min(most, value + error)
    count += 1
  }
}
