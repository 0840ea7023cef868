import Convolution
import Glibc  // expm1

/// What the bounds by element share: they are evaluated in float64 on absolute values by the library's own operators, and
/// rounded outwards.
enum Majorant {
  /// The distance of the smallest numbers of `dataType`: twice what an operation can lose by underflow. Half of it would
  /// do, but half of the smallest float64 is none.
  static func underflow(_ dataType: DataType) -> Double { dataType.leastNonzeroMagnitude }

  /// How far a product of `count` factors `1 + δ`, `|δ| ≤ u`, can lie from 1: at most `(1 + u)^count − 1 ≤ e^{count·u} − 1`,
  /// which unlike `γ_count` holds for any count.
  static func growth(_ count: Int, _ unitRoundoff: Double) -> Double {
    expm1(Double(count) * unitRoundoff) * ErrorBound.outward
  }

  /// What makes up for `count` float64 roundings in a sum of positive terms, and for some more.
  static func outward(_ count: Int) -> Double { (1 + growth(count, 0x1p-53)) * ErrorBound.outward }

  /// The absolute values in float64.
  @inline(__always)
  static func magnitudes<Scalar: TensorScalar>(_ tensor: borrowing Tensor<Scalar>) -> Tensor<Double> {
    widened(tensor) { $0.magnitude }
  }

  /// The numbers in float64, mapped by `transform`.
  @inline(__always)
  static func widened<Scalar: TensorScalar>(
    _ tensor: borrowing Tensor<Scalar>, _ transform: (Double) -> Double = { $0 }
  ) -> Tensor<Double> {
    var result = Tensor<Double>(shape: tensor.shape, repeating: 0)
    let target = result.mutableValues
    let source = tensor.values
    for index in 0..<source.count { target[index] = transform(Double(source[index])) }
    return result
  }

  /// Replaces each number of a result by `factor` times it plus `constant` of its channel; what is no number, since an
  /// infinity met a zero, by infinity: there is no bound.
  static func scale(
    _ result: inout Tensor<Double>, _ geometry: ConvolutionGeometry, by factor: Double,
    plus constant: (_ channel: Int) -> Double
  ) {
    let values = result.mutableValues
    let channels = geometry.resultChannels
    let plane = values.count / (geometry.channels.batch * channels)
    for n in 0..<geometry.channels.batch {
      for channel in 0..<channels {
        let addend = constant(channel)
        let start = (n * channels + channel) * plane
        for index in start..<start + plane {
          let bound = values[index] * factor + addend
          values[index] = bound.isNaN ? .infinity : bound
        }
      }
    }
  }

  /// The convolution of float64 numbers in the direct formulation.
  static func convolution(
    _ image: borrowing Tensor<Double>, _ filter: borrowing Tensor<Double>, bias: borrowing Tensor<Double>? = nil,
    _ geometry: ConvolutionGeometry
  ) -> Tensor<Double> {
    var result = Tensor<Double>(shape: geometry.resultShape, repeating: 0)
    do {
      switch bias {
      case .some(let bias):
        let direct = try Formulation.direct.makeOperator(
          storage: .sparse, geometry: geometry, filter: filter, bias: bias)
        direct.apply(to: image, into: &result)
      case nil:
        let direct = try Formulation.direct.makeOperator(storage: .sparse, geometry: geometry, filter: filter)
        direct.apply(to: image, into: &result)
      }
    } catch {
      preconditionFailure("the problem was computed already: \(error)")
    }
    return result
  }
}
