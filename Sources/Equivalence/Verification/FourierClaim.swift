import Buffers
import Convolution

/// How far results of somebody else's transforms may lie from the exact value: one number for each plane of the result, as
/// nothing is known of their blocks.
///
/// With one transform of the whole padded image, `‖·‖` the 2-norm of a plane, `N = Σ_c ‖x_c‖·‖w_kc‖` and length `L = 2^m`,
///
///     |ŷ − y| ≤ ‖ŷ − y‖ ≤ N · [(1+u)^{3m} · (1+√5·u)^{3m+1} · (1+β)^{3m} · (1+u)^{C−1} − 1]
///
/// (Percival, Math. Comp. 72, 2003, theorem 5.1, with √5 from Brent, Percival and Zimmermann, Math. Comp. 76, 2007; the
/// last factor adds up `C` channels). Implementations differ in length, radix and order: here `L` is the
/// product of the powers of two from padded image plus filter on, and `m = 2·log₂ L`, twice the layers, which leaves room
/// for other radices and for the two transforms of twice the length in Bluestein's algorithm; roots may be wrong by
/// `β = 2u`. Blocks of the image have smaller norms and fewer layers. An output and its bias are rounded once
/// more. Underflow costs each layer `√(2L)·μ` of a norm (see `FourierBound`), with `μ` the smallest normal number,
/// as subnormal ones may be flushed to zero.
///
/// The bound is hundreds of times wider than the errors that are observed; it refutes gross mistakes only.
enum FourierClaim {
  /// The bounds, in the shape of the result.
  static func evaluate<Scalar: TensorScalar>(
    _ problem: borrowing ConvolutionProblem<Scalar>
  ) -> Tensor<Double> {
    let geometry = problem.geometry
    let channels = geometry.channels
    let unit = Scalar.dataType.unitRoundoff
    let isPadded = geometry.paddingMode != .zeros
    let inner = isPadded ? geometry.padded : geometry
    let given = geometry.isTransposed ? channels.output : channels.image
    let size = geometry.isTransposed ? inner.output : inner.image
    let padded =
      isPadded
      ? ImagePadding(geometry).padded(problem.image.values.baseAddress.unsafelyUnwrapped)
      : AlignedBuffer<Scalar>()
    let images = isPadded ? padded.elements : problem.image.values
    let imageNorms = norms(images, planes: channels.batch * given, of: size.elementCount)
    let filterNorms = norms(
      problem.filter.values, planes: channels.output * channels.imagePerGroup, of: geometry.taps)

    let layers = Double(logarithm(inner.rows) + logarithm(inner.columns))
    let perGroup = geometry.isTransposed ? channels.outputPerGroup : channels.imagePerGroup
    let roundings = 2 * layers * 3 * (1 + 2.2361 + 2) + 3 + Double(perGroup)
    let relative = Majorant.growth(Int(roundings), unit)
    let points = Double(sign: .plus, exponent: Int(layers), significand: 1)
    let smallest = Double(Scalar.leastNormalMagnitude)
    let shift = 1.4143 * points.squareRoot() * 2 * layers * smallest
    let made = geometry.isTransposed ? channels.image : channels.output
    let madePerGroup = geometry.isTransposed ? channels.imagePerGroup : channels.outputPerGroup
    var bounds = Tensor<Double>(shape: geometry.resultShape, repeating: 0)
    let values = bounds.mutableValues
    let plane = values.count / (channels.batch * made)
    for n in 0..<channels.batch {
      for channel in 0..<made {
        let (group, place) = channel.quotientAndRemainder(dividingBy: madePerGroup)
        var (products, sum, most) = (0.0, 0.0, 0.0)
        for index in 0..<perGroup {
          let image = imageNorms[n * given + group * perGroup + index]
          let (k, c) = geometry.isTransposed ? (group * perGroup + index, place) : (channel, index)
          let filter = filterNorms[k * channels.imagePerGroup + c]
          products += image * filter
          sum += image + filter
          most = max(most, image, filter)
        }
        let underflow =
          (1 + relative)
          * (shift * (sum + Double(perGroup) * shift) + 4 * smallest * (Double(perGroup) + 4 * layers + 1))
        // The bias's addition rounds what lies below |bias| + Σ|x||w| ≤ |bias| + N, and the error itself.
        let bias = Double(problem.bias.values[channel]).magnitude
        let bound =
          (relative * products + underflow + 2 * unit * (products + bias)) * (1 + 0x1p-40)
        let fits =
          64 * points * (1 + relative) * max(products, most) < Double(Scalar.greatestFiniteMagnitude)
        let start = (n * made + channel) * plane
        values[start..<start + plane].update(repeating: fits ? bound : .infinity)
      }
    }
    return bounds
  }

  /// The logarithm of the length of one axis.
  private static func logarithm(_ axis: AxisGeometry) -> Int {
    let reach = (axis.filter - 1) * axis.dilation + 1
    let length = max(axis.image + axis.before + axis.after, axis.output * axis.stride) + reach
    return Int.bitWidth - (length - 1).leadingZeroBitCount
  }

  private static func norms<Scalar: TensorScalar>(
    _ values: UnsafeBufferPointer<Scalar>, planes: Int, of count: Int
  ) -> [Double] {
    let base = values.baseAddress.unsafelyUnwrapped
    return (0..<planes).map { norm(base + $0 * count, rows: [0], columns: [0..<count]) }
  }
}
