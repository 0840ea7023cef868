/// Adds to each weight's gradient the definition's sum, weight by weight:
/// `∂w[k,c,u,v] = Σ_n Σ_a Σ_b g[n,k,a,b] · x[n,c, a·s + u·d − p, b·s + v·d − p]`, products on padding left out.
@inline(__always)
func accumulateDirectGradient<Scalar: Ring>(
  _ geometry: ConvolutionGeometry, outputs: UnsafePointer<Scalar>, images: UnsafePointer<Scalar>,
  into gradient: UnsafeMutablePointer<Scalar>
) {
  if let kernel = FilterGradientKernel(geometry, of: Scalar.self) {
    return kernel.add(outputs: outputs, images: images, into: gradient)
  }
  let (rows, columns) = (geometry.rows, geometry.columns)
  let kernel = PlaneDots(geometry, Scalar.self)
  geometry.channels.forEachMeeting { outputNumber, imageNumber, filterNumber in
    let upstream = outputs + outputNumber &* geometry.output.elementCount
    let plane = images + imageNumber &* geometry.image.elementCount
    let weights = gradient + filterNumber &* geometry.taps
    if let kernel {
      kernel.accumulate(outputs: upstream, image: plane, into: weights)
      return
    }
    for u in 0..<rows.filter {
      for v in 0..<columns.filter {
        let reached = columns.outputs(reachedBy: v)
        if reached.isEmpty { continue }
        let firstColumn = columns.pixel(output: reached.lowerBound, tap: v)
        var sum = weights[u &* columns.filter &+ v]
        for a in rows.outputs(reachedBy: u) {
          sum =
            sum
            + dotProduct(
              upstream + (a &* columns.output &+ reached.lowerBound),
              plane + (rows.pixel(output: a, tap: u) &* columns.image &+ firstColumn), count: reached.count,
              stride: columns.stride)
        }
        weights[u &* columns.filter &+ v] = sum
      }
    }
  }
}
