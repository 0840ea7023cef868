public import Convolution

/// Convolutions of whole batches as the definition has them: pixel, tap and output meet wherever the pixel stands under the
/// tap, and from these meetings follow the map and its adjoint. Written without any loop of the library.
public struct Meetings: Sendable {
  /// The convolution that it enumerates.
  public let geometry: ConvolutionGeometry

  /// The meetings of `geometry`, whose padding mode may be any.
  public init(_ geometry: ConvolutionGeometry) { self.geometry = geometry }

  /// Calls `body` with the places of a pixel, a tap and an output in their tensors, for all that meet.
  public func forEach(_ body: (_ pixel: Int, _ tap: Int, _ output: Int) -> Void) {
    let (g, rows, columns) = (geometry.channels, geometry.rows, geometry.columns)
    for n in 0..<g.batch {
      for k in 0..<g.output {
        for c in 0..<g.image / g.groups {
          let channel = k / (g.output / g.groups) * (g.image / g.groups) + c
          for a in 0..<rows.output {
            for u in 0..<rows.filter {
              guard let i = Self.source(a * rows.stride + u * rows.dilation - rows.before, rows) else { continue }
              for b in 0..<columns.output {
                for v in 0..<columns.filter {
                  let at = b * columns.stride + v * columns.dilation - columns.before
                  guard let j = Self.source(at, columns) else { continue }
                  body(
                    ((n * g.image + channel) * rows.image + i) * columns.image + j,
                    ((k * (g.image / g.groups) + c) * rows.filter + u) * columns.filter + v,
                    ((n * g.output + k) * rows.output + a) * columns.output + b)
                }
              }
            }
          }
        }
      }
    }
  }

  /// The pixel at a position: in a mirror or on a circle found by walking there.
  private static func source(_ position: Int, _ axis: AxisGeometry) -> Int? {
    if (0..<axis.image).contains(position) { return position }
    switch axis.mode {
    case .zeros: return nil
    case .replicate: return min(max(position, 0), axis.image - 1)
    case .circular: return ((position % axis.image) + axis.image) % axis.image
    case .reflect:
      if axis.image == 1 { return 0 }
      let period = 2 * (axis.image - 1)
      let around = ((position % period) + period) % period
      return min(around, period - around)
    }
  }

  /// What the problem makes of `given`: the map's outputs or, where it is transposed, the adjoint's pixels.
  public func result<Scalar: Ring>(_ given: [Scalar], _ filter: [Scalar]) -> [Scalar] {
    geometry.isTransposed ? adjoint(given, filter) : forward(given, filter)
  }

  /// `A·image`.
  @specialized(where Scalar == Double)
  @specialized(where Scalar == PrimeField)
  public func forward<Scalar: Ring>(_ image: [Scalar], _ filter: [Scalar]) -> [Scalar] {
    var output = [Scalar](repeating: .zero, count: geometry.outputElementCount)
    forEach { pixel, tap, place in output[place] += filter[tap] * image[pixel] }
    return output
  }

  /// `Aᵀ·output`.
  @specialized(where Scalar == Double)
  @specialized(where Scalar == PrimeField)
  public func adjoint<Scalar: Ring>(_ output: [Scalar], _ filter: [Scalar]) -> [Scalar] {
    var image = [Scalar](repeating: .zero, count: geometry.imageElementCount)
    forEach { pixel, tap, place in image[pixel] += filter[tap] * output[place] }
    return image
  }

  /// The products that are added in each element of the problem's result.
  public func products(_ given: [Double], _ filter: [Double]) -> [[(Double, Double)]] {
    var products = [[(Double, Double)]](repeating: [], count: geometry.resultElementCount)
    forEach { pixel, tap, place in
      let (from, to) = geometry.isTransposed ? (place, pixel) : (pixel, place)
      products[to].append((given[from], filter[tap]))
    }
    return products
  }
}

extension Tensor {
  /// A tensor of `shape` with the elements of an array.
  public init(_ shape: Shape, _ elements: [Scalar]) {
    var tensor = Tensor(shape: shape, repeating: elements[0])
    let room = tensor.mutableValues
    precondition(room.count == elements.count, "another number of elements")
    for index in elements.indices { room[index] = elements[index] }
    self = tensor
  }
}
