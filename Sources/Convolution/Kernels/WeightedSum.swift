private import CKernels

/// Sums of weighted rows: `Σ_t weights[t] · source[t·step + b]` for neighbours `b`, one chain from zero each, in the order of `t`;
/// in the instruction set in use for floating-point numbers, plainly over other rings.
struct WeightedSum<Scalar: Ring>: Sendable {
  /// The tables of the two element types.
  private enum Table: @unchecked Sendable {
    case single(UnsafePointer<CKWeightedSumF32>)
    case double(UnsafePointer<CKWeightedSumF64>)
    case plain
  }
  private let table: Table

  /// The loops of the instruction set in use.
  init() {
    if Scalar.self == Float.self {
      table = .single(ck_weighted_sum_f32(ck_selected()).unsafelyUnwrapped)
    } else if Scalar.self == Double.self {
      table = .double(ck_weighted_sum_f64(ck_selected()).unsafelyUnwrapped)
    } else {
      table = .plain
    }
  }

  /// Writes the sums to `target`.
  @inline(__always)
  func set(
    _ weights: UnsafePointer<Scalar>, terms: Int, _ source: UnsafePointer<Scalar>, step: Int,
    into target: UnsafeMutablePointer<Scalar>, count: Int
  ) {
    switch table {
    case .single(let loops):
      loops.pointee.set(rebound(weights), terms, rebound(source), step, rebound(target), count)
    case .double(let loops):
      loops.pointee.set(rebound(weights), terms, rebound(source), step, rebound(target), count)
    case .plain:
      for b in 0..<count { target[b] = sum(weights, terms, source + b, step) }
    }
  }

  /// Adds the sums to what stands in `target`.
  @inline(__always)
  func add(
    _ weights: UnsafePointer<Scalar>, terms: Int, _ source: UnsafePointer<Scalar>, step: Int,
    to target: UnsafeMutablePointer<Scalar>, count: Int
  ) {
    switch table {
    case .single(let loops):
      loops.pointee.add(rebound(weights), terms, rebound(source), step, rebound(target), count)
    case .double(let loops):
      loops.pointee.add(rebound(weights), terms, rebound(source), step, rebound(target), count)
    case .plain:
      for b in 0..<count { target[b] = target[b] + sum(weights, terms, source + b, step) }
    }
  }

  @inline(__always)
  private func sum(
    _ weights: UnsafePointer<Scalar>, _ terms: Int, _ source: UnsafePointer<Scalar>, _ step: Int
  ) -> Scalar {
    var sum = Scalar.zero
    for t in 0..<terms { sum = sum + weights[t] * source[t &* step] }
    return sum
  }

  @inline(__always)
  private func rebound<Number>(_ start: UnsafePointer<Scalar>) -> UnsafePointer<Number> {
    UnsafeRawPointer(start).assumingMemoryBound(to: Number.self)
  }

  @inline(__always)
  private func rebound<Number>(_ start: UnsafeMutablePointer<Scalar>) -> UnsafeMutablePointer<Number> {
    UnsafeMutableRawPointer(start).assumingMemoryBound(to: Number.self)
  }
}
