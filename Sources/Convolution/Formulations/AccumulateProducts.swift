/// Adds `Σ_t weights[t] · sources[t · sourceStep + b · stride]` to `output[b]` for `b` in
/// `0..<count`, the terms of each output in the order of `t`, one after the other.
///
/// This is the one inner loop of all formulations but the stencil: outputs lie side by side, so for stride 1 it
/// vectorises over them without touching the order of any sum. Four terms go through the output at a time;
/// that quarters the loads and stores of the running sums.
///
/// The weights stand `weightStep` apart: 1 along a row of a matrix, its width down a column.
@inline(__always)
func accumulateProducts<Scalar: Ring>(
  into output: UnsafeMutablePointer<Scalar>, count: Int, stride: Int, weights: UnsafePointer<Scalar>,
  weightStep: Int = 1, sources: UnsafePointer<Scalar>, sourceStep: Int, terms: Int
) {
  var term = 0
  while term &+ 4 <= terms {
    let source = sources + term &* sourceStep
    let weight = weights + term &* weightStep
    accumulate(
      into: output, count: count, stride: stride, weight[0], source, weight[weightStep],
      source + sourceStep, weight[2 &* weightStep], source + 2 &* sourceStep, weight[3 &* weightStep],
      source + 3 &* sourceStep)
    term &+= 4
  }
  let source = sources + term &* sourceStep
  let weight = weights + term &* weightStep
  switch terms &- term {
  case 3:
    accumulate(
      into: output, count: count, stride: stride, weight[0], source, weight[weightStep],
      source + sourceStep, weight[2 &* weightStep], source + 2 &* sourceStep)
  case 2:
    accumulate(
      into: output, count: count, stride: stride, weight[0], source, weight[weightStep], source + sourceStep)
  case 1:
    accumulate(into: output, count: count, stride: stride, weight[0], source)
  default: break
  }
}

/// Adds one product to each output.
@inline(__always)
func accumulate<Scalar: Ring>(
  into output: UnsafeMutablePointer<Scalar>, count: Int, stride: Int, _ w0: Scalar,
  _ x0: UnsafePointer<Scalar>
) {
  if stride == 1 {
    for b in 0..<count { output[b] = output[b] + w0 * x0[b] }
  } else {
    for b in 0..<count { output[b] = output[b] + w0 * x0[b &* stride] }
  }
}

/// Adds two products to each output, the first first.
@inline(__always)
func accumulate<Scalar: Ring>(
  into output: UnsafeMutablePointer<Scalar>, count: Int, stride: Int, _ w0: Scalar,
  _ x0: UnsafePointer<Scalar>, _ w1: Scalar, _ x1: UnsafePointer<Scalar>
) {
  if stride == 1 {
    for b in 0..<count { output[b] = output[b] + w0 * x0[b] + w1 * x1[b] }
  } else {
    for b in 0..<count {
      let i = b &* stride
      output[b] = output[b] + w0 * x0[i] + w1 * x1[i]
    }
  }
}

/// Adds three products to each output, in their order.
@inline(__always)
func accumulate<Scalar: Ring>(
  into output: UnsafeMutablePointer<Scalar>, count: Int, stride: Int, _ w0: Scalar,
  _ x0: UnsafePointer<Scalar>, _ w1: Scalar, _ x1: UnsafePointer<Scalar>, _ w2: Scalar,
  _ x2: UnsafePointer<Scalar>
) {
  if stride == 1 {
    for b in 0..<count { output[b] = output[b] + w0 * x0[b] + w1 * x1[b] + w2 * x2[b] }
  } else {
    for b in 0..<count {
      let i = b &* stride
      output[b] = output[b] + w0 * x0[i] + w1 * x1[i] + w2 * x2[i]
    }
  }
}

/// Adds four products to each output, in their order.
@inline(__always)
func accumulate<Scalar: Ring>(
  into output: UnsafeMutablePointer<Scalar>, count: Int, stride: Int, _ w0: Scalar,
  _ x0: UnsafePointer<Scalar>, _ w1: Scalar, _ x1: UnsafePointer<Scalar>, _ w2: Scalar,
  _ x2: UnsafePointer<Scalar>, _ w3: Scalar, _ x3: UnsafePointer<Scalar>
) {
  if stride == 1 {
    for b in 0..<count { output[b] = output[b] + w0 * x0[b] + w1 * x1[b] + w2 * x2[b] + w3 * x3[b] }
  } else {
    for b in 0..<count {
      let i = b &* stride
      output[b] = output[b] + w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
    }
  }
}

/// Adds `weight · source[b]` to `target[b · stride]` for `b` in `0..<count`: the adjoint of one product.
@inline(__always)
func spread<Scalar: Ring>(
  _ weight: Scalar, _ source: UnsafePointer<Scalar>, count: Int, into target: UnsafeMutablePointer<Scalar>,
  stride: Int
) {
  if stride == 1 {
    for b in 0..<count { target[b] = target[b] + weight * source[b] }
  } else {
    for b in 0..<count { target[b &* stride] = target[b &* stride] + weight * source[b] }
  }
}

/// `Σ_b first[b] · second[b · stride]` for `b` in `0..<count`, as eight running sums that are added at the end: one
/// chain could not keep a processor's adders busy.
@inline(__always)
func dotProduct<Scalar: Ring>(
  _ first: UnsafePointer<Scalar>, _ second: UnsafePointer<Scalar>, count: Int, stride: Int
) -> Scalar {
  var (s0, s1, s2, s3): (Scalar, Scalar, Scalar, Scalar) = (.zero, .zero, .zero, .zero)
  var (s4, s5, s6, s7): (Scalar, Scalar, Scalar, Scalar) = (.zero, .zero, .zero, .zero)
  var b = 0
  if stride == 1 {
    while b &+ 8 <= count {
      let (x, y) = (first + b, second + b)
      s0 = s0 + x[0] * y[0]
      s1 = s1 + x[1] * y[1]
      s2 = s2 + x[2] * y[2]
      s3 = s3 + x[3] * y[3]
      s4 = s4 + x[4] * y[4]
      s5 = s5 + x[5] * y[5]
      s6 = s6 + x[6] * y[6]
      s7 = s7 + x[7] * y[7]
      b &+= 8
    }
  } else {
    while b &+ 4 <= count {
      let (x, y) = (first + b, second + b &* stride)
      s0 = s0 + x[0] * y[0]
      s1 = s1 + x[1] * y[stride]
      s2 = s2 + x[2] * y[2 &* stride]
      s3 = s3 + x[3] * y[3 &* stride]
      b &+= 4
    }
  }
  while b < count {
    s0 = s0 + first[b] * second[b &* stride]
    b &+= 1
  }
  return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
}

/// `Σ_b numbers[b]` for `b` in `0..<count`, as eight running sums that are added at the end.
@inline(__always)
func sum<Scalar: Ring>(_ numbers: UnsafePointer<Scalar>, count: Int) -> Scalar {
  var (s0, s1, s2, s3): (Scalar, Scalar, Scalar, Scalar) = (.zero, .zero, .zero, .zero)
  var (s4, s5, s6, s7): (Scalar, Scalar, Scalar, Scalar) = (.zero, .zero, .zero, .zero)
  var b = 0
  while b &+ 8 <= count {
    let x = numbers + b
    s0 = s0 + x[0]
    s1 = s1 + x[1]
    s2 = s2 + x[2]
    s3 = s3 + x[3]
    s4 = s4 + x[4]
    s5 = s5 + x[5]
    s6 = s6 + x[6]
    s7 = s7 + x[7]
    b &+= 8
  }
  while b < count {
    s0 = s0 + numbers[b]
    b &+= 1
  }
  return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
}

/// Sets `count` scalars to `value`.
@inline(__always)
func fill<Scalar: Ring>(_ start: UnsafeMutablePointer<Scalar>, count: Int, with value: Scalar) {
  for index in 0..<count { start[index] = value }
}

/// Sets `count` scalars to zero.
@inline(__always)
func clear<Scalar: Ring>(_ start: UnsafeMutablePointer<Scalar>, count: Int) {
  fill(start, count: count, with: .zero)
}

/// Sets each of `batch · channels` planes of `plane` scalars to its channel's value.
@inline(__always)
func fillPlanes<Scalar: Ring>(
  _ start: UnsafeMutablePointer<Scalar>, batch: Int, channels: Int, plane: Int,
  with values: UnsafePointer<Scalar>
) {
  for n in 0..<batch {
    for channel in 0..<channels {
      fill(start + (n &* channels &+ channel) &* plane, count: plane, with: values[channel])
    }
  }
}
