import Buffers
import Convolution

/// The factors of a transposed map in the order in which they meet in the convolution that it is: each filter plane turned by
/// 180° and those of an image channel side by side, what stands at the outputs spread by the stride.
struct TurnedFactors<Scalar: TensorScalar>: ~Copyable {
  /// Filters of `geometry.turned`.
  let filter: AlignedBuffer<Scalar>
  /// Images of `geometry.turned`.
  let images: AlignedBuffer<Scalar>

  /// Those of `geometry`, whose padding mode is zeros.
  init(_ geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, outputs: UnsafePointer<Scalar>) {
    let (channels, taps) = (geometry.channels, geometry.taps)
    let (image, output) = (channels.imagePerGroup, channels.outputPerGroup)
    var turned = AlignedBuffer<Scalar>(capacity: geometry.weights)
    for channel in 0..<channels.image {
      let (group, c) = channel.quotientAndRemainder(dividingBy: image)
      for k in group &* output..<(group &+ 1) &* output {
        let plane = filter + (k &* image &+ c) &* taps
        for tap in 1...taps { turned.append(plane[taps &- tap]) }
      }
    }
    self.filter = turned
    let (given, spread) = (geometry.output, geometry.turned.image)
    let stride = geometry.stride
    let room = AlignedBuffer<Scalar>(
      repeating: 0, count: channels.batch &* channels.output &* spread.elementCount)
    for plane in 0..<channels.batch &* channels.output {
      for row in 0..<given.height {
        let source = outputs + (plane &* given.height &+ row) &* given.width
        let target = room.base + (plane &* spread.height &+ row &* stride.height) &* spread.width
        for column in 0..<given.width { target[column &* stride.width] = source[column] }
      }
    }
    images = room
  }
}
