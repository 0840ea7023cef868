import Convolution

/// The one trilinear structure of a convolution, contracted to one of its three sides: every element of the result is
/// a sum of products `first · second` over pairs of planes, of rows and of columns.
///
/// `Σ y[n,k,a,b] · w[k,c,u,v] · x[n,c,i,j]`, over the triples (a,u,i) of the rows and (b,v,j) of the columns and over the
/// channels of each group, is linear in outputs, weights and pixels alike; its derivative by one of them is the
/// convolution, its transpose, or the gradient of the filter.
///
/// A class: most judgements need none, and shall not carry room for one.
final class Contraction {
  /// What is summed to what.
  enum Direction {
    /// Filter and images, to the outputs.
    case outputs
    /// Filter and outputs, to the images.
    case images
    /// Outputs and images, to the filter as it was given.
    case filter
    /// What has the shape of the problem's result, to one number a channel.
    case bias
  }

  /// The planes of the two factors that meet in one plane of the result: `count` of them in equal steps.
  private struct PlanePairs {
    let first: Int
    let firstStep: Int
    let second: Int
    let secondStep: Int
    let count: Int
  }

  /// Rows and columns of a plane of the result.
  let plane: Extent
  /// Planes of the result.
  let planes: Int
  private let direction: Direction
  private let rows: AxisPairs
  private let columns: AxisPairs
  private let channels: ChannelGeometry
  /// Channels of the problem's result.
  private let resultChannels: Int
  private let firstPlane: Extent
  private let secondPlane: Extent

  /// The contraction of `geometry`; `isFlipped` says that the filter was rotated, and its gradient is to be rotated back.
  init(_ geometry: ConvolutionGeometry, to direction: Direction, isFlipped: Bool) {
    let channels = geometry.channels
    self.direction = direction
    self.channels = channels
    resultChannels = geometry.resultChannels
    switch direction {
    case .outputs:
      (plane, firstPlane, secondPlane) = (geometry.output, geometry.filter, geometry.image)
      planes = channels.batch * channels.output
      (rows, columns) = (AxisPairs(geometry.rows, at: .output), AxisPairs(geometry.columns, at: .output))
    case .images:
      (plane, firstPlane, secondPlane) = (geometry.image, geometry.filter, geometry.output)
      planes = channels.batch * channels.image
      (rows, columns) = (AxisPairs(geometry.rows, at: .pixel), AxisPairs(geometry.columns, at: .pixel))
    case .filter:
      (plane, firstPlane, secondPlane) = (geometry.filter, geometry.output, geometry.image)
      planes = channels.output * channels.imagePerGroup
      rows = AxisPairs(geometry.rows, at: .tap, reversed: isFlipped)
      columns = AxisPairs(geometry.columns, at: .tap, reversed: isFlipped)
    case .bias:
      let summed = geometry.isTransposed ? geometry.image : geometry.output
      (plane, firstPlane, secondPlane) = (Extent(1, 1), summed, Extent(1, 1))
      planes = geometry.resultChannels
      (rows, columns) = (AxisPairs(summing: summed.height), AxisPairs(summing: summed.width))
    }
  }

  /// The most products in one element of the result.
  var terms: Int { pairs(of: 0).count * rows.most * columns.most }

  private func pairs(of plane: Int) -> PlanePairs {
    let perGroup = channels.imagePerGroup
    switch direction {
    case .outputs:
      let (n, k) = plane.quotientAndRemainder(dividingBy: channels.output)
      return PlanePairs(
        first: k * perGroup, firstStep: 1, second: n * channels.image + channels.firstImageChannel(of: k),
        secondStep: 1, count: perGroup)
    case .images:
      let (n, channel) = plane.quotientAndRemainder(dividingBy: channels.image)
      let (group, c) = channel.quotientAndRemainder(dividingBy: perGroup)
      let k = group * channels.outputPerGroup
      return PlanePairs(
        first: k * perGroup + c, firstStep: perGroup, second: n * channels.output + k, secondStep: 1,
        count: channels.outputPerGroup)
    case .filter:
      let (k, c) = plane.quotientAndRemainder(dividingBy: perGroup)
      return PlanePairs(
        first: k, firstStep: channels.output, second: channels.firstImageChannel(of: k) + c,
        secondStep: channels.image, count: channels.batch)
    case .bias:
      return PlanePairs(
        first: plane, firstStep: resultChannels, second: 0, secondStep: 0, count: channels.batch)
    }
  }

  /// Calls `body` with the two factors of each product of the element (`row`, `column`) of plane `plane` until it answers
  /// false; says whether it never did.
  @inline(__always)
  func forEachProduct<Scalar>(
    _ plane: Int, _ row: Int, _ column: Int, _ first: UnsafePointer<Scalar>, _ second: UnsafePointer<Scalar>,
    _ body: (_ first: Scalar, _ second: Scalar) -> Bool
  ) -> Bool {
    let pairs = pairs(of: plane)
    for index in 0..<pairs.count {
      let left = first + (pairs.first &+ index &* pairs.firstStep) &* firstPlane.elementCount
      let right = second + (pairs.second &+ index &* pairs.secondStep) &* secondPlane.elementCount
      let all = rows.forEachRun(at: row) { down in
        for step in 0..<down.count {
          let leftRow = left + (down.first &+ step &* down.firstStep) &* firstPlane.width
          let rightRow = right + (down.second &+ step &* down.secondStep) &* secondPlane.width
          let all = columns.forEachRun(at: column) { along in
            for step in 0..<along.count {
              let factor = leftRow[along.first &+ step &* along.firstStep]
              if !body(factor, rightRow[along.second &+ step &* along.secondStep]) { return false }
            }
            return true
          }
          if !all { return false }
        }
        return true
      }
      if !all { return false }
    }
    return true
  }
}
