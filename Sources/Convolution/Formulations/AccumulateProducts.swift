/// Adds `Σ_t weights[t] · sources[t · sourceStep + b · stride]` to `output[b]` for `b` in
/// `0..<count`, the terms of each output in the order of `t`, one after the other.
///
/// This is the one inner loop of all formulations but the stencil: outputs lie side by side, so for stride 1 it
/// vectorises over them without touching the order of any sum. Four terms go through the output at a time;
/// that quarters the loads and stores of the running sums.
@inline(__always)
func accumulateProducts<Scalar: Ring>(
  into output: UnsafeMutablePointer<Scalar>, count: Int, stride: Int, weights: UnsafePointer<Scalar>,
  sources: UnsafePointer<Scalar>, sourceStep: Int, terms: Int
) {
  var term = 0
  while term &+ 4 <= terms {
    let source = sources + term &* sourceStep
    let weight = weights + term
    accumulate(
      into: output, count: count, stride: stride, weight[0], source, weight[1],
      source + sourceStep, weight[2], source + 2 &* sourceStep, weight[3],
      source + 3 &* sourceStep)
    term &+= 4
  }
  let source = sources + term &* sourceStep
  let weight = weights + term
  switch terms &- term {
  case 3:
    accumulate(
      into: output, count: count, stride: stride, weight[0], source, weight[1],
      source + sourceStep, weight[2], source + 2 &* sourceStep)
  case 2:
    accumulate(
      into: output, count: count, stride: stride, weight[0], source, weight[1], source + sourceStep)
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
  _ weight: Scalar, _ source: UnsafePointer<Scalar>, count: Int, into target: UnsafeMutablePointer<Scalar>, stride: Int
) {
  if stride == 1 {
    for b in 0..<count { target[b] = target[b] + weight * source[b] }
  } else {
    for b in 0..<count { target[b &* stride] = target[b &* stride] + weight * source[b] }
  }
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
