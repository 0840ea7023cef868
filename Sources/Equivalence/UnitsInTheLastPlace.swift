public import Convolution

/// How many representable numbers lie between `a` and `b`, one of them included: 0 for equal numbers (+0 and −0
/// are equal), 1 for neighbours. Both must be finite.
@inlinable
@inline(__always)
public func unitsBetween<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar) -> UInt64 {
  let (left, right) = (magnitudeBits(a), magnitudeBits(b))
  if a.sign == b.sign { return left > right ? left - right : right - left }
  return left + right
}

/// The place of `|x|` among the representable numbers, counted from zero.
@inlinable
@inline(__always)
func magnitudeBits<Scalar: TensorScalar>(_ x: Scalar) -> UInt64 {
  switch Scalar.dataType {
  case .float32: UInt64(unsafeBitCast(x.magnitude, to: UInt32.self))
  case .float64: unsafeBitCast(x.magnitude, to: UInt64.self)
  }
}

/// Whether `a` and `b` are the same bits: −0 is not +0, and a NaN is identical to its copy.
@inlinable
@inline(__always)
func identical<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar) -> Bool {
  magnitudeBits(a) == magnitudeBits(b) && a.sign == b.sign
}

/// Whether two elements, not both finite, are of the same kind: the same infinity, or both NaN.
func sameKind<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar) -> Bool {
  a == b || (a.isNaN && b.isNaN)
}
