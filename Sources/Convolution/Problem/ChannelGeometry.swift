/// How many planes take part: images of a batch, channels of an image, channels of an output, and the groups that
/// keep channels apart. Output channel `k` of group `k / (output/groups)` sums over the `image/groups` image
/// channels of that group.
public struct ChannelGeometry: Hashable, Sendable {
  /// Images, N.
  public let batch: Int
  /// Channels of an image, C.
  public let image: Int
  /// Channels of an output, K.
  public let output: Int
  /// Groups, g; it divides both.
  public let groups: Int

  /// One image of one channel and one filter.
  public static let single = ChannelGeometry(batch: 1, image: 1, output: 1, groups: 1)

  /// Image channels in a group, C/g: the planes of one filter.
  public var imagePerGroup: Int { image / groups }
  /// Output channels in a group, K/g.
  public var outputPerGroup: Int { output / groups }

  /// The first image channel of the group of output channel `output`.
  public func firstImageChannel(of output: Int) -> Int { output / outputPerGroup * imagePerGroup }

  /// The output channels of the group of image channel `image`.
  func outputChannels(of image: Int) -> Range<Int> {
    let first = image / imagePerGroup * outputPerGroup
    return first..<first + outputPerGroup
  }

  /// Calls `body` for each image of the batch, each output channel and each image channel of its group, in this order,
  /// with the numbers of the output plane, the image plane and the filter plane that meet.
  @inline(__always)
  func forEachMeeting(_ body: (_ output: Int, _ image: Int, _ filter: Int) -> Void) {
    for n in 0..<batch {
      for k in 0..<output {
        let first = n &* image &+ firstImageChannel(of: k)
        for c in 0..<imagePerGroup { body(n &* output &+ k, first &+ c, k &* imagePerGroup &+ c) }
      }
    }
  }
}
