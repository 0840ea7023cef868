/// What one request may ask for.
public struct ServiceLimits: Sendable {
  /// The most bytes that the matrices of one formulation may take.
  public var operatorBytes: Int
  /// The most elements that a tensor may have, be it sent or computed.
  public var tensorElements: Int
  /// The most multiply-adds for one request, repeats, direct computation and reference included.
  public var multiplyAdds: Int

  /// The most repeats a request can ask for.
  public static var repeats: Int { 1000 }
  /// The most formulations that one request can name to be compared, each with each.
  static var comparedFormulations: Int { 32 }
  /// The most results that one request can have verified.
  static var candidates: Int { 8 }
  /// The most random trials of a proof: each makes an error some billion billion times less likely.
  static var trials: Int { 100 }
  /// Numbers without rounding take so many times as long to multiply and add as those of a formulation.
  static var exactness: Int { 4 }
  /// A body up to so many bytes is decoded on the event loop: this takes some ten microseconds.
  static var loopBodyBytes: Int { 8 << 10 }
  /// Work that takes as long as so many multiply-adds is done on the event loop: less than a hand-over to a worker is worth.
  static var loopMultiplyAdds: Int { 20_000 }

  /// The limits, by default 1 GiB, 2²⁴ elements (4096²) and 10¹¹ multiply-adds.
  public init(
    operatorBytes: Int = 1 << 30, tensorElements: Int = 1 << 24, multiplyAdds: Int = 100_000_000_000
  ) {
    self.operatorBytes = operatorBytes
    self.tensorElements = tensorElements
    self.multiplyAdds = multiplyAdds
  }
}
