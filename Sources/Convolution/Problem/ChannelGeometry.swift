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
}
