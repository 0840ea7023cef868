import Convolution

/// Where a candidate errs: the largest ratio of an error to the claim's bound in each row, column and channel of the
/// result, over all the others. An element that is not finite where it should be counts as infinite.
public struct ErrorMap: Hashable, Sendable {
  /// Rows of a plane.
  public let height: Int
  /// Columns of a plane.
  public let width: Int
  /// By channel.
  public private(set) var channels: [Double]
  /// By pixel, row by row: the worst over images and channels.
  public private(set) var pixels: [Double]

  init(_ geometry: ConvolutionGeometry) {
    let plane = geometry.isTransposed ? geometry.image : geometry.output
    (height, width) = (plane.height, plane.width)
    channels = Array(repeating: 0, count: geometry.resultChannels)
    pixels = Array(repeating: 0, count: plane.elementCount)
  }

  /// By row.
  public var rows: [Double] {
    (0..<height).map { row in pixels[row * width..<(row + 1) * width].max() ?? 0 }
  }

  /// By column.
  public var columns: [Double] {
    var worst = Array(repeating: 0.0, count: width)
    for row in 0..<height {
      for column in 0..<width { worst[column] = max(worst[column], pixels[row * width + column]) }
    }
    return worst
  }

  mutating func note(_ ratio: Double, at index: Int) {
    let (plane, place) = index.quotientAndRemainder(dividingBy: pixels.count)
    let channel = plane % channels.count
    channels[channel] = max(channels[channel], ratio)
    pixels[place] = max(pixels[place], ratio)
  }
}
