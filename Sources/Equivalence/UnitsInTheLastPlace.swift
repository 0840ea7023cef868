public import Convolution

/// How many representable numbers lie between `a` and `b`, one of them included: 0 for equal numbers (+0 and −0
/// are equal), 1 for neighbours. Both must be finite.
@inlinable
@inline(__always)
public func unitsBetween<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar) -> UInt64 {
  let (left, right) = (magnitudeBits(a), magnitudeBits(b))
  // Which of the two is larger is a coin's toss in real data: a subtraction, not a branch, has to find out.
  if a.sign == b.sign { return (Int64(bitPattern: left) &- Int64(bitPattern: right)).magnitude }
  return left + right
}

/// How many numbers of `format` lie between two of its finite ones, or of their own type where there is none.
@inline(__always)
func unitsBetween<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar, _ format: RoundingFormat?) -> UInt64 {
  guard let format else { return unitsBetween(a, b) }
  return format.unitsBetween(Double(a), Double(b))
}

/// The place of `|x|` among the representable numbers, counted from zero.
@inlinable
@inline(__always)
func magnitudeBits<Scalar: TensorScalar>(_ x: Scalar) -> UInt64 {
  switch Scalar.precision {
  case .single: UInt64(unsafeBitCast(x.magnitude, to: UInt32.self))
  case .double: unsafeBitCast(x.magnitude, to: UInt64.self)
  }
}

/// Whether `a` and `b` are the same bits: −0 is not +0, and a NaN is identical to its copy.
@inlinable
@inline(__always)
func identical<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar) -> Bool {
  switch Scalar.precision {
  case .single: unsafeBitCast(a, to: UInt32.self) == unsafeBitCast(b, to: UInt32.self)
  case .double: unsafeBitCast(a, to: UInt64.self) == unsafeBitCast(b, to: UInt64.self)
  }
}

/// Whether two elements, not both finite, are of the same kind: the same infinity, or both NaN.
func sameKind<Scalar: TensorScalar>(_ a: Scalar, _ b: Scalar) -> Bool {
  a == b || (a.isNaN && b.isNaN)
}
